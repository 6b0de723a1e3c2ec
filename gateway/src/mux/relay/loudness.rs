//! How much the shard logs for the client of a call.
//!
//! Invariant: the shard is told before the call, so that the call's own messages are at the level that its client wants.

use crate::mux::client::Client;
use crate::shard::Live;
use crate::shard::link::Raised;
use crate::wire::Era;

/// Sees to it that the shard logs as much as the client wants to hear: for good for a session, which has said so before,
/// and for as long as the value is kept for a modern client.
pub(super) fn told_level(client: &Client, live: &Live) -> Option<Raised> {
    let level = client.level.filter(|_| live.era == Era::Legacy)?;
    match client.revision.era() {
        Era::Legacy => {
            live.link.tell_at_least(level);
            None
        }
        Era::Modern => Some(live.link.raise_level(level)),
    }
}
