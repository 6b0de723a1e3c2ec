//! The audit log: one JSON line for each operation, in a file and on stderr.
//!
//! Several processes share the file: a line is one write to a file opened for appending, so that no two mix.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::FlockOperation;
use serde::Serialize;

use crate::disk::fault::fault;
use crate::disk::managed::now;
use crate::failure::Failure;

pub(super) const FILE: &str = "audit.log";
/// The log is put aside when it has reached this many bytes; the one put aside before goes.
const LARGEST: u64 = 4 * 1024 * 1024;
/// So many characters of the detail are kept.
const LONGEST_DETAIL: usize = 500;

/// What was done to one file, and how it went. Time and process are added; nothing secret may be in it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Record {
    /// What was asked, such as `create`, or `recovered_finished` and `recovered_undone`.
    pub(crate) action: &'static str,
    pub(crate) name: String,
    /// Relative to the watched directory.
    pub(crate) file: String,
    /// `ok`, or the code of the failure.
    pub(crate) outcome: String,
    /// The digest of the file before; `None`: there was none.
    pub(crate) before: Option<String>,
    /// The digest of the file after; `None`: there is none.
    pub(crate) after: Option<String>,
    /// More for a person.
    pub(crate) detail: Option<String>,
}

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    pid: u32,
    #[serde(flatten)]
    record: &'a Record,
}

/// Says it on stderr.
pub(super) fn tell(record: &Record) {
    let Record { action, name, file, outcome, before, after, detail } = record;
    tracing::info!(action, name, file, outcome, ?before, ?after, ?detail, "audit");
}

/// Adds it to the log.
pub(super) fn append(path: &Path, record: &Record) -> Result<(), Failure> {
    let mut record = record.clone();
    record.detail = record.detail.map(|detail| detail.chars().take(LONGEST_DETAIL).collect());
    let line = Line { time: now(), pid: std::process::id(), record: &record };
    let mut text = serde_json::to_vec(&line).expect("strings can be written as JSON");
    text.push(b'\n');
    let write = || -> io::Result<()> {
        let mut log = open(path)?;
        if log.metadata()?.len() >= LARGEST && put_aside(path, &log)? {
            log = open(path)?;
        }
        log.write_all(&text)?;
        log.sync_data()
    };
    write().map_err(|error| fault("write the audit log", path, &error))
}

pub(super) fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600);
    options.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32);
    options.open(path)
}

/// Renames a full log. Only one process does: the one that holds the lock of the file that has the name.
pub(super) fn put_aside(path: &Path, log: &File) -> io::Result<bool> {
    if rustix::fs::flock(log, FlockOperation::NonBlockingLockExclusive).is_err() {
        // Another process is at it; this line goes to the end of the old file.
        return Ok(false);
    }
    let (ours, named) = (log.metadata()?, std::fs::metadata(path)?);
    if (ours.dev(), ours.ino()) == (named.dev(), named.ino()) {
        std::fs::rename(path, path.with_extension("log.1"))?;
    }
    Ok(true)
}
