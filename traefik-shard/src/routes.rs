//! Traefik's routers as a person thinks of them: hosts, paths, servers, and the file behind each.
//!
//! Everything here is computed from one snapshot and one reading of the tree; nothing does IO.

mod drift;
mod files;
mod host;
mod select;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeMap;

use rmcp::schemars::{self, JsonSchema};
use serde::Serialize;

pub(crate) use self::drift::warnings;
pub(crate) use self::files::Files;
pub(crate) use self::select::{Filter, ProtocolFilter, StatusFilter, select};
pub(crate) use self::text::summary;
use crate::api::{EntryPoint, Router, Snapshot};
use crate::backends::{Health, Protocol, Resolver, Summary, provider_of, qualified};
use crate::cut::cut;
use crate::parts::Parts;
use crate::redact;
use crate::rule::{self, Rule};

/// The longest rule and error of a route, in characters: one route must not fill a model's context.
const LONGEST: usize = 4096;
/// The most hosts and path prefixes of a route.
const NAMED: usize = 100;
/// The most errors of a route.
const ERRORS: usize = 10;

/// Servers that a route names; `get_backend_status` names all.
const SERVERS: usize = 10;

/// One router.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RouteState {
    /// The full name, such as `app@file`.
    pub(crate) name: String,
    pub(crate) protocol: Protocol,
    pub(crate) provider: String,
    /// Whether `create_route` made it, so that `delete_route` may delete it.
    pub(crate) managed: bool,
    /// The name that `create_route` and `delete_route` know it by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) managed_name: Option<String>,
    /// The router that Traefik made this one from, for one entry point.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) part_of: Option<String>,
    /// The file that defines it, relative to the directory that Traefik watches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    /// One of more than 4,096 characters is cut, and ends in `…` then.
    pub(crate) rule: String,
    /// The hosts that the rule names, wildcards included; the first 100.
    pub(crate) hosts: Vec<String>,
    /// The first 100.
    pub(crate) path_prefixes: Vec<String>,
    /// The entry points that it asks for.
    pub(crate) entry_points: Vec<String>,
    /// The entry points that it is attached to.
    pub(crate) using: Vec<String>,
    /// The full name of the service.
    pub(crate) service: String,
    pub(crate) service_type: String,
    pub(crate) service_status: Summary,
    /// The servers behind the service, through all services between.
    pub(crate) servers: Vec<RouteServer>,
    /// How many more servers there are.
    #[serde(skip_serializing_if = "is_none")]
    pub(crate) servers_left_out: usize,
    pub(crate) tls: TlsState,
    pub(crate) middlewares: Vec<String>,
    pub(crate) priority: Option<i64>,
    /// `enabled`, `warning` or `disabled`.
    pub(crate) status: String,
    pub(crate) errors: Vec<String>,
}

/// A server, and how it does.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RouteServer {
    pub(crate) url: String,
    pub(crate) status: Health,
}

/// How a route does TLS.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct TlsState {
    /// By its own settings, or by those of an entry point.
    pub(crate) enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cert_resolver: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) options: Option<String>,
    /// TCP only: the backend does TLS.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) passthrough: bool,
}

/// A router where it stands in the snapshot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Live<'a> {
    pub(crate) protocol: Protocol,
    pub(crate) full: &'a str,
    /// The full name that the configuration gives it, where it is a part of a router.
    pub(crate) whole: &'a str,
    pub(crate) router: &'a Router,
}

/// What all routes are seen with.
pub(crate) struct View<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) entry_points: &'a [EntryPoint],
    /// None where no directory is configured or it cannot be read.
    pub(crate) files: Option<&'a Files>,
    /// What managed names begin with.
    pub(crate) prefix: &'a str,
}

impl<'a> View<'a> {
    /// All routers, by protocol and name.
    pub(crate) fn routers(&self) -> impl Iterator<Item = Live<'a>> + use<'a> {
        let parts = Parts::of(&self.snapshot.routers);
        let http = self.snapshot.routers.iter().map(move |(full, router)| Live {
            protocol: Protocol::Http,
            full,
            whole: parts.whole(full),
            router,
        });
        let of = |protocol, routers: &'a BTreeMap<String, Router>| {
            routers.iter().map(move |(full, router)| Live { protocol, full, whole: full, router })
        };
        http.chain(of(Protocol::Tcp, &self.snapshot.tcp_routers)).chain(of(Protocol::Udp, &self.snapshot.udp_routers))
    }

    /// The managed name, if it is a managed route. Without a tree the prefix decides.
    pub(crate) fn managed_name(&self, live: Live<'_>) -> Option<String> {
        if provider_of(live.full) != "file" {
            return None;
        }
        match self.files {
            Some(files) => files.managed_name(files.of_router(live)?).map(str::to_owned),
            None => live.bare().strip_prefix(self.prefix).map(str::to_owned),
        }
    }

    /// Whether requests must come over TLS.
    pub(crate) fn does_tls(&self, live: Live<'_>) -> bool {
        let by_entry_point = |entry: &EntryPoint| entry.http.tls.is_some() && live.router.using.contains(&entry.name);
        live.router.tls.is_some() || (live.protocol == Protocol::Http && self.entry_points.iter().any(by_entry_point))
    }

    /// Everything about one router.
    pub(crate) fn describe(&self, live: Live<'_>, resolver: &Resolver<'_>) -> RouteState {
        let router = live.router;
        let service = qualified(&router.service, live.full);
        let behind = resolver.resolve(live.protocol, &service);
        let parsed = live.parsed();
        let managed_name = self.managed_name(live);
        let tls = router.tls.as_ref();
        RouteState {
            name: live.full.to_owned(),
            protocol: live.protocol,
            provider: provider_of(live.full).to_owned(),
            managed: managed_name.is_some(),
            managed_name,
            part_of: (live.whole != live.full).then(|| live.whole.to_owned()),
            file: self.files.and_then(|files| files.of_router(live)).map(str::to_owned),
            rule: cut(&redact::text(&router.rule), LONGEST),
            hosts: first(parsed.as_ref().map(Rule::hosts)),
            path_prefixes: first(parsed.as_ref().map(Rule::path_prefixes)),
            entry_points: router.entry_points.clone(),
            using: router.using.clone(),
            service,
            service_type: behind.kind.into_owned(),
            service_status: behind.status,
            servers_left_out: behind.servers.len().saturating_sub(SERVERS),
            servers: (behind.servers.into_iter().take(SERVERS))
                .map(|server| RouteServer { url: server.url, status: server.status })
                .collect(),
            tls: TlsState {
                enabled: self.does_tls(live),
                cert_resolver: tls.and_then(|tls| tls.cert_resolver.clone()),
                options: tls.and_then(|tls| tls.options.clone()),
                passthrough: tls.is_some_and(|tls| tls.passthrough),
            },
            middlewares: router.middlewares.clone(),
            priority: router.priority,
            status: router.status.clone(),
            errors: router.error.iter().take(ERRORS).map(|error| cut(&redact::text(error), LONGEST)).collect(),
        }
    }
}

fn first(names: Option<Vec<String>>) -> Vec<String> {
    let mut names = names.unwrap_or_default();
    names.truncate(NAMED);
    names
}

impl<'a> Live<'a> {
    /// The name in the file.
    pub(crate) fn bare(&self) -> &'a str {
        self.whole.rsplit_once('@').map_or(self.whole, |(name, _)| name)
    }

    /// The rule, where it is one that is understood here.
    fn parsed(&self) -> Option<Rule> {
        let protocol = match self.protocol {
            Protocol::Http => rule::Protocol::Http,
            Protocol::Tcp => rule::Protocol::Tcp,
            Protocol::Udp => return None,
        };
        if self.router.rule_syntax.as_deref() == Some("v2") {
            return None;
        }
        rule::parse(&self.router.rule, protocol).ok()
    }
}

fn is_none(count: &usize) -> bool {
    *count == 0
}
