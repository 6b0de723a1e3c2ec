//! The watched directory as this shard sees it: what is managed there, what is not, and the poke.
//!
//! Reading needs no lock, because a file is only ever replaced whole.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Mode, OFlags};

use crate::disk::dir::{Dir, Entry};
use crate::disk::managed::Managed;
use crate::disk::name::Name;
use crate::disk::places::{self, Places};
use crate::disk::state::State;
use crate::failure::{Code, Failure};
use crate::settings::Settings;

/// The largest managed file; ours are a hundredth of it.
pub(super) const LARGEST: usize = 1024 * 1024;

/// What can be done without the lock, and the way to the lock. Clones share everything.
///
/// It holds paths and opens them at each use, so that a directory that was unmounted or made anew is no
/// surprise; a [`crate::disk::Locked`] holds descriptors.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    root: PathBuf,
    places: Places,
    state: State,
}

/// A managed file in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) name: Name,
    /// Relative to the watched directory.
    pub(crate) file: String,
    /// Of the whole text.
    pub(crate) sha256: String,
    /// When the file was first made, RFC 3339.
    pub(crate) created: String,
    /// Somebody changed the body.
    pub(crate) edited: bool,
}

/// What lies in the managed place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    pub(crate) managed: Vec<Listed>,
    /// Files there that Traefik loads and that are not ours, each with the reason.
    pub(crate) foreign: Vec<(String, String)>,
}

impl Store {
    /// Checks the settings and what they name; creates nothing. `not_configured` says what to set.
    pub(crate) fn open(settings: &Settings) -> Result<Self, Failure> {
        let Some(root) = settings.dynamic_dir.clone() else {
            return Err(Failure::new(
                Code::NotConfigured,
                "no directory is set that Traefik's file provider watches",
                "set TRAEFIK_DYNAMIC_DIR to that directory, as it is seen from here",
            ));
        };
        let shared = Shared { root, places: Places::new(settings)?, state: State::locate(settings)? };
        let store = Self { shared: Arc::new(shared) };
        store.managed_dir()?;
        store.state().refuse_inside(&store.root_dir()?)?;
        Ok(store)
    }

    /// Whether a shard has ever written here. If not, nothing is unfinished, and nothing should be created.
    pub(crate) fn has_written(&self) -> Result<bool, Failure> {
        let Some(dir) = self.managed_dir()? else { return Ok(false) };
        Ok(dir.read(self.places().lock(), 0)? != Entry::Absent)
    }

    /// The directory that Traefik watches, as the operator named it.
    pub(crate) fn root(&self) -> &Path {
        &self.shared.root
    }

    /// Where the managed file of this name lies, relative to the watched directory.
    pub(crate) fn file_of(&self, name: &Name) -> String {
        self.places().below_root(&self.places().file(name))
    }

    /// Reads a managed file; `None` if there is none. What is there and not ours is `not_managed`.
    pub(crate) fn read(&self, name: &Name) -> Result<Option<Managed>, Failure> {
        match self.managed_dir()? {
            Some(dir) => self.read_in(&dir, name),
            None => Ok(None),
        }
    }

    /// Lists the managed place, sorted by name.
    pub(crate) fn list(&self) -> Result<Listing, Failure> {
        let mut listing = Listing::default();
        let Some(dir) = self.managed_dir()? else { return Ok(listing) };
        for entry in dir.names()? {
            if !self.places().is_in_our_place(&entry) {
                continue;
            }
            match self.look(&dir, &entry)? {
                Some(Ok(found)) if !found.name.is_probe() => listing.managed.push(Listed {
                    name: found.name,
                    file: found.file,
                    sha256: found.sha256,
                    created: found.created,
                    edited: found.edited,
                }),
                Some(Err(why)) => listing.foreign.push((self.places().below_root(&entry), why)),
                Some(Ok(_)) | None => {}
            }
        }
        Ok(listing)
    }

    /// Makes Traefik look at all files: creates and removes a file in the watched directory that it does not load.
    /// On a full disk the directory's time is set instead.
    pub(crate) fn poke(&self) -> Result<(), Failure> {
        let root = self.root_dir()?;
        let name = places::poke();
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(&root, &name, flags, Mode::from_raw_mode(0o600)) {
            Ok(_) => root.remove(&name),
            Err(rustix::io::Errno::NOSPC | rustix::io::Errno::DQUOT) => root.touch(),
            Err(errno) => Err(root.fault("create", &name, &errno.into())),
        }
    }

    /// The kind of network file system that the watched directory lies on, if it does: changes made through it
    /// are not noticed by a Traefik on another host.
    pub(crate) fn network_file_system(&self) -> Result<Option<&'static str>, Failure> {
        let root = self.root_dir()?;
        let stat = rustix::fs::fstatfs(&root).map_err(|errno| root.fault("ask about", "", &errno.into()))?;
        Ok(match stat.f_type {
            0x6969 => Some("NFS"),
            0xff53_4d42 | 0xfe53_4d42 | 0x517b => Some("SMB"),
            0x6573_5546 => Some("FUSE"),
            0x0102_1997 => Some("9p"),
            0x00c3_6400 => Some("Ceph"),
            _ => None,
        })
    }

    /// Backups and the audit log.
    pub(crate) fn state(&self) -> &State {
        &self.shared.state
    }

    pub(super) fn places(&self) -> &Places {
        &self.shared.places
    }

    pub(super) fn root_dir(&self) -> Result<Dir, Failure> {
        Dir::open(&self.shared.root)
    }

    /// The directory that managed files lie in, if it is there.
    pub(super) fn managed_dir(&self) -> Result<Option<Dir>, Failure> {
        let root = self.root_dir()?;
        match self.places().folder() {
            Some(folder) => root.enter(folder),
            None => Ok(Some(root)),
        }
    }

    pub(super) fn read_in(&self, dir: &Dir, name: &Name) -> Result<Option<Managed>, Failure> {
        let file = self.places().file(name);
        match self.look(dir, &file)? {
            None => Ok(None),
            Some(Ok(managed)) => Ok(Some(managed)),
            Some(Err(why)) => {
                let file = self.places().below_root(&file);
                Err(Failure::new(
                    Code::NotManaged,
                    format!("`{file}` was not made by this shard: {why}"),
                    "choose another name, or change that file by hand",
                )
                .with("file", file))
            }
        }
    }

    /// Reads one entry: ours, or why not; `None` if it is gone.
    fn look(&self, dir: &Dir, entry: &str) -> Result<Option<Result<Managed, String>>, Failure> {
        let Some(name) = self.places().name_of(entry) else {
            return Ok(Some(Err("its name is none that this shard gives".to_owned())));
        };
        Ok(match dir.read(entry, LARGEST)? {
            Entry::Absent => None,
            Entry::Odd(why) => Some(Err(why)),
            Entry::File(bytes) => Some(Managed::parse(&name, self.places().below_root(entry), bytes)),
        })
    }
}
