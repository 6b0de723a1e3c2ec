//! What a link is made with.
//!
//! Invariant: what a review of the file may change is changed in place; the rest stays for the child's life.

use std::sync::atomic::AtomicUsize;

use super::asking::Roots;
use super::following::Following;
use crate::config::{Instances, Mask, ShardSpec};
use crate::shard::budget::Budget;
use crate::shard::followed::{Audience, Feed};

/// What bounds a link.
#[derive(Debug)]
pub struct Limits {
    pub(super) in_flight: AtomicUsize,
    pub(super) message: AtomicUsize,
    /// What all results together may take.
    pub(super) budget: Budget,
    /// Hides the shard's secrets in what it says for nobody but the gateway's log.
    pub(super) mask: Mask,
    pub(super) roots: Roots,
    pub(super) following: Following,
}

impl Limits {
    /// `in_flight` calls at once, messages from the shard of up to `message` bytes, results within `budget`.
    pub fn new(in_flight: usize, message: usize, budget: Budget, mask: Mask) -> Self {
        let roots = Roots::new(Instances::Shared, &[]);
        let following = Following::new("", Audience::Nobody, Feed::default());
        Self { in_flight: in_flight.into(), message: message.into(), budget, mask, roots, following }
    }

    /// What the file of a shard says, with the results of all shards within `budget`.
    pub(crate) fn of(spec: &ShardSpec, budget: Budget, audience: Audience, feed: Feed) -> Self {
        let roots = Roots::new(spec.process.instances, &spec.roots);
        let following = Following::new(spec.name.as_str(), audience, feed);
        Self { roots, following, ..Self::new(spec.limits.in_flight, spec.limits.message, budget, spec.mask.clone()) }
    }
}
