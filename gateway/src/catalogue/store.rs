//! The last known rosters on disk (DESIGN D3), so that a restarted gateway lists everything before any shard is up.
//!
//! Invariant: the disk is a convenience. Whatever is wrong with it, the gateway serves on; a file that cannot be read is
//! set aside, never trusted. Only what a shard said of itself is written: no environment, no arguments.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::shard::roster::{Item, List, Roster};
use crate::wire::{Kind, Raw};

/// The layout of a file; another one is set aside.
const VERSION: u32 = 1;
/// More files than this are those of shards that are long gone.
const KEPT: usize = 1000;
/// A larger file was not written by us: rosters are bounded when they are fetched.
const LARGEST: u64 = 256 * 1024 * 1024;

/// What is remembered of one shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// What it offered last.
    pub roster: Roster,
    /// Its era was told by an answer, not by silence, so that it need not be asked again.
    pub verdict_certain: bool,
}

/// The disk refused; the gateway serves on without it.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{path}`; tools are listed only once their shards are up", path = path.display())]
pub struct StoreError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

#[derive(Deserialize)]
struct Layout {
    version: u32,
}

#[derive(Serialize, Deserialize)]
struct Content<T> {
    version: u32,
    saved: T,
}

/// The folder of saved rosters, or nothing at all. Its calls block on the disk, and panic on a key that is not hex digits.
#[derive(Debug)]
pub struct Store {
    dir: Option<PathBuf>,
    writes: AtomicU64,
    /// Why the latest save failed, if it did.
    refusal: Mutex<Option<io::ErrorKind>>,
}

impl Store {
    /// A store that remembers nothing.
    pub fn nowhere() -> Self {
        Self::at(None)
    }

    fn at(dir: Option<PathBuf>) -> Self {
        Self { dir, writes: AtomicU64::new(0), refusal: Mutex::default() }
    }

    /// Makes `state_dir/rosters` for this user alone and forgets the oldest of very many files. `None` is [`Self::nowhere`].
    ///
    /// # Errors
    /// The folder cannot be made; go on with [`Self::nowhere`].
    pub fn open(state_dir: Option<&Path>) -> Result<Self, StoreError> {
        let Some(state_dir) = state_dir else { return Ok(Self::nowhere()) };
        let dir = state_dir.join("rosters");
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&dir);
        made.and_then(|()| forget_oldest(&dir)).map_err(|source| StoreError { path: dir.clone(), source })?;
        Ok(Self::at(Some(dir)))
    }

    /// What was saved under `key`, hex digits that stand for a shard's name, command and arguments. A file that cannot be
    /// used is logged and set aside.
    pub fn load(&self, key: &str) -> Option<Saved> {
        let path = self.path(key)?;
        let (problem, aside) = match read(&path) {
            Ok(saved) => return saved,
            Err(Unusable::Unreadable(problem)) => (problem, None),
            Err(Unusable::Corrupt(problem)) => (problem, Some("bad")),
            Err(Unusable::OtherVersion(version)) => (format!("layout {version}, not {VERSION}"), Some("old")),
        };
        let kept = aside.map(|extension| path.with_extension(extension));
        warn!(file = %path.display(), problem, "a saved roster cannot be used");
        if let Some(error) = kept.and_then(|kept| fs::rename(&path, kept).err()) {
            warn!(file = %path.display(), error = &error as &dyn std::error::Error, "it cannot be set aside either");
        }
        None
    }

    /// What was saved under `key` in `state_dir`, for one who only looks: nothing is made, logged or set aside.
    pub fn glance(state_dir: &Path, key: &str) -> Option<Saved> {
        let path = Self::at(Some(state_dir.join("rosters"))).path(key)?;
        read(&path).ok().flatten()
    }

    /// Saves, or logs why not: once for each cause, not for each shard, until a save succeeds. False if
    /// it failed.
    pub fn remember(&self, key: &str, saved: &Saved) -> bool {
        let refused = self.save(key, saved).err();
        let cause = refused.as_ref().map(|error| error.source.kind());
        let before = {
            let mut refusal = self.refusal.lock().expect("nothing panics while it holds this lock");
            std::mem::replace(&mut *refusal, cause)
        };
        if let Some(error) = refused.filter(|_| before != cause) {
            warn!(error = &error as &dyn std::error::Error, "cannot remember what shards offer, serving on");
        }
        cause.is_none()
    }

    /// Replaces what was saved under `key`, whole or not at all.
    ///
    /// # Errors
    /// The disk is full, read-only or gone; what was saved before is still there.
    pub fn save(&self, key: &str, saved: &Saved) -> Result<(), StoreError> {
        let Some(path) = self.path(key) else { return Ok(()) };
        let text = serde_json::to_vec(&Content { version: VERSION, saved }).expect("a roster has only string keys");
        // Two gateways may share the folder, and two threads this store.
        let write = self.writes.fetch_add(1, Ordering::Relaxed);
        let new = path.with_extension(format!("{}-{write}.new", std::process::id()));
        let written = write_new(&new, &text).and_then(|()| fs::rename(&new, &path));
        written.map_err(|source| {
            // It may not be there, and if it cannot go either there is nothing left to try.
            let _ = fs::remove_file(&new);
            StoreError { path, source }
        })
    }

    fn path(&self, key: &str) -> Option<PathBuf> {
        assert!(!key.is_empty() && key.bytes().all(|byte| byte.is_ascii_hexdigit()), "a key is hex digits");
        Some(self.dir.as_ref()?.join(format!("{key}.json")))
    }
}

fn write_new(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text)?;
    // Without this, a power cut after the rename could leave an empty file; the folder itself need not be synced.
    file.sync_data()
}

/// Removes the oldest files above [`KEPT`]; what is set aside or was cut short ages like the others. What cannot be removed
/// stays: another gateway may have been quicker, and a disk that is read-only can still be read from.
fn forget_oldest(dir: &Path) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let modified = entry.metadata().and_then(|metadata| metadata.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
        files.push((modified, entry.path()));
    }
    files.sort_unstable();
    let surplus = files.len().saturating_sub(KEPT);
    for (_, path) in &files[..surplus] {
        let _ = fs::remove_file(path);
    }
    Ok(())
}

enum Unusable {
    /// It may be right; the disk or the permissions are not.
    Unreadable(String),
    Corrupt(String),
    OtherVersion(u32),
}

fn read(path: &Path) -> Result<Option<Saved>, Unusable> {
    let mut text = Vec::new();
    let unreadable = |error: io::Error| Unusable::Unreadable(error.to_string());
    match File::open(path) {
        Ok(file) => file.take(LARGEST + 1).read_to_end(&mut text).map_err(unreadable)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    if text.len() as u64 > LARGEST {
        return Err(Unusable::Corrupt(format!("over {LARGEST} bytes")));
    }
    let corrupt = |error: serde_json::Error| Unusable::Corrupt(error.to_string());
    let Layout { version } = serde_json::from_slice(&text).map_err(corrupt)?;
    if version != VERSION {
        return Err(Unusable::OtherVersion(version));
    }
    let content: Content<Saved> = serde_json::from_slice(&text).map_err(corrupt)?;
    check(&content.saved.roster).map_err(Unusable::Corrupt)?;
    Ok(Some(content.saved))
}

/// Checks what a roster fresh from a shard is known to hold.
fn check(roster: &Roster) -> Result<(), String> {
    for (name, text) in [("server_info", &roster.server_info), ("capabilities", &roster.capabilities)] {
        if !Raw::parse(text.as_bytes()).is_ok_and(|value| value.kind() == Kind::Object) {
            return Err(format!("`{name}` is not a JSON object"));
        }
    }
    for list in List::ALL {
        for item in &roster.list(list).items {
            let text = Raw::parse(item.text.as_bytes()).map_err(|malformed| malformed.to_string())?;
            if Item::read(list, text)?.key != item.key {
                return Err(format!("an item of {} is not what its key says", list.method()));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
