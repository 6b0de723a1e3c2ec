//! The child that has a call, for as long as somebody needs that child.
//!
//! Invariant: a child that is not shared is free only when the last clone of a place on it is gone.

use std::sync::Arc;

use super::Pool;
use crate::shard::link::Link;
use crate::shard::{Live, Shard};

/// The child that has a call. Cheap to clone; whoever needs the same child for what follows the call keeps a clone, and a
/// child that is not shared is nobody else's meanwhile.
#[derive(Debug, Clone)]
pub struct Place {
    /// The shard as the child's supervisor shows it.
    pub shard: Shard,
    /// The child: the link tells it from every other.
    pub live: Live,
    _lease: Option<Arc<Lease>>,
}

impl Place {
    /// On the one child of a shared shard.
    pub(crate) fn shared(shard: Shard, live: Live) -> Self {
        Self { shard, live, _lease: None }
    }

    /// The same child without a claim to it.
    pub(crate) fn unclaimed(&self) -> Self {
        Self { _lease: None, ..self.clone() }
    }

    pub(super) fn leased(shard: Shard, live: Live, lease: Arc<Lease>) -> Self {
        Self { shard, live, _lease: Some(lease) }
    }
}

/// Which member of a pool.
#[derive(Debug, Clone, Copy)]
pub(super) enum Seat {
    Exclusive { id: u64 },
    Private { client: u128, id: u64 },
}

/// The right to one member. Dropping it locks the pool, so that is never done under its lock.
#[derive(Debug)]
pub(super) struct Lease {
    pool: Arc<Pool>,
    seat: Seat,
    /// The link of a child that goes to another client next.
    link: Option<Link>,
}

impl Lease {
    pub(super) fn new(pool: &Arc<Pool>, seat: Seat, link: Option<Link>) -> Arc<Self> {
        Arc::new(Self { pool: Arc::clone(pool), seat, link })
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.pool.release(&self.seat, self.link.as_ref());
    }
}
