//! How much the shard logs for the client of a call.
//!
//! Invariant: the shard is told before the call, so that the call's own messages are at the level that its client wants.

use crate::mux::client::Client;
use crate::shard::Live;
use crate::shard::link::{Call, Raised};
use crate::wire::Era;

/// Kept while the call is under way; nobody asks how it went.
#[derive(Debug)]
pub(super) enum Told {
    ForAll { _asked: Box<Call> },
    ForCall { _raised: Box<Raised> },
}

/// Sees to it that the shard logs as much as the client wants to hear: for good for a session, which has said so before,
/// and for the time of the call for a modern client.
pub(super) fn told_level(client: &Client, live: &Live) -> Option<Told> {
    let level = client.level.filter(|_| live.era == Era::Legacy)?;
    match client.revision.era() {
        Era::Legacy => live.link.tell_at_least(level).map(|asked| Told::ForAll { _asked: Box::new(asked) }),
        Era::Modern => Some(Told::ForCall { _raised: Box::new(live.link.raise_level(level)) }),
    }
}
