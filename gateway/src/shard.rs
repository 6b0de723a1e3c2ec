//! One shard: its process, the link to it, how the two agree on a revision, and who keeps it alive.
//!
//! Invariant: nothing here knows of other shards, of exposed names or of clients beyond an opaque key.

pub mod budget;
mod ended;
mod fetch;
mod handshake;
pub mod link;
pub mod polite;
pub mod roster;
pub mod stats;

pub use ended::{Ended, Reason};
