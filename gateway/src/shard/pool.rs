//! Which child of a shard has a call: `instances` in the shard's file (DESIGN D2).
//!
//! Invariant: a child that is not shared is one client's for as long as a [`Place`] on it lives.

use crate::shard::{Live, Shard};

/// The child that has a call. Cheap to clone; whoever needs the same child for what follows the call keeps a clone.
#[derive(Debug, Clone)]
pub struct Place {
    /// The shard as the child's supervisor shows it.
    pub shard: Shard,
    /// The child: the link tells it from every other.
    pub live: Live,
}

impl Place {
    /// On the one child of a shared shard.
    pub(crate) fn shared(shard: Shard, live: Live) -> Self {
        Self { shard, live }
    }
}
