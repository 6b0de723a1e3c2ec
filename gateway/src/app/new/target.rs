//! Where a new crate and its shard file come to lie.
//!
//! Invariant: the crate appears at once and whole, by a rename, and takes no other's place.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rustix::fs::{CWD, RenameFlags, renameat_with};

/// The places that are written to.
#[derive(Debug)]
pub(super) struct Target {
    folder: PathBuf,
    name: String,
    shards: Option<PathBuf>,
}

/// What is there already.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Taken(pub(super) PathBuf);

impl Target {
    /// `dir/name`, and a file in `shards` if there is such a folder.
    pub(super) fn new(dir: &Path, name: &str, shards: Option<&PathBuf>) -> Self {
        let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        Self { folder: dir.join(name), name: name.to_owned(), shards: shards.map(absolute) }
    }

    /// The crate's folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What `cargo build --release` makes.
    pub(super) fn program(&self) -> PathBuf {
        self.folder.join("target/release").join(&self.name)
    }

    /// Where the shard file goes, if there is a folder for it.
    pub(super) fn shard_file(&self) -> Option<PathBuf> {
        Some(self.shards.as_ref()?.join(format!("{}.yaml", self.name)))
    }

    /// Something that has the name already: the folder, or a file of a shard called so.
    pub(super) fn taken(&self) -> Option<Taken> {
        let endings = ["yaml", "yml", "json"].map(|ending| format!("{}.{ending}", self.name));
        let files = self.shards.iter().flat_map(|shards| endings.iter().map(|file| shards.join(file)));
        let mut places = std::iter::once(self.folder.clone()).chain(files);
        places.find(|path| path.symlink_metadata().is_ok()).map(Taken)
    }

    /// Writes crate and shard file, or nothing.
    pub(super) fn write(&self, files: &[(PathBuf, String)], shard_file: &str) -> anyhow::Result<()> {
        let staged = Staged::new(&self.folder)?;
        for (path, text) in files {
            staged.write(path, text)?;
        }
        let file = self.shard_file();
        if let Some(file) = &file {
            write_new(file, shard_file).with_context(|| format!("cannot write `{}`", file.display()))?;
        }
        staged.publish(&self.folder).inspect_err(|_| {
            if let Some(file) = &file {
                let _ = fs::remove_file(file);
            }
        })
    }
}

/// A folder beside the one that it will be; gone with this value unless it was published.
struct Staged(PathBuf);

impl Staged {
    fn new(folder: &Path) -> anyhow::Result<Self> {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let path = folder.with_file_name(format!(".{name}.{}", std::process::id()));
        fs::create_dir(&path).with_context(|| format!("cannot make `{}`", path.display()))?;
        Ok(Self(path))
    }

    fn write(&self, path: &Path, text: &str) -> anyhow::Result<()> {
        let path = self.0.join(path);
        let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, text));
        written.with_context(|| format!("cannot write `{}`", path.display()))
    }

    fn publish(self, folder: &Path) -> anyhow::Result<()> {
        let moved = match renameat_with(CWD, &self.0, CWD, folder, RenameFlags::NOREPLACE) {
            // Some network file systems know no such rename; a plain one replaces an empty folder at worst.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => fs::rename(&self.0, folder),
            moved => moved.map_err(io::Error::from),
        };
        moved.with_context(|| format!("cannot make `{}`", folder.display()))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // After `publish` there is nothing of this name.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A file that did not exist; one that cannot be written whole is taken away again.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::File::create_new(path)?;
    file.write_all(text.as_bytes()).inspect_err(|_| drop(fs::remove_file(path)))
}
