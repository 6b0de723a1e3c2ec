//! From a service to its servers, through all the services between.
//!
//! No service is visited twice on one way down, so that a circle ends; depth, visits, servers and
//! errors are bounded.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use super::probe::{Seen, Target};
use super::{
    ChildState, Health, Protocol, Role, ServerState, ServiceState, Source, Summary, kind_of, provider_of, qualified,
    together,
};
use crate::api::{LoadBalancer, Service, Snapshot};
use crate::redact;

/// Deeper than any sensible nesting.
const DEPTH: usize = 16;
/// Services that are visited for one report: children may share children, which multiplies.
const VISITS: usize = 1000;
/// Servers that one report names.
const SERVERS: usize = 512;
/// Errors that one report names.
const ERRORS: usize = 32;

/// Looks services up in one snapshot.
pub(crate) struct Resolver<'a> {
    snapshot: &'a Snapshot,
    /// What the shard saw itself.
    seen: HashMap<Target, Seen>,
}

/// How the walk came to a service.
struct Way {
    above: Vec<String>,
    visits_left: usize,
}

/// A child before it was looked at.
struct Child<'a> {
    name: &'a str,
    role: Role,
    weight: Option<i64>,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(snapshot: &'a Snapshot) -> Self {
        Self { snapshot, seen: HashMap::new() }
    }

    /// The same with what the shard saw: it decides where Traefik does not know.
    pub(crate) fn with_probes(self, seen: HashMap<Target, Seen>) -> Self {
        Self { seen, ..self }
    }

    /// All services of one protocol.
    pub(crate) fn services(&self, protocol: Protocol) -> &'a BTreeMap<String, Service> {
        match protocol {
            Protocol::Http => &self.snapshot.services,
            Protocol::Tcp => &self.snapshot.tcp_services,
            Protocol::Udp => &self.snapshot.udp_services,
        }
    }

    /// The service of that full name, with everything behind it; a missing one is an error state.
    pub(crate) fn resolve(&self, protocol: Protocol, full: &str) -> ServiceState {
        self.visit(protocol, full, &mut Way { above: Vec::new(), visits_left: VISITS })
    }

    fn visit(&self, protocol: Protocol, full: &str, way: &mut Way) -> ServiceState {
        let Some(service) = self.services(protocol).get(full) else {
            return failed(protocol, full, "missing", format!("the service `{full}` does not exist"));
        };
        let kind = kind_of(service);
        if way.above.iter().any(|above| above == full) {
            return failed(protocol, full, kind, format!("the service `{full}` leads back to itself"));
        }
        if way.above.len() >= DEPTH || way.visits_left == 0 {
            return failed(
                protocol,
                full,
                kind,
                format!("the service `{full}` lies behind too many others to be followed"),
            );
        }
        way.visits_left -= 1;
        let mut state = ServiceState {
            name: full.to_owned(),
            protocol,
            kind: Cow::Borrowed(kind),
            status: Summary::Healthy,
            servers: Vec::new(),
            children: Vec::new(),
            health_check: None,
            errors: service.error.iter().map(|error| redact::text(error)).collect(),
            used_by: service.used_by.clone(),
        };
        if let Some(balancer) = &service.load_balancer {
            state.servers = self.servers(protocol, service, balancer);
            state.health_check = balancer.health_check.as_ref().map(Into::into);
        } else {
            way.above.push(full.to_owned());
            self.visit_children(service, &mut state, way);
            way.above.pop();
        }
        if state.servers.is_empty() && kind == "loadbalancer" {
            state.errors.push("it has no servers: every request fails".into());
        }
        state.status = state.judge();
        if service.status == "disabled" || !service.error.is_empty() {
            state.status = Summary::Error;
        }
        state
    }

    fn servers(&self, protocol: Protocol, service: &Service, balancer: &LoadBalancer) -> Vec<ServerState> {
        let check_path = balancer.health_check.as_ref().and_then(|check| check.path.as_deref());
        let listed = balancer.servers.iter().take(SERVERS);
        let state = listed.map(|server| {
            let target = Target::of(protocol, server.place(), check_path);
            let probe = self.seen.get(&target).cloned();
            let (mut status, mut source) = health(service, balancer, server.place());
            if let (Health::Unchecked | Health::Unknown, Some(seen)) = (status, &probe) {
                status = if seen.answers { Health::Up } else { Health::Down };
                source = Some(Source::Probe);
            }
            let (url, weight) = (redact::text(server.place()), server.weight);
            ServerState { url, status, source, service: None, weight, probe, target }
        });
        state.collect()
    }

    fn visit_children(&self, service: &'a Service, state: &mut ServiceState, way: &mut Way) {
        for child in children(service) {
            let full = qualified(child.name, &state.name);
            let below = self.visit(state.protocol, &full, way);
            for error in below.errors {
                let error =
                    if error.contains('`') || error.contains(": ") { error } else { format!("{full}: {error}") };
                if state.errors.len() < ERRORS && !state.errors.contains(&error) {
                    state.errors.push(error);
                }
            }
            let room = SERVERS.saturating_sub(state.servers.len());
            state.servers.extend(below.servers.into_iter().take(room).map(|mut server| {
                server.service.get_or_insert_with(|| full.clone());
                server
            }));
            state.children.push(ChildState {
                name: full,
                role: child.role,
                weight: child.weight,
                status: below.status,
            });
        }
    }
}

impl ServiceState {
    /// The summary that follows from the servers, or from the children if there are any.
    fn judge(&self) -> Summary {
        let of = |role| self.children.iter().filter(move |child| child.role == role).map(|child| child.status);
        match &*self.kind {
            "internal" => Summary::Healthy,
            "missing" => Summary::Error,
            "loadbalancer" => together(self.servers.iter().map(|server| match server.status {
                Health::Up => Summary::Healthy,
                Health::Down => Summary::Down,
                Health::Unchecked | Health::Unknown => Summary::Unchecked,
            })),
            "failover" => match (together(of(Role::Main)), together(of(Role::Fallback))) {
                (main @ (Summary::Healthy | Summary::Unchecked | Summary::Degraded), _) => main,
                (main, Summary::Down | Summary::Error) => main,
                _ => Summary::Degraded,
            },
            // A mirror's answers are dropped: without it the service is poorer, but it answers.
            "mirroring" => match (together(of(Role::Main)), of(Role::Mirror).min()) {
                (Summary::Healthy | Summary::Unchecked, Some(Summary::Down | Summary::Error)) => Summary::Degraded,
                (main, _) => main,
            },
            // A share of nothing gets no requests.
            _ => together(self.children.iter().filter(|child| child.weight != Some(0)).map(|child| child.status)),
        }
    }
}

fn failed(protocol: Protocol, full: &str, kind: &'static str, error: String) -> ServiceState {
    ServiceState {
        name: full.to_owned(),
        protocol,
        kind: Cow::Borrowed(kind),
        status: Summary::Error,
        servers: Vec::new(),
        children: Vec::new(),
        health_check: None,
        errors: vec![error],
        used_by: Vec::new(),
    }
}

fn children(service: &Service) -> Vec<Child<'_>> {
    let child = |name, role, weight| Child { name, role, weight };
    let mut all = Vec::new();
    for weighted in [&service.weighted, &service.highest_random_weight].into_iter().flatten() {
        all.extend(weighted.services.iter().map(|share| child(share.name.as_str(), Role::Share, share.weight)));
    }
    if let Some(mirroring) = &service.mirroring {
        all.push(child(&mirroring.service, Role::Main, None));
        all.extend(mirroring.mirrors.iter().map(|mirror| child(mirror.name.as_str(), Role::Mirror, mirror.percent)));
    }
    if let Some(failover) = &service.failover {
        all.push(child(&failover.service, Role::Main, None));
        all.push(child(&failover.fallback, Role::Fallback, None));
    }
    all
}

fn health(service: &Service, balancer: &LoadBalancer, place: &str) -> (Health, Option<Source>) {
    let source = match (&balancer.health_check, &balancer.passive_health_check) {
        (Some(_), _) => Some(Source::HealthCheck),
        (None, Some(_)) => Some(Source::Passive),
        (None, None) => None,
    };
    let told = service.server_status.get(place).map(String::as_str);
    match (source, told) {
        (Some(_), Some("UP")) => (Health::Up, source),
        (_, Some("DOWN")) => (Health::Down, source),
        (Some(_), _) => (Health::Unknown, None),
        (None, _) => (Health::Unchecked, None),
    }
}

/// Whether a service is Traefik's own.
pub(crate) fn is_internal(full: &str) -> bool {
    provider_of(full) == "internal"
}
