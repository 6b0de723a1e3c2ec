//! Who else uses what a managed file defines: whoever does would break when the file goes.
//!
//! Pure: one snapshot in, sentences out.

use std::collections::BTreeSet;

use crate::api::{Service, Snapshot};
use crate::change::asked::{parts, qualified};

/// The names that a file defines, without provider.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    pub(crate) routers: BTreeSet<String>,
    pub(crate) services: BTreeSet<String>,
    pub(crate) middlewares: BTreeSet<String>,
}

/// One sentence for each use by something that the file does not define.
pub(crate) fn of(names: &Names, snapshot: &Snapshot) -> Vec<String> {
    let services: BTreeSet<String> = names.services.iter().map(|name| qualified(name)).collect();
    let middlewares: BTreeSet<String> = names.middlewares.iter().map(|name| qualified(name)).collect();
    let own: Vec<_> = names.routers.iter().flat_map(|name| parts(snapshot, name)).collect();
    let mut uses = Vec::new();
    for (full, router) in &snapshot.routers {
        if own.iter().any(|part| std::ptr::eq(*part, router)) {
            continue;
        }
        let service = within(&router.service, full);
        if services.contains(&service) {
            uses.push(format!("router `{full}` uses service `{service}`"));
        }
        for middleware in router.middlewares.iter().map(|name| within(name, full)) {
            if middlewares.contains(&middleware) {
                uses.push(format!("router `{full}` uses middleware `{middleware}`"));
            }
        }
    }
    for (full, service) in snapshot.services.iter().filter(|(full, _)| !services.contains(*full)) {
        for child in children(service).into_iter().map(|name| within(name, full)) {
            if services.contains(&child) {
                uses.push(format!("service `{full}` uses service `{child}`"));
            }
        }
    }
    for (full, middleware) in snapshot.middlewares.iter().filter(|(full, _)| !middlewares.contains(*full)) {
        let links = middleware.chain.iter().flat_map(|chain| &chain.middlewares);
        for link in links.map(|name| within(name, full)).filter(|link| middlewares.contains(link)) {
            uses.push(format!("middleware `{full}` uses middleware `{link}`"));
        }
        let pages = middleware.errors.iter().map(|errors| within(&errors.service, full));
        uses.extend(
            pages
                .filter(|service| services.contains(service))
                .map(|service| format!("middleware `{full}` uses service `{service}`")),
        );
    }
    uses.sort();
    uses.dedup();
    uses
}

/// The services that a service of services refers to, as written.
fn children(service: &Service) -> Vec<&str> {
    let shares = service.weighted.iter().chain(&service.highest_random_weight).flat_map(|weighted| &weighted.services);
    let mut names: Vec<&str> = shares.map(|share| share.name.as_str()).collect();
    if let Some(mirroring) = &service.mirroring {
        names.push(&mirroring.service);
        names.extend(mirroring.mirrors.iter().map(|mirror| mirror.name.as_str()));
    }
    if let Some(failover) = &service.failover {
        names.extend([failover.service.as_str(), failover.fallback.as_str()]);
    }
    names
}

/// A name without provider belongs to the provider of whoever uses it.
fn within(name: &str, user: &str) -> String {
    match (name.contains('@'), user.rsplit_once('@')) {
        (false, Some((_, provider))) => format!("{name}@{provider}"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(snapshot: serde_json::Value, expected: &[&str]) {
        let set = |name: &str| BTreeSet::from([name.to_owned()]);
        let names = Names { routers: set("mcp-a"), services: set("mcp-a"), middlewares: set("mcp-a-strip") };
        assert_eq!(of(&names, &serde_json::from_value(snapshot).unwrap()), expected);
    }

    #[test]
    fn own_routers_and_their_parts_are_no_users() {
        check(
            json!({"routers": {"mcp-a@file": {"service": "mcp-a", "entryPoints": ["web"], "middlewares": ["mcp-a-strip@file"]},
                "tls-mcp-a@file": {"service": "mcp-a", "entryPoints": ["tls"]}}}),
            &[],
        );
    }

    #[test]
    fn a_service_of_the_same_name_elsewhere_is_another_one() {
        check(json!({"routers": {"x@docker": {"service": "mcp-a"}}}), &[]);
    }

    #[test]
    fn routers_of_any_provider_are_users() {
        check(
            json!({"routers": {"b@file": {"service": "mcp-a"}, "c@docker": {"service": "c", "middlewares": ["mcp-a-strip@file"]}}}),
            &["router `b@file` uses service `mcp-a@file`", "router `c@docker` uses middleware `mcp-a-strip@file`"],
        );
    }

    #[test]
    fn services_of_services_and_chains_are_users() {
        check(
            json!({"services": {"w@file": {"weighted": {"services": [{"name": "mcp-a"}]}}, "m@docker": {"mirroring": {"service": "z",
                "mirrors": [{"name": "mcp-a@file"}]}}, "f@file": {"failover": {"service": "y", "fallback": "mcp-a"}}},
                "middlewares": {"ch@file": {"chain": {"middlewares": ["mcp-a-strip"]}}, "pages@file": {"errors": {"service": "mcp-a"}},
                "pages@docker": {"errors": {"service": "mcp-a"}}}}),
            &[
                "middleware `ch@file` uses middleware `mcp-a-strip@file`",
                "middleware `pages@file` uses service `mcp-a@file`",
                "service `f@file` uses service `mcp-a@file`",
                "service `m@docker` uses service `mcp-a@file`",
                "service `w@file` uses service `mcp-a@file`",
            ],
        );
    }
}
