//! What is written into the directory that Traefik watches, and that no fault may leave it half-done.
//!
//! Invariant: a configuration file changes only by one rename or one removal, under the lock, with a journal
//! that was durable before. All paths are walked once and then held as descriptors.
//! **Everything here blocks, except [`Store::lock`]**: call it inside [`blocking`].
//!
//! An operation, and where a `kill -9` leaves it; `unfinished` tells the next holder of the lock:
//!
//! | | durable step | killed after it, the next start finds |
//! |---|---|---|
//! | 1 | `flock` on the lock file | a free lock |
//! | 2 | `begin`: `.FILE.old-ID`, a copy of the old file (updates) | a stray, swept |
//! | 3 | `begin`: `.FILE.tmp-ID`, the new text | strays, swept |
//! | 4 | `begin`: `.journal.tmp-ID` | strays, swept |
//! | 5 | `begin`: renamed to `.journal`, directory saved | [`Left::NotApplied`]: the file is as before |
//! | 6 | `apply`: the rename or removal, directory saved | [`Left::Applied`]: live or not, to be finished or undone |
//! | 7 | `undo`, if so decided: the old file back, directory saved | [`Left::NotApplied`] |
//! | 8 | `close`: `.journal` removed | strays at most, swept |
//!
//! Where a person changed the file in the meantime it is [`Left::Foreign`], and stays as it is.
//! The copy of step 2 is why an update can be undone on a full disk.

mod audit;
mod dir;
mod fault;
mod journal;
mod lock;
mod managed;
mod name;
mod operation;
mod places;
mod state;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use audit::Record;
pub(crate) use journal::Kind;
pub(crate) use lock::Locked;
pub(crate) use managed::{Draft, Managed};
pub(crate) use name::Name;
pub(crate) use operation::{Applied, Left, Operation, Undone, Unfinished};
#[cfg(test)]
pub(crate) use store::Listed;
pub(crate) use store::{Listing, Store};

use crate::failure::{Code, Failure};

/// Runs what blocks away from the tasks. It is not stopped when the caller is dropped, only no longer waited for.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Failure::new(
            Code::IoError,
            format!("the work on the disk ended early: {error}"),
            "look at the log of the shard and try again",
        )),
    }
}
