//! What does not agree: files with what is live, files with one another, rules with one another.
//!
//! Warnings are bounded; what is left out is counted.

use std::collections::{BTreeMap, BTreeSet};

use super::files::{Files, router_kind};
use super::{Live, View};
use crate::backends::{Protocol, provider_of};
use crate::document::Kind;
use crate::finding::{Finding, Severity};
use crate::redact;

/// Warnings in one answer.
const MOST: usize = 50;

/// All warnings, those that concern writing first.
pub(crate) fn warnings(view: &View<'_>) -> Vec<Finding> {
    let mut all = Vec::new();
    if let Some(files) = view.files {
        broken(files, &mut all);
        not_live(view, files, &mut all);
        without_file(view, files, &mut all);
        shadowed(files, &mut all);
    }
    duplicates(view, &mut all);
    let left = all.len().saturating_sub(MOST);
    if left > 0 {
        all.truncate(MOST);
        all.push(warning("more", format!("{left} more warnings are left out")));
    }
    all
}

fn warning(code: &str, message: impl Into<String>) -> Finding {
    Finding::new(Severity::Warning, code, message)
}

fn broken(files: &Files, all: &mut Vec<Finding>) {
    for cause in files.tree.breaking() {
        let message = format!(
            "{}; while a file is broken Traefik takes over no change of any file, and a restart loses all of them",
            redact::text(&cause.message)
        );
        all.push(Finding { severity: Severity::Warning, code: "tree_broken".into(), message, ..cause });
    }
}

/// Managed files whose routers Traefik does not have.
fn not_live(view: &View<'_>, files: &Files, all: &mut Vec<Finding>) {
    let of_files = view.routers().filter(|live| provider_of(live.full) == "file");
    let live: BTreeSet<(Kind, &str)> = of_files
        .flat_map(|live| {
            let whole = live.full.strip_suffix("@file").unwrap_or(live.full);
            [(router_kind(live.protocol), whole), (router_kind(live.protocol), live.bare())]
        })
        .collect();
    for file in &files.tree.files {
        if files.managed_name(&file.path).is_none() {
            continue;
        }
        let routers = [Protocol::Http, Protocol::Tcp, Protocol::Udp].map(router_kind);
        for defined in file.document.defined.iter().filter(|defined| routers.contains(&defined.kind)) {
            if !live.contains(&(defined.kind, defined.name.as_str())) {
                let message = format!(
                    "the router `{}` is not live: Traefik has not noticed the file or cannot load it; `reload_config` tells",
                    defined.name
                );
                all.push(warning("not_live", message).in_file(&file.path).on_line(defined.line));
            }
        }
    }
}

/// Routers with a managed name that no file defines.
fn without_file(view: &View<'_>, files: &Files, all: &mut Vec<Finding>) {
    for live in view.routers().filter(|live| provider_of(live.full) == "file") {
        if live.bare().starts_with(view.prefix) && files.of_router(live).is_none() {
            let message = format!(
                "the router `{}` is live, but no file defines it: Traefik has not noticed that its file is gone, or \
                 watches another directory; `reload_config` tells",
                live.full
            );
            all.push(warning("no_file", message));
        }
    }
}

fn shadowed(files: &Files, all: &mut Vec<Finding>) {
    for (kind, name, places) in files.shadowed() {
        let [(first, first_line), others @ ..] = places.as_slice() else { continue };
        for (file, line) in others {
            let message = format!(
                "the {} `{name}` is ignored: {first}:{first_line} defines one of that name and comes first",
                kind_name(kind)
            );
            all.push(warning("shadowed", message).in_file(file).on_line(*line));
        }
    }
}

/// Routers of which Traefik may choose either, because rule, priority and entry point are the same.
fn duplicates(view: &View<'_>, all: &mut Vec<Finding>) {
    let mut seen: BTreeMap<_, Vec<Live<'_>>> = BTreeMap::new();
    for live in view.routers() {
        let router = live.router;
        if router.rule.is_empty() || router.status == "disabled" {
            continue;
        }
        let same = seen.entry((live.protocol, router.rule.trim(), router.priority, view.does_tls(live))).or_default();
        let shared = same.iter().find_map(|other| {
            let entry = router.using.iter().find(|entry| other.router.using.contains(entry))?;
            Some((other.full, entry))
        });
        if let Some((other, entry)) = shared {
            let message = format!(
                "`{}` and `{other}` have the same rule and priority on entry point `{entry}`: which one answers is not defined",
                live.full
            );
            all.push(warning("duplicate_rule", message));
        }
        same.push(live);
    }
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::HttpRouter => "HTTP router",
        Kind::HttpService => "HTTP service",
        Kind::HttpMiddleware => "HTTP middleware",
        Kind::HttpServersTransport => "HTTP servers transport",
        Kind::TcpRouter => "TCP router",
        Kind::TcpService => "TCP service",
        Kind::TcpMiddleware => "TCP middleware",
        Kind::TcpServersTransport => "TCP servers transport",
        Kind::UdpRouter => "UDP router",
        Kind::UdpService => "UDP service",
        Kind::TlsOptions => "TLS options",
        Kind::TlsStore => "TLS store",
    }
}
