//! The tasks that shards run for clients (2025-11-25, basic/utilities/tasks; 2026-07-28, the extension), by the ids that
//! clients know.
//!
//! Invariants: a task is its owner's alone, and leads to the very child that made it, for as long as that lives. A client
//! sees the shard's own id, unless another child has shown the same id to the same owner.

mod early;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

pub(super) use self::early::Early;
use self::early::Waiting;
use super::client::{Client, ClientKey, Principal};
use crate::shard::Place;
use crate::shard::link::{Link, UNASKED};
use crate::wire::{Era, Fault, code};

/// How many tasks one session or connection may have, those together who come without either, and all. Those that have come
/// to nothing or whose result has been fetched make room; then, as their clients may be gone, the tasks of the modern era
/// that nobody has asked for lately.
const OF_ONE: usize = 256;
const OF_PASSING: usize = 2048;
const OF_ALL: usize = 4096;
/// A task without `ttl`, or with a longer one, is known for so long.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// A task is known for so long after its `ttl`, so that it is the shard that says that it is over.
const GRACE: Duration = Duration::from_secs(60);
/// The longest id of a shard that can be kept, in bytes.
pub(super) const LONGEST_ID: usize = 1024;
/// How often is looked for children that their tasks need no more.
pub(super) const SWEEP: Duration = Duration::from_secs(1);

/// Whose a task is. What was made in one era is asked for in that era.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Holder {
    principal: Principal,
    era: Era,
}

impl Holder {
    /// Of what this client makes.
    pub(super) fn of(client: &Client) -> Self {
        Self { principal: client.principal, era: client.revision.era() }
    }

    /// Of what a legacy session makes.
    pub(super) const fn session(key: ClientKey) -> Self {
        Self { principal: Principal::Connection(key), era: Era::Legacy }
    }

    /// How many tasks it may have, and its name for messages.
    fn bound(self) -> (usize, &'static str) {
        match (self.principal, self.era) {
            (Principal::Passing, _) => (OF_PASSING, "all clients without a connection of their own"),
            (Principal::Connection(_), Era::Legacy) => (OF_ONE, "this session"),
            (Principal::Connection(_), Era::Modern) => (OF_ONE, "this connection"),
        }
    }
}

/// All tasks that clients may ask for.
#[derive(Debug)]
pub(super) struct TaskIds<P = Place>(Mutex<Register<P>>);

#[derive(Debug)]
struct Register<P> {
    tasks: HashMap<(Holder, Arc<str>), Known<P>>,
    renamed: u64,
    is_swept: bool,
    early: Waiting,
}

#[derive(Debug)]
struct Known<P> {
    at: TaskAt<P>,
    made: Instant,
    /// When it was asked for last.
    asked: Instant,
    until: Instant,
    /// The child is nobody else's meanwhile.
    is_held: bool,
}

/// Where a task is.
#[derive(Debug, Clone)]
pub(super) struct TaskAt<P = Place> {
    /// The shard that made it.
    pub(super) shard: Arc<str>,
    /// The child that made it.
    pub(super) link: Link,
    /// The same, to be called.
    pub(super) place: P,
    /// What the shard calls the task.
    pub(super) own: Arc<str>,
    /// What the client calls it.
    pub(super) shown: Arc<str>,
    /// The number of the call that made it.
    pub(super) number: u64,
    /// The client's token for its progress, JSON text.
    pub(super) token: Option<Box<str>>,
}

/// A claim to a child.
pub(super) trait Claim: Clone {
    /// The same child without the claim.
    fn let_go(&self) -> Self;
}

impl Claim for Place {
    fn let_go(&self) -> Self {
        self.unclaimed()
    }
}

impl<P> TaskAt<P> {
    /// Whether both sides call it the same.
    pub(super) fn is_renamed(&self) -> bool {
        self.own != self.shown
    }

    /// Whether nothing more is to be had of it.
    fn is_done(&self) -> bool {
        self.link.ending().is_some() || !self.link.is_task_awaited(&self.own)
    }
}

impl<P: Claim> TaskIds<P> {
    /// Whether the client may have one more task.
    ///
    /// # Errors
    /// Too many are known already.
    pub(super) fn has_room(&self, owner: Holder) -> Result<(), Fault> {
        let mut register = self.lock();
        if register.fault(owner).is_some() {
            register.make_room();
        }
        if register.fault(owner).is_some() {
            register.forget_unasked(owner);
        }
        register.fault(owner).map_or(Ok(()), Err)
    }

    /// Enters the task that a child has made, with its `ttl`; gives it as the client is to know it, and what the child has
    /// said of it since.
    pub(super) fn enter(&self, owner: Holder, ttl: Option<Duration>, at: TaskAt<P>) -> (TaskAt<P>, Vec<Early>) {
        let mut register = self.lock();
        let shown = register.free_id(owner, &at);
        let at = TaskAt { shown: Arc::clone(&shown), ..at };
        let made = Instant::now();
        let until = made + ttl.unwrap_or(LONGEST).min(LONGEST) + GRACE;
        let early = register.early.take(owner, &at.link, at.number);
        register.tasks.insert((owner, shown), Known { at: at.clone(), made, asked: made, until, is_held: true });
        (at, early)
    }

    /// Keeps what is said of a task that is still to be entered.
    pub(super) fn keep(&self, early: Early) {
        self.lock().early.keep(early);
    }

    /// The task that its owner knows by this id, and asks for.
    pub(super) fn find(&self, owner: Holder, shown: &str) -> Option<TaskAt<P>> {
        let mut register = self.lock();
        let known = register.tasks.get_mut(&(owner, Arc::from(shown)))?;
        known.asked = Instant::now();
        (known.until > known.asked).then(|| known.at.clone())
    }

    /// The shard says anew how long it keeps a task after it was made. One that it keeps without end is known for a day
    /// after it said so last.
    pub(super) fn last(&self, owner: Holder, shown: &str, ttl: Option<Duration>) {
        if let Some(known) = self.lock().tasks.get_mut(&(owner, Arc::from(shown))) {
            let longest = Instant::now() + LONGEST;
            let over = ttl.and_then(|ttl| known.made.checked_add(ttl));
            known.until = over.map_or(longest, |over| over.min(longest)) + GRACE;
        }
    }

    /// The owner's task at a child for which `is_it` holds.
    pub(super) fn find_at(&self, owner: Holder, link: &Link, is_it: impl Fn(&TaskAt<P>) -> bool) -> Option<TaskAt<P>> {
        let register = self.lock();
        let of_owner = register.tasks.iter().filter(|((other, _), _)| *other == owner);
        of_owner.map(|(_, known)| &known.at).find(|at| at.link.is(link) && is_it(at)).cloned()
    }

    /// The session or connection is over.
    pub(super) fn end(&self, client: ClientKey) {
        let over = Principal::Connection(client);
        self.lock().forget(|(owner, _), _| owner.principal == over);
    }

    /// True for whoever is to sweep from now on, until there is nothing left.
    pub(super) fn is_to_be_swept(&self) -> bool {
        !std::mem::replace(&mut self.lock().is_swept, true)
    }

    /// Forgets the tasks whose time is over, and lets go of the children that are at work on none. False if nothing is left.
    pub(super) fn sweep(&self) -> bool {
        let mut register = self.lock();
        let now = Instant::now();
        register.forget(|_, known| known.until <= now);
        for known in register.tasks.values_mut().filter(|known| known.is_held) {
            if !known.at.link.is_at_work_on(&known.at.own) {
                known.is_held = false;
                known.at.place = known.at.place.let_go();
            }
        }
        register.is_swept = !register.tasks.is_empty();
        register.is_swept
    }

    fn lock(&self) -> MutexGuard<'_, Register<P>> {
        self.0.lock().expect("no code that can panic runs under this lock")
    }
}

impl<P> Default for TaskIds<P> {
    fn default() -> Self {
        Self(Mutex::new(Register { tasks: HashMap::new(), renamed: 0, is_swept: false, early: Waiting::default() }))
    }
}

impl<P> Register<P> {
    fn fault(&self, owner: Holder) -> Option<Fault> {
        let (most, whose) = owner.bound();
        let message = if self.tasks.keys().filter(|(other, _)| *other == owner).count() >= most {
            format!("{most} tasks of {whose} are under way; fetch the result of one, or cancel it")
        } else if self.tasks.len() >= OF_ALL {
            format!("{OF_ALL} tasks of all sessions are under way; try again when one has ended")
        } else {
            return None;
        };
        Some(Fault::new(code::INTERNAL, message))
    }

    /// An id that stands for no other task of the owner. A child that mints an id anew means the new task, and the id of a
    /// task whose child is gone means nothing any more.
    fn free_id(&mut self, owner: Holder, at: &TaskAt<P>) -> Arc<str> {
        let own = Arc::clone(&at.own);
        let gives_way = |known: &Known<P>| known.at.link.is(&at.link) || known.at.link.ending().is_some();
        if self.tasks.get(&(owner, Arc::clone(&own))).is_none_or(gives_way) {
            return own;
        }
        loop {
            self.renamed += 1;
            let shown: Arc<str> = format!("{own}~{}", self.renamed).into();
            if !self.tasks.contains_key(&(owner, Arc::clone(&shown))) {
                return shown;
            }
        }
    }

    /// Forgets the older half of the tasks that are done: a client may still want to look at one that has just ended.
    fn make_room(&mut self) {
        let mut done: Vec<Instant> =
            self.tasks.values().filter(|known| known.at.is_done()).map(|known| known.made).collect();
        done.sort_unstable();
        if let Some(middle) = done.get(done.len() / 2).copied() {
            self.forget(|_, known| known.made <= middle && known.at.is_done());
        }
    }

    /// Forgets the task of the modern era that nobody has asked for the longest, if that is long enough: its owner's own,
    /// if that has too many.
    fn forget_unasked(&mut self, owner: Holder) {
        let has_enough = self.tasks.keys().filter(|(other, _)| *other == owner).count() >= owner.bound().0;
        let may_go = |other: Holder| other.era == Era::Modern && (!has_enough || other == owner);
        let unasked =
            self.tasks.iter().filter(|((other, _), known)| may_go(*other) && known.asked.elapsed() >= UNASKED);
        let longest = unasked.min_by_key(|(_, known)| known.asked).map(|(key, _)| key.clone());
        self.forget(|key, _| Some(key) == longest.as_ref());
    }

    fn forget(&mut self, is_it: impl Fn(&(Holder, Arc<str>), &Known<P>) -> bool) {
        let forgotten = self.tasks.extract_if(|key, known| is_it(key, known));
        forgotten.for_each(|(_, known)| known.at.link.forget_task(&known.at.own));
    }
}

#[cfg(test)]
mod tests;
