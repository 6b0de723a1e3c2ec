//! Names that are taken.
//!
//! Traefik keeps the first definition of a name in its order of files and drops the others with
//! nothing but a line in its log, so a name is never shared, whatever the caller allows.

use super::{Conflict, Kind};
use crate::api::Snapshot;
use crate::document;
use crate::parts::parts;
use crate::route::Built;
use crate::tree::Tree;

/// The names of ours that somebody else has defined, in the tree or live.
pub(super) fn find(built: &Built, live: &Snapshot, tree: &Tree, own_file: &str) -> Vec<Conflict> {
    let redirect = built.redirect.as_ref().map(|redirect| redirect.router.as_str());
    let routers = std::iter::once(built.router.as_str()).chain(redirect);
    let middlewares = built.middlewares.iter().map(String::as_str);
    let wanted = routers
        .map(|name| (document::Kind::HttpRouter, name))
        .chain([(document::Kind::HttpService, built.service.as_str())])
        .chain(middlewares.map(|name| (document::Kind::HttpMiddleware, name)));
    wanted
        .filter_map(|(kind, name)| in_files(kind, name, tree, own_file).or_else(|| drifted(kind, name, live, tree)))
        .collect()
}

fn in_files(kind: document::Kind, name: &str, tree: &Tree, own_file: &str) -> Option<Conflict> {
    let definitions = tree.definitions(kind, name);
    let (file, line) = definitions.iter().find(|(file, _)| file.path != own_file)?;
    let noun = noun(kind);
    let outcome = if is_before(own_file, &file.path) {
        format!("ours is read first, so theirs would be dropped without an error and its {noun} replaced by ours")
    } else {
        "theirs is read first, so ours would be dropped without an error".to_owned()
    };
    Some(conflict(
        name,
        Some(file.path.clone()),
        format!(
            "the {noun} `{name}` is defined in {}, line {line}; {outcome}; choose another name for the route",
            file.path
        ),
    ))
}

/// Whether Traefik reads the first path before the second: by the bytes of the names, one folder at a time.
fn is_before(one: &str, two: &str) -> bool {
    one.split('/').map(str::as_bytes).lt(two.split('/').map(str::as_bytes))
}

/// A definition that Traefik has, of the file provider, but no file that we can see.
fn drifted(kind: document::Kind, name: &str, live: &Snapshot, tree: &Tree) -> Option<Conflict> {
    let full = format!("{name}@file");
    let is_live = match kind {
        document::Kind::HttpRouter => !parts(live, name).is_empty(),
        document::Kind::HttpService => live.services.contains_key(&full),
        _ => live.middlewares.contains_key(&full),
    };
    if !is_live || !tree.definitions(kind, name).is_empty() {
        return None;
    }
    let noun = noun(kind);
    let message = format!(
        "Traefik has a {noun} `{full}`, but no file here defines it: the directory may be another one than Traefik's, or a change was not noticed; see reload_config, or choose another name"
    );
    Some(conflict(name, None, message))
}

fn conflict(name: &str, file: Option<String>, message: String) -> Conflict {
    Conflict {
        kind: Kind::Name,
        blocking: true,
        route: format!("{name}@file"),
        provider: "file".into(),
        file,
        rule: None,
        priority: None,
        entry_points: Vec::new(),
        message,
        allowed_by: None,
    }
}

fn noun(kind: document::Kind) -> &'static str {
    match kind {
        document::Kind::HttpRouter => "router",
        document::Kind::HttpService => "service",
        _ => "middleware",
    }
}
