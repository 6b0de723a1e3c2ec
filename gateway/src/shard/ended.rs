//! How an instance of a shard ended.

use std::fmt;
use std::io;
use std::process::ExitStatus;
use std::time::Duration;

/// Why a child is not there any more, with the last that it said.
#[derive(Debug, thiserror::Error)]
pub struct Ended {
    /// What happened.
    #[source]
    pub reason: Reason,
    /// The last lines of its stderr, secrets masked, the oldest first.
    pub stderr: Vec<String>,
}

/// How many lines of a shard's stderr are shown outside the log (DESIGN D10).
pub const STDERR_SHOWN: usize = 3;

impl Ended {
    /// Its last lines as a message goes on with them; empty if it said nothing.
    pub fn last_words(&self) -> String {
        let words = &self.stderr[self.stderr.len().saturating_sub(STDERR_SHOWN)..];
        if words.is_empty() { String::new() } else { format!("; its last lines: {}", words.join(" | ")) }
    }
}

/// What happened to a child.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// The program could not be started.
    #[error("cannot start `{program}`: {source}")]
    Spawn {
        /// The program as resolved.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// It exited.
    #[error("it ended with {0}")]
    Exited(ExitStatus),
    /// It closed its output but did not exit of itself.
    #[error("it closed its output")]
    Closed,
    /// The handshake was not done in time.
    #[error("no answer to the handshake within {} (`timeouts.start`)", humantime::format_duration(*.0))]
    Silent(Duration),
    /// It refused the handshake.
    #[error("the handshake failed: {0}")]
    Handshake(String),
    /// It was stopped on purpose.
    #[error("it was stopped")]
    Stopped,
}

impl fmt::Display for Ended {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(formatter)
    }
}
