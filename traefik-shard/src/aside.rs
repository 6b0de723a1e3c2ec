//! Work that computes for long, away from the one thread that serves the client.
//!
//! Whoever asks for it waits for it; everybody else goes on.

use std::panic::resume_unwind;

use tokio::task::spawn_blocking;

/// Does the work on a thread of its own. It is not stopped when the caller is dropped, only no longer waited for.
pub(crate) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match spawn_blocking(work).await {
        Ok(result) => result,
        // Nobody cancels the work, so it can only have panicked, and then the caller does.
        Err(error) => resume_unwind(error.into_panic()),
    }
}
