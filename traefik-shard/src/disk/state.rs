//! What is kept outside the watched directory: backups of what was replaced, and the audit log.
//!
//! Nothing in here is loaded by Traefik or readable by others, and its size is bounded. All of it blocks.

use std::ffi::OsString;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{fstat, stat};
use time::OffsetDateTime;

use crate::disk::audit::{self, Record};
use crate::disk::dir::Dir;
use crate::disk::fault::fault;
use crate::disk::journal::Kind;
use crate::disk::name::Name;
use crate::disk::places;
use crate::failure::{Code, Failure};
use crate::settings::Settings;

/// So many backups are kept, the newest.
const MOST_BACKUPS: usize = 200;
const FOLDER: &str = "backups";
/// The end of a backup that is not complete.
const PART: &str = ".part";

/// The state directory; created when something is first written.
#[derive(Debug)]
pub(crate) struct State {
    path: PathBuf,
}

impl State {
    /// The one that is set, else the user's own.
    pub(super) fn locate(settings: &Settings) -> Result<Self, Failure> {
        let own = || usual(std::env::var_os("XDG_STATE_HOME"), std::env::var_os("HOME"));
        let path = settings.state_dir.clone().or_else(own).ok_or_else(|| {
            Failure::new(
                Code::NotConfigured,
                "there is no directory for backups and the audit log, because no home directory is known",
                "set TRAEFIK_STATE_DIR to a directory outside the one that Traefik watches",
            )
        })?;
        let path = std::path::absolute(&path).map_err(|error| fault("find", &path, &error))?;
        // Where a part of it is not there yet, nobody can tell where `..` will lead.
        if path.components().any(|part| part == Component::ParentDir) {
            let message = format!("the state directory `{}` goes upwards with `..`", path.display());
            return Err(Failure::new(Code::NotConfigured, message, "set TRAEFIK_STATE_DIR to a path without `..`"));
        }
        Ok(Self { path })
    }

    /// Refuses a state directory at or below the watched one, through whatever links or mounts it is reached:
    /// backups have the extension of a configuration.
    pub(super) fn refuse_inside(&self, root: &Dir) -> Result<(), Failure> {
        let watched = fstat(root).map_err(|errno| root.fault("look at", "", &errno.into()))?;
        let is_watched =
            |dir: &Path| stat(dir).is_ok_and(|found| (found.st_dev, found.st_ino) == (watched.st_dev, watched.st_ino));
        let backups = self.path.join(FOLDER);
        let there = backups.ancestors().find_map(|dir| dir.canonicalize().ok());
        // Below what is there already nothing can be a link.
        if !there.iter().flat_map(|dir| dir.ancestors()).any(is_watched) {
            return Ok(());
        }
        let message = format!("the state directory `{}` lies in the watched directory", self.path.display());
        let hint = "set TRAEFIK_STATE_DIR to a directory outside it, or Traefik would load the backups";
        Err(Failure::new(Code::NotConfigured, message, hint).with("place", self.path.display().to_string()))
    }

    /// Keeps a copy of a text and returns its path; the oldest copies beyond 200 go.
    pub(crate) fn backup(&self, kind: Kind, name: &Name, text: &str) -> Result<PathBuf, Failure> {
        let folder = self.path.join(FOLDER);
        create_private(&folder)?;
        let dir = Dir::open(&folder)?;
        let file = format!("{}-{name}-{}.yml", stamp(OffsetDateTime::now_utc()), kind.as_str());
        let part = format!("{file}.{}{PART}", places::new_id());
        dir.write_new(&part, text.as_bytes(), 0o600)?;
        dir.rename(&part, &file).and_then(|()| dir.sync()).inspect_err(|_| dir.discard(&part))?;
        prune(&dir)?;
        Ok(folder.join(file))
    }

    /// Refuses where the audit log cannot be opened: a change that nobody can look up later is not begun.
    pub(crate) fn ready(&self) -> Result<(), Failure> {
        create_private(&self.path)?;
        let log = self.path.join(audit::FILE);
        audit::open(&log).map(drop).map_err(|error| fault("open", &log, &error))
    }

    /// Adds a line to the log and to stderr. A log that cannot be written is reported there and stops nothing,
    /// because what it tells of has happened.
    pub(crate) fn audit(&self, record: &Record) {
        audit::tell(record);
        let written = create_private(&self.path).and_then(|()| audit::append(&self.path.join(audit::FILE), record));
        if let Err(failure) = written {
            tracing::error!(error = %failure, "the audit log was not written");
        }
    }
}

/// `$XDG_STATE_HOME`, if absolute as its specification wants it, else the usual place below the home.
pub(super) fn usual(state_home: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    let absolute = |path: Option<OsString>| path.map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute(state_home).or_else(|| Some(absolute(home)?.join(".local/state")))?;
    Some(base.join("traefik-shard"))
}

/// Makes a directory, and what is missing above it, that only its owner can enter; leaves one that is there.
fn create_private(path: &Path) -> Result<(), Failure> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| fault("create the directory", path, &error))
}

/// A time that sorts as text, to the nanosecond, so that two backups never share one.
fn stamp(time: OffsetDateTime) -> String {
    let date = format!("{:04}{:02}{:02}", time.year(), u8::from(time.month()), time.day());
    format!("{date}T{:02}{:02}{:02}.{:09}Z", time.hour(), time.minute(), time.second(), time.nanosecond())
}

/// Removes the oldest backups; a part that a killed process left counts as one and ages with them. Files of other
/// shapes are not ours.
fn prune(dir: &Dir) -> Result<(), Failure> {
    let is_ours = |name: &String| {
        name.starts_with(|c: char| c.is_ascii_digit())
            && name.contains("Z-")
            && (name.ends_with(".yml") || name.ends_with(PART))
    };
    let ours: Vec<String> = dir.names()?.into_iter().filter(is_ours).collect();
    let surplus = ours.len().saturating_sub(MOST_BACKUPS);
    ours.iter().take(surplus).try_for_each(|name| dir.remove(name))
}
