//! Names across files: what refers to nothing, and what is defined twice.
//!
//! Neither freezes Traefik; the first disables a router, the second silently drops a definition.

use std::collections::BTreeMap;

use super::Tree;
use crate::document::{Document, Kind, references};
use crate::finding::{Finding, Severity};

/// References of these documents to names that nothing defines, neither they nor the tree.
///
/// Only names of the file provider are looked up; `tree` is `None` where no directory is known.
pub(crate) fn resolve(documents: &[&Document], tree: Option<&Tree>) -> Vec<Finding> {
    let defines = |document: &Document, kind: Kind, name: &str| {
        document.defined.iter().any(|defined| defined.kind == kind && defined.name == name)
    };
    let is_known = |kind: Kind, name: &str| {
        let elsewhere = tree.is_some_and(|tree| !tree.definitions(kind, name).is_empty());
        elsewhere || documents.iter().any(|document| defines(document, kind, name))
    };
    let mut findings = Vec::new();
    for document in documents {
        let Some(root) = &document.root else { continue };
        for reference in references(root) {
            let name = reference.name.strip_suffix("@file").unwrap_or(&reference.name);
            let is_default = reference.kind == Kind::TlsOptions && name == "default";
            if name.contains('@') || name.is_empty() || is_default || is_known(reference.kind, name) {
                continue;
            }
            let (severity, where_) = match tree {
                Some(_) => {
                    (Severity::Error, "no file of the watched directory defines it, so Traefik disables what uses it")
                }
                None => (Severity::Warning, "this document does not define it; another file must"),
            };
            let what = what(reference.kind);
            let message = format!("the {what} `{name}` is missing: {where_}");
            let finding = Finding::new(severity, "missing_reference", message).at(&reference.path);
            findings.push(finding.on_line(reference.line));
        }
    }
    findings
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
pub(crate) fn what(kind: Kind) -> &'static str {
    match kind {
        Kind::HttpRouter | Kind::TcpRouter | Kind::UdpRouter => "router",
        Kind::HttpService | Kind::TcpService | Kind::UdpService => "service",
        Kind::HttpMiddleware | Kind::TcpMiddleware => "middleware",
        Kind::HttpServersTransport | Kind::TcpServersTransport => "servers transport",
        Kind::TlsOptions => "set of TLS options",
        Kind::TlsStore => "TLS store",
    }
}
