//! Keeps a pool in order: hands out children, employs and dismisses them, and renews those that are not exact any more.
//!
//! Invariant: the task ends when the pool is closed and its children are gone, or when everything stops.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use super::members::{Member, Members};
use super::search::Prospect;
use super::{CHILDREN, Place, Pool, serving};
use crate::shard::handle::Handle;
use crate::shard::{Shard, ShardState};

/// A child has so long to answer a call that was given up; then it is renewed.
const SETTLE: Duration = Duration::from_secs(2);
/// A child beside the first that nobody has needed for so long is ended.
const IDLE: Duration = Duration::from_secs(60);
/// A session that has had neither a call nor an open stream for so long loses its child.
const FORGOTTEN: Duration = Duration::from_secs(10 * 60);
/// How often it is looked whether a session is still there.
const ROUND: Duration = Duration::from_secs(60);

/// Tends the pool of `primary` until it is closed and empty.
pub(crate) async fn tend(pool: Arc<Pool>, primary: Weak<Handle>, mut state: watch::Receiver<ShardState>) {
    while let Some(shard) = primary.upgrade().map(Shard::of) {
        let next = pool.tend(&shard);
        drop(shard);
        if next == Next::Over {
            return;
        }
        tokio::select! {
            () = pool.woken.notified() => {}
            changed = state.changed() => if changed.is_err() { return },
            () = async {
                match next {
                    Next::At(due) => sleep_until(due).await,
                    Next::WhenWoken | Next::Over => std::future::pending().await,
                }
            } => {}
        }
    }
}

/// When the pool needs tending again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    At(Instant),
    WhenWoken,
    Over,
}

impl Next {
    fn by(&mut self, due: Instant) {
        *self = match *self {
            Self::At(earlier) => Self::At(earlier.min(due)),
            Self::WhenWoken | Self::Over => Self::At(due),
        };
    }
}

impl Pool {
    fn tend(self: &Arc<Self>, primary: &Shard) -> Next {
        let mut next = Next::WhenWoken;
        let unwanted = {
            let mut members = self.lock();
            members.bury();
            if members.closed {
                return if members.leaving.is_empty() { Next::Over } else { Next::WhenWoken };
            }
            let unwanted = self.hand_out(&mut members, primary);
            self.employ_for_waiters(&mut members, primary);
            settle(&members, primary, &mut next);
            self.dismiss_idle(&mut members, &mut next);
            let prospect = prospect(&members, primary);
            self.prospect.send_if_modified(|before| {
                let changed = !before.is_like(&prospect);
                *before = prospect;
                changed
            });
            unwanted
        };
        // Given back without the lock, which wakes this task again if somebody else waits.
        drop(unwanted);
        next
    }

    /// Gives the free children to those who wait; returns what nobody took.
    fn hand_out(self: &Arc<Self>, members: &mut Members, primary: &Shard) -> Vec<Place> {
        let mut unwanted = Vec::new();
        members.waiters.retain(|waiter| !waiter.is_closed());
        while !members.waiters.is_empty()
            && let Some(place) = self.lease_free(members, primary)
            && let Some(waiter) = members.waiters.pop_front()
        {
            unwanted.extend(waiter.send(place).err());
        }
        unwanted
    }

    /// As many children as wait for one, if the shard is not down.
    fn employ_for_waiters(&self, members: &mut Members, primary: &Shard) {
        if members.waiters.is_empty() {
            return;
        }
        let is_up = match &*primary.state.borrow() {
            ShardState::Starting | ShardState::Ready(_) => true,
            ShardState::Asleep => {
                primary.wake();
                true
            }
            ShardState::Backoff { .. } | ShardState::Draining | ShardState::Stopped => false,
        };
        let coming = |shard: &Shard| matches!(*shard.state.borrow(), ShardState::Starting | ShardState::Asleep);
        let free = members.exclusive.iter().filter(|member| member.leases == 0);
        let coming = free.filter(|member| coming(member.shard.as_ref().unwrap_or(primary))).count();
        let missing = members.waiters.len().saturating_sub(coming);
        let room = CHILDREN.saturating_sub(members.exclusive.len());
        if is_up && !self.tasks.stop().is_cancelled() {
            for _ in 0..missing.min(room) {
                self.employ(members, primary);
            }
        }
    }

    /// Ends the children that nobody has needed for long.
    fn dismiss_idle(&self, members: &mut Members, next: &mut Next) {
        let now = Instant::now();
        let mut idle = Vec::new();
        for member in members.exclusive.iter().skip(1) {
            let due = if member.leases == 0 && !owes_tasks(member) { member.freed + IDLE } else { now + IDLE };
            if due <= now { idle.push(member.id) } else { next.by(due) }
        }
        for (client, member) in &mut members.private {
            if member.leases > 0 || owes_tasks(member) || self.setup.own_children.is_present(*client) {
                member.freed = now;
            }
            if member.freed + FORGOTTEN <= now { idle.push(member.id) } else { next.by(now + ROUND) }
        }
        for id in idle {
            info!("a child that nobody needs is ended");
            members.dismiss(id, Duration::ZERO);
        }
    }
}

/// Whether a client still waits for the result of a task there.
fn owes_tasks(member: &Member) -> bool {
    member.shard.as_ref().and_then(serving).is_some_and(|live| live.link.owes_tasks())
}

/// Renews the children that still owe the answer to a call that was given up.
fn settle(members: &Members, primary: &Shard, next: &mut Next) {
    for member in members.exclusive.iter().filter(|member| member.leases == 0) {
        let shard = member.shard.as_ref().unwrap_or(primary);
        let Some(live) = serving(shard).filter(|live| !live.link.is_settled()) else { continue };
        let due = member.freed + SETTLE;
        if due <= Instant::now() {
            warn!(pid = live.pid, "renewing a child that does not answer a call that was given up");
            live.link.renew();
        } else {
            next.by(due);
        }
    }
}

/// What who waits may expect.
fn prospect(members: &Members, primary: &Shard) -> Prospect {
    let shards = members.exclusive.iter().map(|member| (member.leases, member.shard.as_ref().unwrap_or(primary)));
    let serving = shards.clone().filter(|(leases, shard)| *leases > 0 || serving(shard).is_some()).count();
    if serving > 0 {
        return Prospect::Busy(serving);
    }
    let coming = |shard: &Shard| matches!(*shard.state.borrow(), ShardState::Starting | ShardState::Asleep);
    if shards.clone().any(|(_, shard)| coming(shard)) {
        return Prospect::Starting(primary.stats.last_ended());
    }
    match &*primary.state.borrow() {
        ShardState::Draining => Prospect::Draining,
        ShardState::Backoff { ended, .. } => Prospect::Down(Some(Arc::clone(ended))),
        _ => Prospect::Down(None),
    }
}
