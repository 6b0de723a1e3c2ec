//! One directory, held by its descriptor: whoever swaps a path for a symbolic link moves nothing for us.
//!
//! Every name given here is one plain component. All of it blocks.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RenameFlags, Timespec, Timestamps};
use rustix::io::Errno;

use crate::disk::fault::fault;
use crate::failure::Failure;

/// More entries than this are not listed.
const MOST_ENTRIES: usize = 100_000;

/// What lies under a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Absent,
    File(Vec<u8>),
    /// Nothing that we would read, and why not.
    Odd(String),
}

/// A directory; the path is only for messages.
#[derive(Debug)]
pub(super) struct Dir {
    fd: OwnedFd,
    path: PathBuf,
}

impl Dir {
    /// Opens a directory by its path, through symbolic links: for the one that the operator named.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        match rustix::fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()) {
            Ok(fd) => Ok(Self { fd, path: path.to_owned() }),
            Err(errno) => Err(fault("open the directory", path, &errno.into())),
        }
    }

    /// Opens a directory in this one; `None` if there is none. A symbolic link is a fault.
    pub(super) fn enter(&self, name: &str) -> Result<Option<Self>, Failure> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let path = self.path.join(name);
        match rustix::fs::openat(&self.fd, name, flags, Mode::empty()) {
            Ok(fd) => Ok(Some(Self { fd, path })),
            Err(Errno::NOENT) => Ok(None),
            // With both flags a symbolic link is "not a directory" to the kernel.
            Err(Errno::NOTDIR) if self.is_link(name) => Err(fault("open the folder", &path, &Errno::LOOP.into())),
            Err(errno) => Err(fault("open the folder", &path, &errno.into())),
        }
    }

    /// Like [`Dir::enter`], and creates it readable for all if there is none.
    pub(super) fn enter_or_create(&self, name: &str) -> Result<Self, Failure> {
        if let Some(dir) = self.enter(name)? {
            return Ok(dir);
        }
        let created = match rustix::fs::mkdirat(&self.fd, name, Mode::from_raw_mode(0o755)) {
            Err(Errno::EXIST) => Ok(()),
            other => other.map_err(io::Error::from),
        };
        created.and_then(|()| self.sync_raw()).map_err(|error| self.fault("create the folder", name, &error))?;
        let dir = self.enter(name)?.ok_or_else(|| self.fault("open the folder", name, &Errno::NOENT.into()))?;
        // Traefik may run as another user, whatever our umask is.
        rustix::fs::fchmod(&dir.fd, Mode::from_raw_mode(0o755))
            .map_err(|errno| self.fault("set the mode of", name, &errno.into()))?;
        Ok(dir)
    }

    /// Reads a regular file of at most `limit` bytes. Never blocks on a pipe, never follows a link.
    pub(super) fn read(&self, name: &str, limit: usize) -> Result<Entry, Failure> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let fd = match rustix::fs::openat(&self.fd, name, flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(Entry::Absent),
            Err(Errno::LOOP) => return Ok(Entry::Odd("it is a symbolic link".to_owned())),
            Err(Errno::NXIO) => return Ok(Entry::Odd("it is not a regular file".to_owned())),
            Err(errno) => return Err(self.fault("read", name, &errno.into())),
        };
        let stat = rustix::fs::fstat(&fd).map_err(|errno| self.fault("read", name, &errno.into()))?;
        if !FileType::from_raw_mode(stat.st_mode).is_file() {
            return Ok(Entry::Odd("it is not a regular file".to_owned()));
        }
        let mut bytes = Vec::new();
        let mut bounded = File::from(fd).take(limit as u64 + 1);
        bounded.read_to_end(&mut bytes).map_err(|error| self.fault("read", name, &error))?;
        if bytes.len() > limit {
            return Ok(Entry::Odd(format!("it is larger than {} KiB", limit / 1024)));
        }
        Ok(Entry::File(bytes))
    }

    /// Writes a file that does not exist yet, durably and with this very mode; on an error none is left.
    pub(super) fn write_new(&self, name: &str, bytes: &[u8], mode: u32) -> Result<(), Failure> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.fd, name, flags, Mode::from_raw_mode(0o600))
            .map_err(|errno| self.fault("create", name, &errno.into()))?;
        let mut file = File::from(fd);
        let written = file.write_all(bytes).and_then(|()| {
            rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?;
            file.sync_all()
        });
        written.map_err(|error| {
            self.discard(name);
            self.fault("write", name, &error)
        })
    }

    /// Renames over whatever lies there.
    pub(super) fn rename(&self, from: &str, to: &str) -> Result<(), Failure> {
        rustix::fs::renameat(&self.fd, from, &self.fd, to).map_err(|errno| self.fault("write", to, &errno.into()))
    }

    /// Renames only if nothing lies there; false: something does.
    pub(super) fn rename_new(&self, from: &str, to: &str) -> Result<bool, Failure> {
        match rustix::fs::renameat_with(&self.fd, from, &self.fd, to, RenameFlags::NOREPLACE) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => Ok(false),
            // Some network file systems cannot promise it; then the look before is all there is.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => match self.read(to, 0)? {
                Entry::Absent => self.rename(from, to).map(|()| true),
                Entry::File(_) | Entry::Odd(_) => Ok(false),
            },
            Err(errno) => Err(self.fault("create", to, &errno.into())),
        }
    }

    /// Removes a file; one that is not there is fine.
    pub(super) fn remove(&self, name: &str) -> Result<(), Failure> {
        match rustix::fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(self.fault("remove", name, &errno.into())),
        }
    }

    /// Removes a file that nobody needs; the next sweep tries again.
    pub(super) fn discard(&self, name: &str) {
        if let Err(failure) = self.remove(name) {
            tracing::warn!(error = %failure, "a temporary file is left for the next sweep");
        }
    }

    /// Makes renames and removals durable.
    pub(super) fn sync(&self) -> Result<(), Failure> {
        self.sync_raw().map_err(|error| fault("save the directory", &self.path, &error))
    }

    /// Sets the directory's time to now, which needs no room on the disk.
    pub(super) fn touch(&self) -> Result<(), Failure> {
        let now = Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_NOW };
        rustix::fs::futimens(&self.fd, &Timestamps { last_access: now, last_modification: now })
            .map_err(|errno| fault("set the time of", &self.path, &errno.into()))
    }

    /// The names of what lies in here, sorted; a name that is not UTF-8 is shown with replacements.
    pub(super) fn names(&self) -> Result<Vec<String>, Failure> {
        let list = || -> io::Result<Vec<String>> {
            let mut names = Vec::new();
            for entry in rustix::fs::Dir::read_from(&self.fd)? {
                names.push(entry?.file_name().to_string_lossy().into_owned());
                if names.len() > MOST_ENTRIES {
                    return Err(io::Error::other(format!("it holds more than {MOST_ENTRIES} entries")));
                }
            }
            names.retain(|name| name != "." && name != "..");
            names.sort_unstable();
            Ok(names)
        };
        list().map_err(|error| fault("list", &self.path, &error))
    }

    /// The directory's path, for messages.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What could not be done to one entry.
    pub(super) fn fault(&self, doing: &str, name: &str, error: &io::Error) -> Failure {
        fault(doing, &self.path.join(name), error)
    }

    fn is_link(&self, name: &str) -> bool {
        rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_symlink())
    }

    fn sync_raw(&self) -> io::Result<()> {
        match rustix::io::retry_on_intr(|| rustix::fs::fsync(&self.fd)) {
            // Some network file systems have no such call for directories; renames there are as durable as can be.
            Ok(()) | Err(Errno::INVAL | Errno::NOTSUP) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}

impl AsFd for Dir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
