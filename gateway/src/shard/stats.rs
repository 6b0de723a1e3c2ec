//! What one shard has done, counted over all its instances.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::shard::Ended;

/// Counters for `/health`.
#[derive(Debug, Default)]
pub struct Stats {
    restarts: AtomicU64,
    calls: AtomicU64,
    failed: AtomicU64,
    strays: AtomicU64,
    last_ended: Mutex<Option<Arc<Ended>>>,
}

impl Stats {
    /// How often the child was started again.
    pub fn restarts(&self) -> u64 {
        self.restarts.load(Ordering::Relaxed)
    }

    /// How many calls of clients were made.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// How many of them ended without an answer of the shard.
    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// How many lines on stdout belonged to nothing and were passed over.
    pub fn strays(&self) -> u64 {
        self.strays.load(Ordering::Relaxed)
    }

    /// How the latest child that ended of itself did so.
    pub fn last_ended(&self) -> Option<Arc<Ended>> {
        self.last_ended.lock().expect("no code that can panic runs under this lock").clone()
    }

    /// Counts one call of a client.
    pub fn count_call(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts one call that the shard did not answer.
    pub fn count_failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn keep_ended(&self, ended: &Arc<Ended>) {
        *self.last_ended.lock().expect("no code that can panic runs under this lock") = Some(Arc::clone(ended));
    }

    pub(crate) fn count_restart(&self) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_stray(&self) {
        self.strays.fetch_add(1, Ordering::Relaxed);
    }
}
