//! What a person has asked for, and how it ended.
//!
//! Invariant: a command ends in one of the exit codes that `--help` documents.

use std::process::ExitCode;
use std::time::Duration;

use super::Settings;
use super::call::{self, CallOptions};
use super::list::{self, ListOptions};
use super::ps::{self, PsOptions};
use super::status::{self, StatusOptions};

/// What a person has asked for.
#[derive(Debug)]
pub enum Wish {
    /// To run a gateway.
    Serve(Box<Settings>),
    /// To see what gateways run.
    Ps(PsOptions),
    /// To see what clients see.
    List(ListOptions),
    /// To call a tool.
    Call(Box<CallOptions>),
    /// To see how a running gateway is.
    Status(StatusOptions),
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All is well: 0.
    Good,
    /// What was asked about is not well, or the command failed: 1. (2 is a command line that cannot be read.)
    Bad,
    /// No gateway answers: 3.
    NoGateway,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Good => 0,
            Exit::Bad => 1,
            Exit::NoGateway => 3,
        })
    }
}

impl Wish {
    /// The least severe log line that is shown unless `MCP_GATEWAY_LOG` says otherwise: a command's own words are enough.
    pub fn log_level(&self) -> &'static str {
        match self {
            Self::Serve(_) => "info",
            Self::Ps(_) | Self::List(_) | Self::Call(_) | Self::Status(_) => "warn",
        }
    }

    /// How long the last lines on stderr may take. What a command complains of is its answer, however busy the machine is;
    /// a gateway that stops has no time for a log that nobody reads.
    pub fn patience(&self) -> Duration {
        match self {
            Self::Serve(_) => Duration::from_millis(200),
            _ => Duration::from_secs(5),
        }
    }

    /// Does it.
    ///
    /// # Errors
    /// It could not be done; the text says why and what to do.
    pub fn carry_out(self) -> anyhow::Result<Exit> {
        match self {
            Self::Serve(settings) => super::serve(*settings).map(|()| Exit::Good),
            Self::Ps(options) => ps::show(&options).map(|()| Exit::Good),
            Self::List(options) => list::show(&options),
            Self::Call(options) => call::call(&options),
            Self::Status(options) => status::show(&options),
        }
    }
}
