//! What a person has asked for, and how it ended.
//!
//! Invariant: a command ends in one of the exit codes that `--help` documents.

use std::process::ExitCode;
use std::time::Duration;

use super::Settings;
use super::add::{self, AddOptions};
use super::call::{self, CallOptions};
use super::check::{self, CheckOptions};
use super::client::{self, ClientOptions};
use super::connect::{self, ConnectOptions};
use super::import::{self, ImportOptions};
use super::list::{self, ListOptions};
use super::new::{self, NewOptions};
use super::output;
use super::peer::NoGateway;
use super::ps::{self, PsOptions};
use super::status::{self, StatusOptions};

/// What a person has asked for.
#[derive(Debug)]
pub enum Wish {
    /// To run a gateway.
    Serve(Box<Settings>),
    /// To join a gateway that runs.
    Connect(Box<ConnectOptions>),
    /// To know what is wrong with the shard files.
    Check(CheckOptions),
    /// To see what gateways run.
    Ps(PsOptions),
    /// To connect a client.
    Client(ClientOptions),
    /// To have a shard crate made.
    New(NewOptions),
    /// To see what clients see.
    List(ListOptions),
    /// To call a tool.
    Call(Box<CallOptions>),
    /// To see how a running gateway is.
    Status(StatusOptions),
    /// To have a shard file written.
    Add(AddOptions),
    /// To have the servers of a client as shard files.
    Import(ImportOptions),
    /// To read a text that is the same for everybody: a schema, or completions for a shell.
    Print(String),
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
    /// A signal of this number ended it: 128 and the number, as shells have it; 130 after Ctrl-C.
    Signal(u8),
}

/// A person, or who stops the machine, wanted a command to end before it was done.
#[derive(Debug, thiserror::Error)]
#[error("interrupted; what was under way is cancelled")]
pub(super) struct Interrupted {
    pub(super) signal: u8,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Good => 0,
            Exit::Bad => 1,
            Exit::NoGateway => 3,
            Exit::Signal(number) => number.saturating_add(128),
        })
    }
}

impl Exit {
    /// How a command ended that could not be carried out.
    pub fn of(error: &anyhow::Error) -> Self {
        if let Some(Interrupted { signal }) = error.downcast_ref() {
            return Self::Signal(*signal);
        }
        match error.downcast_ref() {
            Some(NoGateway::Silent { .. } | NoGateway::Nowhere(_)) => Self::NoGateway,
            Some(NoGateway::Client(_)) | None => Self::Bad,
        }
    }
}

impl Wish {
    /// Whether it serves clients: its faults belong into its log.
    pub fn serves(&self) -> bool {
        matches!(self, Self::Serve(_) | Self::Connect(_))
    }

    /// The least severe log line that is shown unless `MCP_GATEWAY_LOG` says otherwise. A command says itself what is wrong;
    /// what the shards that it starts for a moment do is no answer.
    pub fn log_level(&self) -> &'static str {
        if self.serves() { "info" } else { "off" }
    }

    /// How long the last lines on stderr may take. What a command complains of is its answer, however busy the machine is;
    /// a gateway that stops has no time for a log that nobody reads.
    pub fn patience(&self) -> Duration {
        match self {
            Self::Serve(_) | Self::Connect(_) => Duration::from_millis(200),
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
            Self::Connect(options) => connect::join(*options),
            Self::Check(options) => check::check(&options),
            Self::Ps(options) => ps::show(&options).map(|()| Exit::Good),
            Self::Client(options) => client::show(&options).map(|()| Exit::Good),
            Self::New(options) => new::make(&options).map(|()| Exit::Good),
            Self::List(options) => list::show(&options),
            Self::Call(options) => call::call(&options),
            Self::Status(options) => status::show(&options),
            Self::Add(options) => add::add(&options),
            Self::Import(options) => import::import(&options),
            Self::Print(text) => output::print(&text).map(|()| Exit::Good),
        }
    }
}
