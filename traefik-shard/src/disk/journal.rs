//! The one operation that is under way, written down so that the next process can finish or undo it.
//!
//! The journal is replaced whole and saved before any configuration file changes. It is trusted for no path: the
//! file is always the one that belongs to the name.

use serde::{Deserialize, Serialize};

use crate::disk::dir::{Dir, Entry};
use crate::disk::managed::now;
use crate::disk::name::Name;
use crate::disk::places::{self, Places};
use crate::disk::store::LARGEST;
use crate::failure::{Code, Failure};

/// JSON writes a byte with six at most, and the rest is small.
const LARGEST_JOURNAL: usize = 6 * LARGEST + 4096;

/// What is done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Create,
    Update,
    Delete,
    /// A file that is there only until Traefik was seen to read it.
    Probe,
}

impl Kind {
    /// The word for logs and file names.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Probe => "probe",
        }
    }
}

/// An operation: what was there before, and by its digest what is to be there after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Journal {
    pub(super) id: String,
    pub(super) kind: Kind,
    pub(super) name: String,
    /// The whole text, or null where there was no file.
    pub(super) before: Option<String>,
    /// SHA-256, or null where there is to be no file.
    pub(super) after: Option<String>,
    /// RFC 3339.
    pub(super) started: String,
}

impl Journal {
    /// An operation that begins now.
    pub(super) fn new(kind: Kind, name: &Name, before: Option<String>, after: Option<String>) -> Self {
        Self { id: places::new_id(), kind, name: name.to_string(), before, after, started: now() }
    }

    /// Makes it durable. On an error there is no journal.
    pub(super) fn save(&self, dir: &Dir, places: &Places) -> Result<(), Failure> {
        let text = serde_json::to_string(self).expect("strings and enums can be written as JSON");
        let fresh = places.fresh(places.journal(), &self.id);
        dir.write_new(&fresh, text.as_bytes(), 0o600)?;
        let placed = dir.rename(&fresh, places.journal()).and_then(|()| dir.sync());
        placed.inspect_err(|_| {
            dir.discard(&fresh);
            dir.discard(places.journal());
        })
    }

    /// Reads the journal that is there. One that makes no sense is a fault that a person must look at.
    pub(super) fn load(dir: &Dir, places: &Places) -> Result<Option<(Self, Name)>, Failure> {
        let bytes = match dir.read(places.journal(), LARGEST_JOURNAL)? {
            Entry::Absent => return Ok(None),
            Entry::Odd(why) => return Err(senseless(dir, places, &why)),
            Entry::File(bytes) => bytes,
        };
        // The parser's own words may quote the text of a configuration.
        let journal: Self = serde_json::from_slice(&bytes).map_err(|error| {
            senseless(dir, places, &format!("it is damaged at line {}, column {}", error.line(), error.column()))
        })?;
        match Name::of_ours(&journal.name) {
            Some(name) if places::is_id(&journal.id) => Ok(Some((journal, name))),
            _ => Err(senseless(dir, places, "its name or id is none of ours")),
        }
    }
}

fn senseless(dir: &Dir, places: &Places, why: &str) -> Failure {
    let place = dir.path().join(places.journal());
    let message = format!("the journal `{}` of an earlier process cannot be read: {why}", place.display());
    let hint = "see whether the file that it names is as it should be, then remove the journal";
    Failure::new(Code::IoError, message, hint).with("kind", "journal")
}
