//! What may be on the disk, name by name, as far as the answers tell.
//!
//! A write that was answered is certain; one whose process was killed may have happened or not. Nothing
//! that ended before a certain write began can be the last word.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// The serial number of the version that a file holds; `None`: there is no file.
pub(crate) type State = Option<usize>;

/// Whether a write has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happened {
    Surely,
    Perhaps,
}

#[derive(Debug)]
struct Write {
    to: State,
    begun: Instant,
    ended: Instant,
    happened: Happened,
}

/// All that is known of all names.
#[derive(Debug, Default)]
pub(crate) struct Model {
    writes: BTreeMap<String, Vec<Write>>,
    serials: BTreeMap<String, usize>,
    latest: BTreeMap<String, String>,
}

impl Model {
    /// Names without a file.
    pub(crate) fn new(names: impl IntoIterator<Item = String>) -> Self {
        let mut model = Self::default();
        let now = Instant::now();
        names.into_iter().for_each(|name| model.note(&name, None, now, Happened::Surely));
        model
    }

    /// Takes down an operation that ends now. A state that an answer tells counts as a sure write of it.
    pub(crate) fn note(&mut self, name: &str, to: State, begun: Instant, happened: Happened) {
        let writes = self.writes.entry(name.to_owned()).or_default();
        writes.push(Write { to, begun, ended: Instant::now(), happened });
    }

    /// The states that the file may have.
    pub(crate) fn allowed(&self, name: &str) -> BTreeSet<State> {
        let writes = &self.writes[name];
        let sure = writes.iter().filter(|write| write.happened == Happened::Surely);
        let latest = sure.map(|write| write.begun).max().expect("each name begins without a file");
        writes.iter().filter(|write| write.ended >= latest).map(|write| write.to).collect()
    }

    /// Remembers the digest of a file.
    pub(crate) fn learn(&mut self, name: &str, serial: usize, sha256: &str) {
        self.serials.insert(sha256.to_owned(), serial);
        self.latest.insert(name.to_owned(), sha256.to_owned());
    }

    /// The version with this digest, if an answer has told it.
    pub(crate) fn serial(&self, sha256: &str) -> Option<usize> {
        self.serials.get(sha256).copied()
    }

    /// The digest last heard of; the file may have changed since.
    pub(crate) fn latest(&self, name: &str) -> Option<&str> {
        self.latest.get(name).map(String::as_str)
    }

    /// Every version that this name may ever have had.
    pub(crate) fn tried(&self, name: &str) -> BTreeSet<usize> {
        self.writes[name].iter().filter_map(|write| write.to).collect()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.writes.keys()
    }
}
