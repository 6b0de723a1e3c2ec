//! How a call ends, and why one is not taken.
//!
//! Invariant: whether a call may have run can be told from its failure alone (DESIGN D8).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::shard::Ended;

/// How a call ended.
pub type Done = Result<Reply, Failure>;

/// What the shard answered, as the bytes that it wrote.
#[derive(Debug, Clone)]
pub enum Reply {
    /// The `result` object.
    Result(Bytes),
    /// The `error` object.
    Error(Bytes),
}

/// Why a call has no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    /// The shard ended before it was sent; it has not run and may go to the next instance.
    #[error("not sent: {ended}")]
    NotSent {
        /// How the shard ended.
        ended: Arc<Ended>,
        /// The whole message, still with its number.
        line: Vec<u8>,
    },
    /// The shard ended while the call was under way; it may have run.
    #[error("{0}")]
    Ended(Arc<Ended>),
    /// A time limit was over; the shard was told to cancel.
    #[error("no answer within {} (`timeouts.{setting}`)", humantime::format_duration(*after))]
    Deadline {
        /// The key under `timeouts`.
        setting: &'static str,
        /// Its value.
        after: Duration,
    },
    /// The answer was longer than a message may be.
    #[error("the answer has {length} bytes, the limit is {limit} (`limits.message`)")]
    Overlong {
        /// Its length, in bytes.
        length: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The answer cannot be relayed.
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
    /// All results in memory together are at their limit.
    #[error("the results in memory have reached {0} bytes (`--result-memory`)")]
    Budget(usize),
}

/// Why a call was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The shard has ended; another instance may take the call.
    #[error("the shard has ended")]
    Gone,
    /// As many calls wait as may.
    #[error("{in_flight} calls are in flight (`limits.in_flight`) and {waiting} more wait")]
    Full {
        /// The setting `limits.in_flight`.
        in_flight: usize,
        /// How many calls may wait above it.
        waiting: usize,
    },
    /// As many calls wait for a child of their own as may.
    #[error(
        "its {children} children have a call each, as `instances` in its file wants it, and {waiting} more calls wait"
    )]
    Busy {
        /// How many children there are.
        children: usize,
        /// How many calls may wait for one.
        waiting: usize,
    },
    /// The session for whose own child it is has ended.
    #[error("the session is over")]
    Over,
    /// As many sessions have children of their own as may.
    #[error("{limit} sessions have children of their own (`--max-private-children`)")]
    Private {
        /// That setting.
        limit: usize,
    },
    /// The calls that wait have as many bytes as they may.
    #[error("calls of {waiting} bytes wait for it; `limits.in_flight` lets it take more at once")]
    Heavy {
        /// That limit.
        waiting: usize,
    },
}
