//! The children of one pool, as values.
//!
//! Invariant: who is dismissed counts as a child until its process is gone.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};
use tokio::time::Instant;

use super::place::{Place, Seat};
use crate::shard::{Shard, ShardState};
use crate::wire::Level;

#[derive(Debug)]
pub(super) struct Members {
    /// One call at a time each; the first is the child that keeps the roster.
    pub(super) exclusive: Vec<Member>,
    /// The children of sessions.
    pub(super) private: HashMap<u128, Member>,
    /// Who waits for one that is exclusive, the oldest first.
    pub(super) waiters: VecDeque<oneshot::Sender<Place>>,
    pub(super) leaving: Vec<Leaving>,
    /// The predecessor that must be gone before there is any child.
    pub(super) after: Option<Shard>,
    /// There will be no further children.
    pub(super) closed: bool,
    latest: u64,
}

#[derive(Debug)]
pub(super) struct Member {
    pub(super) id: u64,
    /// `None` is the child that keeps the roster.
    pub(super) shard: Option<Shard>,
    /// How many places on it are held.
    pub(super) leases: usize,
    /// When the latest was given back, or the member was made.
    pub(super) freed: Instant,
    /// What its session wants to hear.
    pub(super) level: Option<watch::Sender<Option<Level>>>,
    /// Its place among all children of sessions.
    pub(super) permit: Option<OwnedSemaphorePermit>,
}

/// A child that has been asked to stop.
#[derive(Debug)]
pub(super) struct Leaving {
    pub(super) shard: Shard,
    /// Free when the child is gone.
    _permit: Option<OwnedSemaphorePermit>,
}

impl Members {
    pub(super) fn new(after: Option<Shard>) -> Self {
        let mut members = Self {
            exclusive: Vec::new(),
            private: HashMap::new(),
            waiters: VecDeque::new(),
            leaving: Vec::new(),
            after,
            closed: false,
            latest: 0,
        };
        let first = members.member(None);
        members.exclusive.push(first);
        members
    }

    pub(super) fn member(&mut self, shard: Option<Shard>) -> Member {
        self.latest += 1;
        Member { id: self.latest, shard, leases: 0, freed: Instant::now(), level: None, permit: None }
    }

    /// All but the child that keeps the roster.
    pub(super) fn others(&self) -> impl Iterator<Item = &Member> {
        self.exclusive.iter().skip(1).chain(self.private.values())
    }

    pub(super) fn at(&mut self, seat: &Seat) -> Option<&mut Member> {
        match *seat {
            Seat::Exclusive { id } => self.exclusive.iter_mut().find(|member| member.id == id),
            Seat::Private { client, id } => self.private.get_mut(&client).filter(|member| member.id == id),
        }
    }

    /// Asks a member to stop and forgets it but for that.
    pub(super) fn dismiss(&mut self, id: u64, drain: Duration) {
        let place = self.exclusive.iter().position(|member| member.id == id);
        let member = match place {
            Some(place) => Some(self.exclusive.remove(place)),
            None => {
                let client = self.private.iter().find(|(_, member)| member.id == id).map(|(client, _)| *client);
                client.and_then(|client| self.private.remove(&client))
            }
        };
        if let Some(Member { shard: Some(shard), permit, .. }) = member {
            shard.stop(drain);
            self.leaving.push(Leaving { shard, _permit: permit });
        }
    }

    /// Forgets the children that are gone.
    pub(super) fn bury(&mut self) {
        let is_gone = |shard: &Shard| matches!(*shard.state.borrow(), ShardState::Stopped);
        self.leaving.retain(|leaving| !is_gone(&leaving.shard));
        self.after.take_if(|before| is_gone(before));
    }
}
