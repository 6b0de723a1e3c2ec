//! The journal of a shard that was killed, as the test reads it.
//!
//! It is only read here, by its form on the disk, so that the shard's own reader is not judged by itself.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use sha2::{Digest, Sha256};

/// An operation that was begun and not closed.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Journal {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    /// The digest of the file that was wanted; `None`: no file.
    pub(crate) after: Option<String>,
}

impl Journal {
    /// The one in this managed folder.
    pub(crate) fn read(managed: &Path) -> Option<Self> {
        let text = fs::read(managed.join(".journal")).ok()?;
        Some(serde_json::from_slice(&text).expect("a journal is whole"))
    }

    /// Whether the audit log tells the two apart.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        (&self.name, &self.after) == (&other.name, &other.after)
    }

    /// Whether the file on the disk is the one that was wanted: the rename has happened.
    pub(crate) fn is_applied(&self, managed: &Path) -> bool {
        digest_of(&managed.join(format!("{}.yml", self.name))) == self.after
    }
}

/// The digest of a file; `None`: there is none.
pub(crate) fn digest_of(path: &Path) -> Option<String> {
    let bytes = fs::read(path).ok()?;
    Some(Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect())
}
