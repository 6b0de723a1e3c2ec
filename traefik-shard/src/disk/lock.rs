//! One writer at a time, across processes: `flock` on a file in the managed place.
//!
//! The file is never removed, since that would let two hold it. The kernel frees the lock of a killed process.

use std::fs::File;
use std::io::{Seek, Write};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::disk::blocking;
use crate::disk::dir::{Dir, Entry};
use crate::disk::managed::now;
use crate::disk::store::Store;
use crate::failure::{Code, Failure};

/// Between two tries; a writer takes a second or more, so this costs nothing.
const POLL: Duration = Duration::from_millis(50);
/// What we write into the lock file is far shorter.
const LONGEST_HOLDER: usize = 1024;

/// Who holds the lock, as told by the lock file; the process may be in another container.
#[derive(Debug, Serialize, Deserialize)]
struct Holder {
    pid: u32,
    since: String,
}

/// The right to write. It ends when the last clone, and everything that was begun with it, is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Locked {
    held: Arc<Held>,
}

#[derive(Debug)]
struct Held {
    store: Store,
    dir: Dir,
    /// Closing it frees the lock.
    _lock: OwnedFd,
}

enum Attempt {
    Got(Box<Held>),
    Busy(Option<Holder>),
}

impl Store {
    /// Waits until no other writer is at work, for as long as `patience`, then gives up with `busy`.
    /// Creates the managed folder if there is none. Dropping the future gives the lock back.
    pub(crate) async fn lock(&self, patience: Duration) -> Result<Locked, Failure> {
        let end = Instant::now() + patience;
        loop {
            let store = self.clone();
            match blocking(move || attempt(store)).await? {
                Attempt::Got(held) => return Ok(Locked { held: Arc::from(held) }),
                Attempt::Busy(holder) if Instant::now() >= end => return Err(busy(holder)),
                Attempt::Busy(_) => tokio::time::sleep(POLL).await,
            }
        }
    }
}

impl Locked {
    /// Where the lock is held.
    pub(crate) fn store(&self) -> &Store {
        &self.held.store
    }

    pub(super) fn dir(&self) -> &Dir {
        &self.held.dir
    }
}

fn attempt(store: Store) -> Result<Attempt, Failure> {
    let root = store.root_dir()?;
    let dir = match store.places().folder() {
        Some(folder) => root.enter_or_create(folder)?,
        None => root,
    };
    let name = store.places().lock();
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let lock = rustix::fs::openat(&dir, name, flags, Mode::from_raw_mode(0o644))
        .map_err(|errno| dir.fault("open the lock file", name, &errno.into()))?;
    match rustix::io::retry_on_intr(|| rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive)) {
        Ok(()) if is_still_there(&dir, name, &lock) => {
            sign(&lock);
            Ok(Attempt::Got(Box::new(Held { store, dir, _lock: lock })))
        }
        // Somebody put another file there between the opening and the locking.
        Ok(()) => Ok(Attempt::Busy(None)),
        Err(Errno::WOULDBLOCK) => Ok(Attempt::Busy(holder(&dir, name)?)),
        Err(errno) => Err(dir.fault("lock", name, &errno.into())),
    }
}

/// Whether the locked file is the one that the next process will open.
fn is_still_there(dir: &Dir, name: &str, lock: &OwnedFd) -> bool {
    let (Ok(ours), Ok(theirs)) = (rustix::fs::fstat(lock), rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW))
    else {
        return false;
    };
    (ours.st_dev, ours.st_ino) == (theirs.st_dev, theirs.st_ino)
}

/// Writes who we are into the lock file. The lock is held without it too, so a full disk is no reason to give up.
fn sign(lock: &OwnedFd) {
    let write = || -> std::io::Result<()> {
        let mut file = File::from(lock.try_clone()?);
        let holder = Holder { pid: std::process::id(), since: now() };
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(serde_json::to_string(&holder)?.as_bytes())
    };
    if let Err(error) = write() {
        tracing::debug!(%error, "the lock file does not tell its holder");
    }
}

fn holder(dir: &Dir, name: &str) -> Result<Option<Holder>, Failure> {
    Ok(match dir.read(name, LONGEST_HOLDER)? {
        Entry::File(bytes) => serde_json::from_slice(&bytes).ok(),
        Entry::Absent | Entry::Odd(_) => None,
    })
}

fn busy(holder: Option<Holder>) -> Failure {
    let hint = "try again: a write that Traefik does not take holds the others up until it has waited and was taken \
        back; if that process hangs, end it: its lock ends with it";
    match holder {
        Some(Holder { pid, since }) => {
            let message = format!("another process writes: the one with the id {pid}, since {since}");
            Failure::new(Code::Busy, message, hint).with("pid", pid)
        }
        None => Failure::new(Code::Busy, "another process writes", hint),
    }
}
