//! What one shard has done, counted over all its instances.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::shard::Ended;

/// Counters for `/health`.
#[derive(Debug, Default)]
pub struct Stats {
    restarts: AtomicU64,
    last_ended: Mutex<Option<Arc<Ended>>>,
    calls: Arc<Calls>,
}

/// What a process and the one that takes its place count together.
#[derive(Debug, Default)]
struct Calls {
    made: AtomicU64,
    failed: AtomicU64,
    strays: AtomicU64,
    asked: AtomicU64,
    declined: AtomicU64,
}

impl Stats {
    /// For the process that is to take the place: calls go on being counted together, endings do not.
    pub(crate) fn successor(&self) -> Self {
        Self { restarts: AtomicU64::new(self.restarts()), last_ended: Mutex::default(), calls: Arc::clone(&self.calls) }
    }

    /// How often the child was started again.
    pub fn restarts(&self) -> u64 {
        self.restarts.load(Ordering::Relaxed)
    }

    /// How many calls of clients were made.
    pub fn calls(&self) -> u64 {
        self.calls.made.load(Ordering::Relaxed)
    }

    /// How many of them ended without an answer of the shard.
    pub fn failed(&self) -> u64 {
        self.calls.failed.load(Ordering::Relaxed)
    }

    /// How many lines on stdout belonged to nothing and were passed over.
    pub fn strays(&self) -> u64 {
        self.calls.strays.load(Ordering::Relaxed)
    }

    /// How many requests of the shard were passed on to a client.
    pub fn asked(&self) -> u64 {
        self.calls.asked.load(Ordering::Relaxed)
    }

    /// How many were answered as if there were no client, for want of exactly one that could be asked.
    pub fn declined(&self) -> u64 {
        self.calls.declined.load(Ordering::Relaxed)
    }

    /// How the latest child that ended of itself did so.
    pub fn last_ended(&self) -> Option<Arc<Ended>> {
        self.last_ended.lock().expect("no code that can panic runs under this lock").clone()
    }

    /// Counts one call of a client.
    pub fn count_call(&self) {
        self.calls.made.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts one call that the shard did not answer.
    pub fn count_failed(&self) {
        self.calls.failed.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn keep_ended(&self, ended: &Arc<Ended>) {
        *self.last_ended.lock().expect("no code that can panic runs under this lock") = Some(Arc::clone(ended));
    }

    pub(crate) fn count_restart(&self) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_asked(&self) {
        self.calls.asked.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_declined(&self) {
        self.calls.declined.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_stray(&self) {
        self.calls.strays.fetch_add(1, Ordering::Relaxed);
    }
}
