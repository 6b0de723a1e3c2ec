//! The tasks that shards run for clients (2025-11-25, basic/utilities/tasks), by the ids that clients know.
//!
//! Invariants: a task is its session's alone, and leads to the very child that made it, for as long as that lives. A client
//! sees the shard's own id, unless another child has shown the same id to the same session.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use super::client::ClientKey;
use crate::shard::{Live, Shard};
use crate::wire::{Fault, Status, Task, code};

/// How many tasks one session may have, and all of them together. Those whose `ttl` or child is over, or whose result has
/// been fetched, make room.
const OF_ONE: usize = 256;
const OF_ALL: usize = 4096;
/// A task without `ttl`, or with a longer one, is known for so long.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// A task is known for so long after its `ttl`, so that it is the shard that says that it is over.
const GRACE: Duration = Duration::from_secs(60);
/// Longer ids of shards cannot be kept, in bytes.
pub(super) const LONGEST_ID: usize = 1024;

/// All tasks that clients may ask for.
#[derive(Debug, Default)]
pub(super) struct TaskIds(Mutex<Register>);

#[derive(Debug, Default)]
struct Register {
    tasks: HashMap<(ClientKey, Arc<str>), Known>,
    renamed: u64,
}

#[derive(Debug)]
struct Known {
    at: TaskAt,
    until: Instant,
    made: Instant,
    is_over: bool,
}

/// Where a task is.
#[derive(Debug, Clone)]
pub(super) struct TaskAt {
    /// The shard that made it.
    pub(super) name: Arc<str>,
    /// As the supervisor of its child shows it.
    pub(super) shard: Shard,
    /// The child.
    pub(super) live: Live,
    /// What the shard calls it.
    pub(super) own: Arc<str>,
    /// What the client calls it.
    pub(super) shown: Arc<str>,
    /// The number of the call that made it, and the client's token for its progress, JSON text.
    pub(super) progress: Option<(u64, Arc<str>)>,
}

impl TaskAt {
    /// Whether both sides call it the same.
    pub(super) fn is_renamed(&self) -> bool {
        self.own != self.shown
    }
}

impl TaskIds {
    /// Whether the client may have one more task.
    ///
    /// # Errors
    /// Too many are known already.
    pub(super) fn has_room(&self, client: ClientKey) -> Result<(), Fault> {
        let mut register = self.lock();
        let of_client = |register: &Register| register.tasks.keys().filter(|(owner, _)| *owner == client).count();
        if of_client(&register) >= OF_ONE || register.tasks.len() >= OF_ALL {
            register.make_room();
        }
        let message = if of_client(&register) >= OF_ONE {
            format!("{OF_ONE} tasks of this session are under way; fetch their results or cancel some")
        } else if register.tasks.len() >= OF_ALL {
            format!("{OF_ALL} tasks of all sessions are under way; try again when some have ended")
        } else {
            return Ok(());
        };
        Err(Fault::new(code::INTERNAL, message))
    }

    /// Enters the task that a child has made; gives it as the client is to know it.
    pub(super) fn enter(&self, client: ClientKey, task: &Task<'_>, at: TaskAt) -> TaskAt {
        let mut register = self.lock();
        let shown = register.free_id(client, &at);
        let at = TaskAt { shown: Arc::clone(&shown), ..at };
        let made = Instant::now();
        let until = made + task.ttl.unwrap_or(LONGEST).min(LONGEST) + GRACE;
        let known = Known { at: at.clone(), until, made, is_over: task.status == Some(Status::Cancelled) };
        register.tasks.insert((client, shown), known);
        at
    }

    /// The task that the client knows by this id.
    pub(super) fn find(&self, client: ClientKey, shown: &str) -> Option<TaskAt> {
        let mut register = self.lock();
        let Entry::Occupied(entry) = register.tasks.entry((client, shown.into())) else { return None };
        if entry.get().until <= Instant::now() {
            entry.remove().at.forget();
            return None;
        }
        Some(entry.get().at.clone())
    }

    /// The task that a child calls `own`, or which it made in the call of this number.
    pub(super) fn find_own(&self, client: ClientKey, is_it: impl Fn(&TaskAt) -> bool) -> Option<TaskAt> {
        let register = self.lock();
        let own = register.tasks.iter().filter(|((owner, _), known)| *owner == client && is_it(&known.at));
        own.map(|(_, known)| known.at.clone()).next()
    }

    /// Nothing more comes of a task; what is known of it goes when room is needed.
    pub(super) fn is_over(&self, client: ClientKey, shown: &Arc<str>) {
        if let Some(known) = self.lock().tasks.get_mut(&(client, Arc::clone(shown))) {
            known.is_over = true;
        }
    }

    /// The session is over.
    pub(super) fn end(&self, client: ClientKey) {
        let mut register = self.lock();
        register.tasks.extract_if(|(owner, _), _| *owner == client).for_each(|(_, known)| known.at.forget());
    }

    fn lock(&self) -> MutexGuard<'_, Register> {
        self.0.lock().expect("no code that can panic runs under this lock")
    }
}

impl Register {
    /// An id that stands for no other task of the client. A child that mints an id anew means the new task, and the id of a
    /// task whose child is gone means nothing any more.
    fn free_id(&mut self, client: ClientKey, at: &TaskAt) -> Arc<str> {
        let own = Arc::clone(&at.own);
        let is_free = |known: &Known| known.at.live.link.is(&at.live.link) || known.at.live.link.ending().is_some();
        if self.tasks.get(&(client, Arc::clone(&own))).is_none_or(is_free) {
            return own;
        }
        loop {
            self.renamed += 1;
            let shown: Arc<str> = format!("{own}~{}", self.renamed).into();
            if !self.tasks.contains_key(&(client, Arc::clone(&shown))) {
                return shown;
            }
        }
    }

    fn make_room(&mut self) {
        let now = Instant::now();
        let is_done = |known: &Known| known.is_over || known.until <= now || known.at.live.link.ending().is_some();
        // The oldest half of those that are done: a client may still want to look at one that has just ended.
        let mut done: Vec<Instant> = self.tasks.values().filter(|known| is_done(known)).map(|known| known.made).collect();
        done.sort_unstable();
        let Some(middle) = done.get(done.len() / 2).copied() else { return };
        let gone = self.tasks.extract_if(|_, known| is_done(known) && known.made <= middle);
        gone.for_each(|(_, known)| known.at.forget());
    }
}

impl TaskAt {
    fn forget(&self) {
        self.live.link.forget_task(&self.own);
    }
}

#[cfg(test)]
mod tests;
