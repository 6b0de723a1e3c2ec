//! The key that session tokens are signed with.
//!
//! Invariant: the file is either absent or holds the whole key, and only its owner can read it. Two gateways that start
//! at once on one folder end up with the same key.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use tracing::warn;

const FILE: &str = "session.key";
const LENGTH: usize = 32;

/// 32 secret bytes. Gateways with the same key accept each other's sessions.
#[derive(Clone)]
pub struct Key([u8; LENGTH]);

impl Key {
    /// The key in `state_dir`, made if there is none. If the folder cannot be used, a key of this process only, and a
    /// warning that sessions end with it.
    #[must_use]
    pub fn load_or_create(state_dir: &Path) -> Self {
        let path = state_dir.join(FILE);
        let kept = match load(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => create(&path),
            loaded => loaded,
        };
        kept.unwrap_or_else(|error| {
            let error = &error as &dyn std::error::Error;
            warn!(path = %path.display(), error, "no session key on disk, sessions will end with this process");
            Self::random()
        })
    }

    /// A key that nobody else has.
    #[must_use]
    pub fn random() -> Self {
        Self(random())
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Key(..)")
    }
}

/// Bytes that cannot be guessed.
pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system has randomness once it has booted");
    bytes
}

fn load(path: &Path) -> io::Result<Key> {
    let bytes = fs::read(path)?;
    let key = bytes.try_into().map_err(|_| {
        io::Error::new(ErrorKind::InvalidData, format!("the file does not hold {LENGTH} bytes; delete it"))
    })?;
    Ok(Key(key))
}

/// Writes a whole file beside `path` and links it there, which fails if another gateway was quicker.
fn create(path: &Path) -> io::Result<Key> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let key = Key::random();
    let draft = path.with_extension(format!("{:016x}", u64::from_le_bytes(random())));
    let linked = write(&draft, &key).and_then(|()| fs::hard_link(&draft, path));
    let removed = fs::remove_file(&draft);
    match linked {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => load(path),
        linked => linked.and(removed).map(|()| key),
    }
}

fn write(path: &Path, key: &Key) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(&key.0)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_key_outlives_the_process_and_only_its_owner_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let first = Key::load_or_create(&state);
        assert_eq!(Key::load_or_create(&state).0, first.0);
        let files: Vec<_> = fs::read_dir(&state).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(files, [FILE]);
        assert_eq!(fs::metadata(state.join(FILE)).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn gateways_that_start_at_once_agree_on_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let keys = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..8).map(|_| scope.spawn(|| Key::load_or_create(folder.path()))).collect();
            starts.into_iter().map(|start| start.join().unwrap().0).collect::<Vec<_>>()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
    }

    #[test]
    fn a_folder_that_cannot_be_used_gives_a_key_of_this_process() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert_ne!(Key::load_or_create(&file).0, Key::load_or_create(&file).0);
        fs::write(folder.path().join(FILE), "short").unwrap();
        assert_ne!(Key::load_or_create(folder.path()).0, Key::load_or_create(folder.path()).0);
        assert_eq!(fs::read(folder.path().join(FILE)).unwrap(), b"short");
    }
}
