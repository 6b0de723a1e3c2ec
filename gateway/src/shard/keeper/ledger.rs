//! What one gateway owns, on disk, for the next one to find if this one is killed.
//!
//! Invariant: a ledger is locked for as long as its gateway lives. It is replaced whole by a file that is locked before it
//! gets the name, so that under the name there never is one that is unlocked or half written.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::shard::keeper::family::{Claim, Marks};
use crate::shard::os::table::{self, Id};

/// A draft that is older was left by a gateway that was killed while it wrote.
const STALE: Duration = Duration::from_secs(3600);
/// How often a file is looked at again that is being replaced.
const LOOKS: usize = 10;

/// Everything that a gateway writes down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Content {
    pub(crate) gateway: Owner,
    pub(crate) children: Vec<Entry>,
}

/// A gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owner {
    pub(crate) id: Id,
    /// The run of the system and the numbering of processes in which the numbers are good.
    pub(crate) place: String,
    /// Begins every marker of its children.
    pub(crate) token: String,
    pub(crate) version: String,
    /// Where clients find it.
    pub(crate) door: String,
}

/// A child.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) shard: String,
    pub(crate) id: Id,
    pub(crate) marker: String,
}

impl Entry {
    /// What is this child's: itself, those that carry its marker, and `known`, which were seen below it.
    pub(crate) fn claim(&self, known: &[Id]) -> Claim {
        Claim { known: [&[self.id], known].concat(), marks: Marks::Of(self.marker.clone()) }
    }
}

/// The ledger of this gateway.
#[derive(Debug)]
pub(crate) struct Ledger {
    path: PathBuf,
    /// Holds the lock.
    file: File,
}

/// A ledger in the folder, of whatever gateway.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    /// From the file's name, so that it is known whatever the file holds.
    pub(crate) token: String,
    /// What it says, or why that cannot be read.
    pub(crate) content: Result<Content, io::Error>,
    pub(crate) hold: Hold,
}

/// Whether a gateway lives that keeps a ledger.
#[derive(Debug)]
pub(crate) enum Hold {
    Kept,
    /// It was killed. While the file is open no other gateway takes the ledger.
    Left {
        _lock: File,
    },
}

fn folder(state_dir: &Path) -> PathBuf {
    state_dir.join("ledgers")
}

impl Ledger {
    /// Begins a ledger, for this user's eyes only.
    pub(crate) fn begin(state_dir: &Path, content: &Content) -> io::Result<Self> {
        let folder = folder(state_dir);
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let path = folder.join(format!("{}-{}.json", content.gateway.id.pid, content.gateway.token));
        let file = place(&path, content)?;
        Ok(Self { path, file })
    }

    /// Replaces what it says. After an error it says what it said before.
    pub(crate) fn write(&mut self, content: &Content) -> io::Result<()> {
        self.file = place(&self.path, content)?;
        Ok(())
    }

    /// Ends it: nothing is owned any more.
    pub(crate) fn end(self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }
}

/// No sync: what must be survived is the end of the process. After the end of the system there is nothing to sweep.
fn place(path: &Path, content: &Content) -> io::Result<File> {
    let draft = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    let text = serde_json::to_vec(content).expect("a ledger has only string keys");
    let placed = flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(Into::into);
    let placed = placed.and_then(|()| file.write_all(&text)).and_then(|()| fs::rename(&draft, path));
    if let Err(error) = placed {
        // A full disk has room for nothing, least of all for drafts.
        let _ = fs::remove_file(&draft);
        return Err(error);
    }
    Ok(file)
}

/// All ledgers in the folder, and away with drafts that nobody finishes. No folder is no ledgers.
pub(crate) fn all(state_dir: &Path) -> io::Result<Vec<Found>> {
    let entries = match fs::read_dir(folder(state_dir)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for draft in paths.iter().filter(|path| path.extension().is_some_and(|end| end == "new")) {
        let age = fs::metadata(draft).and_then(|data| data.modified()).map(|modified| modified.elapsed());
        if age.is_ok_and(|age| age.is_ok_and(|age| age > STALE)) {
            let _ = fs::remove_file(draft);
        }
    }
    Ok(paths.into_iter().filter_map(|path| look(path).transpose()).filter_map(Result::ok).collect())
}

/// One ledger; `None` if the file is none, or has just gone.
fn look(path: PathBuf) -> io::Result<Option<Found>> {
    let Some(token) = token_in(&path) else { return Ok(None) };
    for _ in 0..LOOKS {
        // Some network file systems lock only what is open for writing; some folders allow only reading.
        let opened = OpenOptions::new().read(true).write(true).open(&path).or_else(|_| File::open(&path));
        let file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Ok(Some(Found { path, token, content: Err(error), hold: Hold::Kept })),
        };
        let locked = match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => true,
            Err(Errno::WOULDBLOCK) => false,
            Err(error) => return Ok(Some(Found { path, token, content: Err(error.into()), hold: Hold::Kept })),
        };
        // What was replaced after it was opened is unlocked, and no ledger any more.
        if fs::metadata(&path).is_ok_and(|now| file.metadata().is_ok_and(|then| now.ino() == then.ino())) {
            let content = read(&file);
            return Ok(Some(Found {
                path,
                token,
                content,
                hold: if locked { Hold::Left { _lock: file } } else { Hold::Kept },
            }));
        }
    }
    Ok(None)
}

fn read(file: &File) -> io::Result<Content> {
    Ok(serde_json::from_reader(io::BufReader::new(file))?)
}

/// The token in a name as [`Ledger::begin`] makes them.
fn token_in(path: &Path) -> Option<String> {
    let (pid, token) = path.file_name()?.to_str()?.strip_suffix(".json")?.split_once('-')?;
    let is_ours = pid.parse::<u32>().is_ok() && token.len() == 16 && token.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_ours.then(|| token.to_owned())
}

impl Found {
    /// What the ledger proves to be its gateway's. Numbers only if they are of `here`, the token in any case.
    pub(crate) fn claim(&self, here: &str) -> Claim {
        let content = self.content.as_ref().ok().filter(|content| content.gateway.place == here);
        let known = content.map(|content| content.children.iter().map(|child| child.id).collect());
        Claim { known: known.unwrap_or_default(), marks: Marks::Token(self.token.clone()) }
    }

    /// Somebody holds it.
    pub(crate) fn is_held(&self) -> bool {
        matches!(self.hold, Hold::Kept)
    }

    /// A lock that is held while the gateway is not there is that of somebody who looks at the ledger, like us.
    pub(crate) fn is_only_looked_at(&self, here: &str) -> bool {
        let owner = self.content.as_ref().ok().map(|content| &content.gateway).filter(|owner| owner.place == here);
        let is_gone = |owner: &Owner| table::seen(owner.id.pid).is_none_or(|seen| seen.id != owner.id);
        self.is_held() && owner.is_some_and(is_gone)
    }

    /// Looks again.
    pub(crate) fn again(self) -> Option<Self> {
        look(self.path).ok().flatten()
    }
}

#[cfg(test)]
mod tests;
