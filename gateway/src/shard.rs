//! One shard: its process, the link to it, how the two agree on a revision, and who keeps it alive.
//!
//! Invariant: nothing here knows of other shards, of exposed names or of clients beyond an opaque key.

pub mod roster;
