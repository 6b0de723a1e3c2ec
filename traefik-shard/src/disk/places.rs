//! What is called how: the two layouts, and the names of everything that this shard puts down.
//!
//! Only names here, no disk. Nothing but a managed file has an extension that Traefik loads.

use crate::disk::name::Name;
use crate::failure::{Code, Failure};
use crate::settings::{Layout, Settings};

/// What the file names of the layout `top` begin with.
const TOP: &str = "mcp-";
const EXTENSION: &str = ".yml";
/// What every poke is called, before its random end.
const POKE: &str = ".mcp-poke-";

/// Where things lie below the watched directory.
#[derive(Clone, Debug)]
pub(super) struct Places {
    layout: Layout,
    folder: String,
}

impl Places {
    /// The managed folder must be one plain name.
    pub(super) fn new(settings: &Settings) -> Result<Self, Failure> {
        let folder = &settings.managed_folder;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let fits = (1..=100).contains(&folder.len()) && folder.chars().all(plain) && folder != "." && folder != "..";
        if !fits {
            return Err(Failure::new(
                Code::NotConfigured,
                format!("`{}` cannot be the managed folder", folder.escape_debug()),
                "set TRAEFIK_MANAGED_FOLDER to one name of letters, digits, dots, hyphens and underscores",
            ));
        }
        Ok(Self { layout: settings.layout, folder: folder.clone() })
    }

    /// The folder below the watched directory, or `None` where managed files lie in the directory itself.
    pub(super) fn folder(&self) -> Option<&str> {
        match self.layout {
            Layout::Folder => Some(&self.folder),
            Layout::Top => None,
        }
    }

    /// The managed file's name in its directory.
    pub(super) fn file(&self, name: &Name) -> String {
        format!("{}{name}{EXTENSION}", self.prefix())
    }

    /// The path of that file, relative to the watched directory.
    pub(super) fn below_root(&self, file: &str) -> String {
        match self.folder() {
            Some(folder) => format!("{folder}/{file}"),
            None => file.to_owned(),
        }
    }

    /// The name that a file is about, if we would call a file so.
    pub(super) fn name_of(&self, file: &str) -> Option<Name> {
        Name::of_ours(file.strip_prefix(self.prefix())?.strip_suffix(EXTENSION)?)
    }

    /// Whether a file in the managed place has no business there. In a shared directory only what begins as
    /// ours do is in our place.
    pub(super) fn is_in_our_place(&self, file: &str) -> bool {
        let loaded = [".yml", ".yaml", ".toml"].iter().any(|end| file.to_ascii_lowercase().ends_with(end));
        loaded && file.starts_with(self.prefix())
    }

    /// Who writes now.
    pub(super) fn lock(&self) -> &'static str {
        match self.layout {
            Layout::Folder => ".lock",
            Layout::Top => ".mcp-lock",
        }
    }

    /// What is being done now.
    pub(super) fn journal(&self) -> &'static str {
        match self.layout {
            Layout::Folder => ".journal",
            Layout::Top => ".mcp-journal",
        }
    }

    /// The new text of `file` before it is renamed into place.
    pub(super) fn fresh(&self, file: &str, id: &str) -> String {
        format!(".{}.tmp-{id}", file.trim_start_matches('.'))
    }

    /// The old text of `file`, ready to be renamed back without needing room on the disk.
    pub(super) fn kept(&self, file: &str, id: &str) -> String {
        format!(".{}.old-{id}", file.trim_start_matches('.'))
    }

    /// The operation that a file of `fresh` or `kept` belongs to; `None`: the file is no such one.
    pub(super) fn operation_of<'a>(&self, entry: &'a str) -> Option<&'a str> {
        let rest = entry.strip_prefix('.')?;
        let (stem, id) = rest.rsplit_once(".tmp-").or_else(|| rest.rsplit_once(".old-"))?;
        let ours = self.journal().trim_start_matches('.') == stem || self.name_of(stem).is_some();
        (ours && is_id(id)).then_some(id)
    }

    fn prefix(&self) -> &'static str {
        match self.layout {
            Layout::Folder => "",
            Layout::Top => TOP,
        }
    }
}

/// A new name for a poke.
pub(super) fn poke() -> String {
    format!("{POKE}{}", new_id())
}

/// Whether a file in the watched directory is a poke.
pub(super) fn is_poke(entry: &str) -> bool {
    entry.strip_prefix(POKE).is_some_and(is_id)
}

/// 16 random hex digits; whoever creates by them does so exclusively.
pub(super) fn new_id() -> String {
    format!("{:016x}", fastrand::u64(..))
}

/// Whether this is what [`new_id`] makes.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
