//! The threads that carry messages.
//!
//! Invariant: what takes long on one of them makes room for the others first (see [`crate::tasks::work_on`]), so that one is
//! enough.

use std::io;
use std::thread::available_parallelism;

use tokio::runtime::{Builder, Runtime};

/// Half of the processors, and one at least: shards and clients need the rest, and threads that hand calls to each other pay for
/// it (on two processors, a second one costs more than it carries).
pub fn half() -> usize {
    (available_parallelism().map_or(1, usize::from) / 2).max(1)
}

/// A runtime with so many threads for messages.
///
/// # Errors
/// The system has no thread left.
pub fn runtime(workers: usize) -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(workers.max(1)).enable_all().build()
}
