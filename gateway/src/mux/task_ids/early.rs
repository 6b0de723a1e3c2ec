//! What a shard says of a task before the answer that announces it has been read here: both come in one piece, and another
//! task carries what belongs to no call.
//!
//! Invariant: it waits for the announcement that is under way, and not for long.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::Holder;
use crate::mux::client::ClientKey;
use crate::shard::link::Link;

/// How many such messages wait, and for how long.
const WAITING: usize = 256;
const PATIENCE: Duration = Duration::from_secs(10);

/// One message.
#[derive(Debug)]
pub(in crate::mux) struct Early {
    pub(in crate::mux) client: ClientKey,
    pub(in crate::mux) link: Link,
    /// The call that makes the task.
    pub(in crate::mux) number: u64,
    pub(in crate::mux) method: Box<str>,
    pub(in crate::mux) params: Bytes,
    pub(in crate::mux) since: Instant,
}

/// Those that wait.
#[derive(Debug, Default)]
pub(super) struct Waiting(Vec<Early>);

impl Waiting {
    pub(super) fn keep(&mut self, early: Early) {
        self.0.retain(|other| other.since.elapsed() < PATIENCE);
        if self.0.len() < WAITING {
            self.0.push(early);
        }
    }

    /// Those that wait for the task of this call, in order.
    pub(super) fn take(&mut self, owner: Holder, link: &Link, number: u64) -> Vec<Early> {
        let is_its =
            |early: &mut Early| Holder::session(early.client) == owner && early.number == number && early.link.is(link);
        self.0.extract_if(.., is_its).collect()
    }
}
