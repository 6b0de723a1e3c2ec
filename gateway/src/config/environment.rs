//! The window through which shard files look at the machine: variables, files and programs.
//!
//! All else in this layer is a pure function of the text and of an [`Environment`].

use std::{
    ffi::OsString,
    fs,
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{Access, OFlags},
    io::Errno,
};

/// The most bytes that a shard file, or a file named in `${file:}`, may have.
const LARGEST_FILE: u64 = 1 << 20;

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathKind {
    /// Nothing.
    Missing,
    /// It cannot be told, because a folder on the way is closed to this user, or links go round in a circle.
    Hidden,
    /// A folder.
    Directory,
    /// A file that this user can start.
    Program,
    /// A file that cannot be started.
    Plain,
}

/// What checking a shard file needs to know of the machine.
pub trait Environment {
    /// The variable `name`, if it is set.
    fn var(&self, name: &str) -> Option<OsString>;
    /// All variables.
    fn vars(&self) -> Vec<(OsString, OsString)>;
    /// The content of a regular file of at most 1 MiB; never blocks on a pipe.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// What stands at `path`, links followed.
    fn kind(&self, path: &Path) -> PathKind;
    /// `path`, seen from the working directory.
    fn absolute(&self, path: &Path) -> PathBuf;
    /// The folder that holds the gateway's own binary.
    fn own_directory(&self) -> Option<PathBuf>;
}

/// The machine that the gateway runs on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Host;

impl Environment for Host {
    fn var(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name)
    }

    fn vars(&self) -> Vec<(OsString, OsString)> {
        std::env::vars_os().collect()
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        // A device is not even opened; what has become a pipe since does not block.
        regular(&fs::metadata(path)?)?;
        let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).expect("the flag is a small number");
        let file = fs::OpenOptions::new().read(true).custom_flags(nonblocking).open(path)?;
        let metadata = file.metadata()?;
        regular(&metadata)?;
        let mut content = Vec::new();
        // What is too large is not read at all, unless it grows meanwhile.
        if metadata.len() <= LARGEST_FILE {
            file.take(LARGEST_FILE + 1).read_to_end(&mut content)?;
        }
        if metadata.len().max(content.len() as u64) > LARGEST_FILE {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 1 MiB"));
        }
        Ok(content)
    }

    fn kind(&self, path: &Path) -> PathKind {
        match fs::metadata(path) {
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                PathKind::Missing
            }
            Err(_) => PathKind::Hidden,
            Ok(metadata) if metadata.is_dir() => PathKind::Directory,
            Ok(metadata) if metadata.is_file() && rustix::fs::access(path, Access::EXEC_OK).is_ok() => {
                PathKind::Program
            }
            Ok(_) => PathKind::Plain,
        }
    }

    fn absolute(&self, path: &Path) -> PathBuf {
        std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
    }

    fn own_directory(&self) -> Option<PathBuf> {
        let own = std::env::current_exe().ok()?;
        own.parent().map(Path::to_owned)
    }
}

/// Why [`Environment::read`] failed, and the way out.
pub(super) fn explain(error: &io::Error) -> String {
    let known = match error.kind() {
        io::ErrorKind::NotFound => "it is not there; make it, or mend the path or link that leads to it",
        io::ErrorKind::PermissionDenied => {
            "this user may not read it; change its owner or mode, or those of a folder on the way"
        }
        io::ErrorKind::IsADirectory => "it is a folder; put a file there, or move it away",
        io::ErrorKind::FileTooLarge => "it is larger than 1 MiB; cut it down, or move it away",
        io::ErrorKind::Other => "it is a pipe, a socket or a device; put a plain file there, or move it away",
        _ if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
            "the links that lead to it go round in a circle; remove one of them"
        }
        _ => return format!("{error}; check the disk, or move the file away"),
    };
    known.to_owned()
}

/// Refuses all that is not a file with bytes of its own.
fn regular(metadata: &fs::Metadata) -> io::Result<()> {
    match metadata.file_type() {
        kind if kind.is_file() => Ok(()),
        kind if kind.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        _ => Err(io::Error::other("not a regular file")),
    }
}

/// A machine that a test makes up.
#[cfg(test)]
pub(crate) mod fake {
    use std::{collections::BTreeMap, ffi::OsString, io, path::Path, path::PathBuf};

    use super::{Environment, PathKind};

    /// The working directory is `/lab`, the gateway's binary lies in `/gateway`.
    #[derive(Default)]
    pub(crate) struct Fake {
        pub(crate) vars: BTreeMap<OsString, OsString>,
        pub(crate) files: BTreeMap<PathBuf, (PathKind, Vec<u8>)>,
    }

    impl Fake {
        pub(crate) fn set(mut self, name: &str, value: impl Into<OsString>) -> Self {
            self.vars.insert(name.into(), value.into());
            self
        }

        pub(crate) fn put(mut self, path: &str, kind: PathKind) -> Self {
            self.files.insert(path.into(), (kind, Vec::new()));
            self
        }

        pub(crate) fn file(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
            self.files.insert(path.into(), (PathKind::Plain, content.into()));
            self
        }
    }

    impl Environment for Fake {
        fn var(&self, name: &str) -> Option<OsString> {
            self.vars.get(std::ffi::OsStr::new(name)).cloned()
        }

        fn vars(&self) -> Vec<(OsString, OsString)> {
            self.vars.clone().into_iter().collect()
        }

        fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
            let file = self.files.get(path).ok_or(io::ErrorKind::NotFound)?;
            Ok(file.1.clone())
        }

        fn kind(&self, path: &Path) -> PathKind {
            self.files.get(path).map_or(PathKind::Missing, |file| file.0)
        }

        fn absolute(&self, path: &Path) -> PathBuf {
            Path::new("/lab").join(path).components().collect()
        }

        fn own_directory(&self) -> Option<PathBuf> {
            Some("/gateway".into())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use rustix::fs::{CWD, Mode, mkfifoat};

    use super::*;

    #[test]
    fn host_reads_only_regular_files_of_bounded_size() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, vec![b'x'; 1 << 20]).unwrap();
        assert_eq!(Host.read(&file).unwrap().len(), 1 << 20);
        fs::write(&file, vec![b'x'; (1 << 20) + 1]).unwrap();
        assert_eq!(Host.read(&file).unwrap_err().to_string(), "larger than 1 MiB");
        let device = Host.read(Path::new("/dev/null")).unwrap_err();
        assert_eq!(device.to_string(), "not a regular file");
        assert_eq!(Host.read(folder.path()).unwrap_err().kind(), io::ErrorKind::IsADirectory);
        let pipe = folder.path().join("pipe");
        mkfifoat(CWD, &pipe, Mode::RUSR | Mode::WUSR).unwrap();
        assert_eq!(Host.read(&pipe).unwrap_err().to_string(), "not a regular file");
    }

    #[test]
    fn host_tells_programs_from_other_files() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        assert_eq!(Host.kind(&file), PathKind::Missing);
        fs::write(&file, "").unwrap();
        assert_eq!(Host.kind(&file), PathKind::Plain);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(Host.kind(&file), PathKind::Program);
        assert_eq!(Host.kind(folder.path()), PathKind::Directory);
        assert_eq!(Host.kind(&file.join("inside")), PathKind::Missing);
        let circle = folder.path().join("circle");
        symlink(&circle, &circle).unwrap();
        assert_eq!(Host.kind(&circle), PathKind::Hidden);
        assert_eq!(Host.kind(Path::new("/dev/null")), PathKind::Plain);
    }

    #[test]
    fn a_variable_without_a_name_is_not_set() {
        assert_eq!(Host.var(""), None);
        assert_eq!(Host.var("A=B"), None);
    }
}
