//! The search for a child that can take a call.
//!
//! Invariant: it keeps its place in the queue for as long as it lives, and gives back what it was granted.

use std::sync::Arc;

use tokio::sync::{oneshot, watch};

use super::place::{Lease, Place};
use crate::shard::{Ended, Shard, ShardState};

/// What there is to wait for.
#[derive(Debug, Clone)]
pub enum Prospect {
    /// This many children serve, and all have calls of others.
    Busy(usize),
    /// A child is starting, after it has ended so if it has.
    Starting(Option<Arc<Ended>>),
    /// The shard is being replaced.
    Draining,
    /// It is down, and how it ended if it is not on purpose.
    Down(Option<Arc<Ended>>),
}

impl Prospect {
    /// Whether who waits need not look again.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Busy(one), Self::Busy(other)) => one == other,
            (Self::Starting(one), Self::Starting(other)) | (Self::Down(one), Self::Down(other)) => {
                one.as_ref().map(Arc::as_ptr) == other.as_ref().map(Arc::as_ptr)
            }
            (Self::Draining, Self::Draining) => true,
            _ => false,
        }
    }
}

/// Looks for a child. Dropping it gives up its place in the queue.
#[derive(Debug)]
pub struct Search(Inner);

#[derive(Debug)]
enum Inner {
    /// This child, once it serves.
    Child { shard: Shard, state: watch::Receiver<ShardState>, lease: Option<Arc<Lease>> },
    /// Whichever is free next.
    Queue { granted: oneshot::Receiver<Place>, found: Option<Place>, prospect: watch::Receiver<Prospect>, over: bool },
}

impl Search {
    pub(super) fn of_child(shard: Shard, lease: Option<Arc<Lease>>) -> Self {
        let state = shard.state.clone();
        Self(Inner::Child { shard, state, lease })
    }

    /// For the one child of a shared shard; also for one that takes no more calls, until another has its place.
    pub(crate) fn of_shared(shard: &Shard) -> Self {
        Self::of_child(shard.clone(), None)
    }

    /// For a child of a pool that gives out none any more, until another shard has the name.
    pub(super) fn in_vain(prospect: watch::Receiver<Prospect>) -> Self {
        let (_, granted) = oneshot::channel();
        Self(Inner::Queue { granted, found: None, prospect, over: true })
    }

    pub(super) fn of_queue(granted: oneshot::Receiver<Place>, prospect: watch::Receiver<Prospect>) -> Self {
        Self(Inner::Queue { granted, found: None, prospect, over: false })
    }

    /// The shard whose state says how long to wait, if it is one child that is waited for.
    pub fn child(&self) -> Option<&Shard> {
        match &self.0 {
            Inner::Child { shard, .. } => Some(shard),
            Inner::Queue { .. } => None,
        }
    }

    /// The child, if it can take a call now; wakes it if it sleeps.
    ///
    /// # Errors
    /// What there is to wait for instead.
    pub fn look(&mut self) -> Result<Place, Prospect> {
        match &mut self.0 {
            Inner::Child { shard, state, lease } => match &*state.borrow_and_update() {
                ShardState::Ready(live) if !live.link.is_closed() => Ok(match lease {
                    Some(lease) => Place::leased(shard.clone(), live.clone(), Arc::clone(lease)),
                    None => Place::shared(shard.clone(), live.clone()),
                }),
                ShardState::Starting => Err(Prospect::Starting(shard.stats.last_ended())),
                ShardState::Asleep => {
                    shard.wake();
                    Err(Prospect::Starting(None))
                }
                ShardState::Draining => Err(Prospect::Draining),
                ShardState::Backoff { ended, .. } => Err(Prospect::Down(Some(Arc::clone(ended)))),
                ShardState::Ready(_) | ShardState::Stopped => Err(Prospect::Down(None)),
            },
            Inner::Queue { granted, found, prospect, over } => {
                let found = found.take().or_else(|| granted.try_recv().ok());
                // The queue ends when the shard is being stopped.
                found.ok_or_else(|| if *over { Prospect::Draining } else { prospect.borrow_and_update().clone() })
            }
        }
    }

    /// Waits until [`Search::look`] may say something else. Safe to cancel.
    pub async fn changed(&mut self) {
        match &mut self.0 {
            Inner::Child { state, .. } => {
                if state.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
            Inner::Queue { over: true, .. } => std::future::pending().await,
            Inner::Queue { granted, found, prospect, over } => tokio::select! {
                place = granted => match place {
                    Ok(place) => *found = Some(place),
                    Err(_) => *over = true,
                },
                changed = prospect.changed() => *over |= changed.is_err(),
            },
        }
    }
}
