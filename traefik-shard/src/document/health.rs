//! Services that hear of the health of others, and those that cannot tell them.
//!
//! Traefik disables every router that uses one which listens to a service without a health check. Only
//! services of the same document are looked at.

use super::Kind;
use super::node::{Entry, Node};
use crate::finding::{Finding, Severity};

/// The kinds of services that stand for others.
const COMPOSITES: [&str; 4] = ["weighted", "highestRandomWeight", "mirroring", "failover"];

/// What is wrong with the services of a document that was decoded.
pub(super) fn check(root: &Node) -> Vec<Finding> {
    let services = root.find(&Kind::HttpService.place()).map(Node::entries).unwrap_or_default();
    services.iter().flat_map(|service| listens_in_vain(service, services)).collect()
}

fn listens_in_vain(service: &Entry, all: &[Entry]) -> Vec<Finding> {
    let is_silent = |name: &str| {
        let name = name.strip_suffix("@file").unwrap_or(name);
        all.iter().find(|other| other.key == name).is_some_and(|other| !is_checked(&other.value))
    };
    let silent = heard(&service.value).into_iter().filter(|(name, _, _)| is_silent(name));
    let finding = |(name, field, line): (&str, &str, u32)| {
        let message = format!(
            "`{}` needs to know how `{name}` does, but that has no `healthCheck`; Traefik disables every router that \
             uses `{}`; add one to `{name}`",
            service.key, service.key
        );
        let path = format!("{}.{}.{field}", Kind::HttpService.place().join("."), service.key);
        Finding::new(Severity::Error, "no_health_check", message).at(&path).on_line(line)
    };
    silent.map(finding).collect()
}

/// Whether the service tells others how it does; a passive check does not count.
fn is_checked(service: &Node) -> bool {
    ["loadBalancer"].iter().chain(&COMPOSITES).any(|kind| service.find(&[kind, "healthCheck"]).is_some())
}

/// The services that this one listens to: name, field and line. A mirroring one passes on what it is told.
fn heard<'a>(service: &'a Node) -> Vec<(&'a str, &'static str, u32)> {
    let has_check = |kind: &str| service.find(&[kind, "healthCheck"]).is_some();
    let mut names: Vec<(&'a Node, &'static str)> = Vec::new();
    let mut hear = |node: Option<&'a Node>, field| names.extend(node.map(|node| (node, field)));
    hear(service.find(&["failover", "service"]), "failover.service");
    if has_check("failover") {
        hear(service.find(&["failover", "fallback"]), "failover.fallback");
    }
    for (kind, field) in [("weighted", "weighted.services"), ("highestRandomWeight", "highestRandomWeight.services")] {
        let members = service.find(&[kind, "services"]).map(Node::items).unwrap_or_default();
        for member in members.iter().filter(|_| has_check(kind)) {
            hear(member.get("name"), field);
        }
    }
    names.into_iter().filter_map(|(node, field)| Some((node.text()?, field, node.line))).collect()
}
