//! The command line: one subcommand per run.
//!
//! Invariant: what a run can be told is declared beside that run; here only the runs are listed.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use gateway::wire::Era;

use crate::{bad, cell, echo, edits, floor, kills, neighbours, orphans, sessions, speed, traefik};

/// Measures the gateway and abuses it. Each run prints its figures beside its targets and exits with 1 on a miss.
#[derive(Debug, Parser)]
#[command(name = "bench", version)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

/// The runs, and the peers that they start.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// A shard without an SDK that gives back the token of each call; started by the gateway.
    Echo(echo::Options),
    /// An HTTP server that answers everything with the same bytes, or with a shard's; started by `speed`.
    Floor(floor::Options),
    /// One cell of the speed table alone, for a profiler.
    Cell(cell::Options),
    /// What is left of shards that will not go, after a stop, a kill and a restart, beside a second gateway.
    Orphans(orphans::Options),
    /// Calls per second, latencies, processor time, lists, memory and starting, beside the targets.
    Speed(speed::Options),
    /// Ten shards of which one is killed four times a second, while 16 clients call them.
    Kills(kills::Options),
    /// A shard that misbehaves in one way; started by the gateway.
    Bad(bad::Options),
    /// One bad shard beside nine good ones: one fault after the other.
    Neighbours(neighbours::Options),
    /// Thousands of sessions that are abandoned, and streams that are not read.
    Sessions(sessions::Options),
    /// Shard files that are edited all the time under 32 calls in flight.
    Edits(edits::Options),
    /// The Traefik shard: listing thousands of routers, and creating a route until it answers.
    Traefik(traefik::Options),
}

/// What every run takes.
#[derive(Debug, Clone, Args)]
pub struct Target {
    /// The gateway to run [default: `mcp-gateway` beside this binary].
    #[arg(long, value_name = "PATH")]
    gateway: Option<PathBuf>,
}

impl Target {
    /// The gateway's binary.
    ///
    /// # Errors
    /// It is not there.
    pub fn binary(&self) -> anyhow::Result<PathBuf> {
        let path = match &self.gateway {
            Some(path) => path.clone(),
            None => beside("mcp-gateway")?,
        };
        path.canonicalize()
            .with_context(|| format!("no gateway at `{}`: run `make bench`, or give --gateway", path.display()))
    }
}

/// How an era is given.
pub fn eras() -> impl TypedValueParser<Value = Era> {
    PossibleValuesParser::new([Era::Legacy, Era::Modern].map(Era::as_str))
        .map(|name| if name == Era::Modern.as_str() { Era::Modern } else { Era::Legacy })
}

/// A seed of this run alone, short enough to be typed.
pub fn any_seed() -> u64 {
    fastrand::u64(..1_000_000)
}

/// A program that is built into the same folder as this one.
///
/// # Errors
/// The system does not say where this program is.
pub fn beside(name: &str) -> anyhow::Result<PathBuf> {
    Ok(std::env::current_exe().context("where is this program?")?.with_file_name(name))
}

/// Whether a run met its targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It did, or it has none.
    Pass,
    /// At least one was missed.
    Miss,
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::SUCCESS,
            Verdict::Miss => Self::FAILURE,
        }
    }
}

/// Reads the command line; a fault in it ends the process with clap's words.
pub fn parse() -> Command {
    CommandLine::parse().command
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }
}
