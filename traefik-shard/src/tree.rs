//! The whole directory that Traefik watches, read as Traefik reads it.
//!
//! Reading is bounded in number, size and depth; a bound that is hit is a finding, never silence.

mod resolve;
mod walk;

pub(crate) use resolve::{Names, shadowed};
pub(crate) use walk::read as read_file;

use std::path::Path;

use crate::document::{self, Document, Format, Kind, Loads, Origin};
use crate::failure::{Code, Failure};
use crate::finding::Finding;

/// Every configuration file below the watched directory, in the order in which Traefik loads them:
/// of two definitions with one name the first counts.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    pub(crate) files: Vec<TreeFile>,
    /// What concerns no single file's content, such as a dangling link; each freezes Traefik, or may.
    pub(crate) findings: Vec<Finding>,
}

/// One file of the tree.
#[derive(Clone, Debug)]
pub(crate) struct TreeFile {
    /// Relative to the watched directory, with `/` between the parts.
    pub(crate) path: String,
    pub(crate) document: Document,
}

/// Reads the directory; blocks on the file system.
pub(crate) fn read(root: &Path) -> Result<Tree, Failure> {
    let walked = walk::walk(root).map_err(|error| {
        let message = format!("cannot read the directory `{}`: {error}", root.display());
        Failure::new(Code::IoError, message, "set TRAEFIK_DYNAMIC_DIR to the directory that Traefik watches")
    })?;
    let file = |found: walk::Found| {
        let document = document::check(&found.path, found.format, Origin::Foreign, &found.bytes);
        TreeFile { document, path: found.path }
    };
    Ok(Tree { files: walked.files.into_iter().map(file).collect(), findings: walked.findings })
}

/// How a file with this name is written; `None`: Traefik does not load it.
pub(crate) fn format_of(name: &str) -> Option<Format> {
    let (_, extension) = name.rsplit_once('.')?;
    match extension.to_lowercase().as_str() {
        "yml" | "yaml" => Some(Format::Yaml),
        "toml" => Some(Format::Toml),
        _ => None,
    }
}

impl Tree {
    /// What freezes Traefik's file provider, or may.
    pub(crate) fn breaking(&self) -> Vec<Finding> {
        let broken = self.files.iter().filter(|file| file.document.loads != Loads::Yes);
        let refusals = broken.flat_map(|file| file.document.findings.iter().take(file.document.refusals.max(1)));
        self.findings.iter().chain(refusals).cloned().collect()
    }

    /// Where a name is defined, in Traefik's order, with the line.
    pub(crate) fn definitions(&self, kind: Kind, name: &str) -> Vec<(&TreeFile, u32)> {
        let mut found = Vec::new();
        for file in &self.files {
            let same = file.document.defined.iter().filter(|defined| defined.kind == kind && defined.name == name);
            found.extend(same.map(|defined| (file, defined.line)));
        }
        found
    }
}

#[cfg(test)]
pub(crate) mod tests;
