//! Names across files: what refers to nothing, and what is defined twice.
//!
//! Neither freezes Traefik; the first disables a router, the second silently drops a definition.

use std::collections::{BTreeMap, HashSet};

use super::Tree;
use crate::document::{Document, Kind, references};
use crate::finding::{Finding, Severity};

/// What documents define, and the tree beside them where a directory is known.
pub(crate) struct Names<'a> {
    known: HashSet<(Kind, &'a str)>,
    has_tree: bool,
}

impl<'a> Names<'a> {
    /// Collects the names of a document and of a tree.
    pub(crate) fn of(document: Option<&'a Document>, tree: Option<&'a Tree>) -> Self {
        let files = tree.into_iter().flat_map(|tree| tree.files.iter().map(|file| &file.document));
        let defined = files.chain(document).flat_map(|document| &document.defined);
        Self { known: defined.map(|one| (one.kind, one.name.as_str())).collect(), has_tree: tree.is_some() }
    }

    /// Whether anything defines it.
    pub(crate) fn has(&self, kind: Kind, name: &str) -> bool {
        self.known.contains(&(kind, name))
    }

    /// References to names of the file provider that nothing defines.
    pub(crate) fn missing(&self, document: &Document) -> Vec<Finding> {
        let (severity, fault) = if self.has_tree {
            (Severity::Error, "no file of the watched directory defines it, so Traefik disables what uses it")
        } else {
            (Severity::Warning, "this document does not define it; another file must")
        };
        let mut findings = Vec::new();
        for reference in document.root.iter().flat_map(references) {
            let name = reference.name.strip_suffix("@file").unwrap_or(&reference.name);
            let is_default = reference.kind == Kind::TlsOptions && name == "default";
            if name.contains('@') || name.is_empty() || is_default || self.has(reference.kind, name) {
                continue;
            }
            let message = format!("the {} `{name}` is missing: {fault}", what(reference.kind));
            let finding = Finding::new(severity, "missing_reference", message).at(&reference.path);
            findings.push(finding.on_line(reference.line));
        }
        findings
    }
}

/// Definitions that Traefik drops, because an earlier file has one of the same name.
pub(crate) fn shadowed(tree: &Tree) -> Vec<Finding> {
    let mut first: BTreeMap<(Kind, &str), &str> = BTreeMap::new();
    let mut findings = Vec::new();
    for file in &tree.files {
        for defined in &file.document.defined {
            let winner = *first.entry((defined.kind, &defined.name)).or_insert(&file.path);
            if winner != file.path {
                let what = what(defined.kind);
                let message = format!("Traefik drops this {what}, because `{winner}` defines one of the same name");
                let path = format!("{}.{}", defined.kind.place().join("."), defined.name);
                let finding = Finding::new(Severity::Warning, "shadowed", message).in_file(&file.path);
                findings.push(finding.at(&path).on_line(defined.line));
            }
        }
    }
    findings
}

/// What a kind is called in a sentence.
fn what(kind: Kind) -> &'static str {
    match kind {
        Kind::HttpRouter | Kind::TcpRouter | Kind::UdpRouter => "router",
        Kind::HttpService | Kind::TcpService | Kind::UdpService => "service",
        Kind::HttpMiddleware | Kind::TcpMiddleware => "middleware",
        Kind::HttpServersTransport | Kind::TcpServersTransport => "servers transport",
        Kind::TlsOptions => "set of TLS options",
        Kind::TlsStore => "TLS store",
    }
}
