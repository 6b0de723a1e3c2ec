//! `get_backend_status`: which servers behind which services are up, down or unchecked.
//!
//! The worst comes first, and what Traefik merely assumes is never called up.

use std::collections::BTreeMap;
use std::time::Duration;

use rmcp::schemars::{self, JsonSchema};
use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::api::{Router, Snapshot};
use crate::backends::{Health, Protocol, Resolver, ServiceState, Source, Summary, is_internal, probe, qualified};
use crate::failure::{Code, Failure};
use crate::parts::Parts;
use crate::server::Context;

/// Services in one report.
const SERVICES: usize = 200;
/// Services that the text names.
const LINES: usize = 20;
const TIMEOUT_MS: u64 = 2000;
const PROTOCOLS: [Protocol; 3] = [Protocol::Http, Protocol::Tcp, Protocol::Udp];

/// The arguments of `get_backend_status`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Arguments {
    /// Only this service, such as `app@file` or `app`.
    service: Option<String>,
    /// Only the service of this route, such as `app@file`, `app` or the name of a managed route.
    route: Option<String>,
    /// Leave out services that are healthy or unchecked.
    only_unhealthy: bool,
    /// Let the shard itself try the servers, at most 64 of them: a connection and a GET.
    probe: bool,
    /// How long one probe may take, from 100 to 5000 milliseconds; 2000 by default.
    #[schemars(range(min = 100, max = 5000))]
    timeout_ms: Option<u64>,
}

/// What `get_backend_status` reports.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Report {
    /// The worst first.
    services: Vec<ServiceState>,
    /// How many services were looked at.
    total: usize,
    /// How many of them do how: `healthy`, `degraded`, `down`, `unchecked`, `error`.
    counts: BTreeMap<&'static str, usize>,
    /// How many servers the shard tried itself.
    probed: usize,
    notes: Vec<String>,
}

/// Runs the tool.
pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<Answer<Report>, Failure> {
    let timeout_ms = arguments.timeout_ms.unwrap_or(TIMEOUT_MS);
    if !(100..=5000).contains(&timeout_ms) {
        let message = format!("`timeout_ms` is {timeout_ms}");
        return Err(Failure::new(Code::InvalidInput, message, "give 100 to 5000 milliseconds"));
    }
    let snapshot = context.api.raw().await?;
    let prefix = &context.settings.name_prefix;
    let mut states = chosen(&Resolver::new(&snapshot), &snapshot, &arguments, prefix)?;
    let mut probed = 0;
    if arguments.probe {
        let seen = probe::all(targets(&states), Duration::from_millis(timeout_ms)).await;
        probed = seen.len();
        states = chosen(&Resolver::new(&snapshot).with_probes(seen), &snapshot, &arguments, prefix)?;
    }
    Ok(answer(states, &arguments, probed))
}

/// The services that the arguments ask for, with everything behind them.
fn chosen(
    resolver: &Resolver<'_>,
    snapshot: &Snapshot,
    arguments: &Arguments,
    prefix: &str,
) -> Result<Vec<ServiceState>, Failure> {
    let wanted = match (&arguments.service, &arguments.route) {
        (Some(_), Some(_)) => {
            let message = "both `service` and `route` are given";
            return Err(Failure::new(Code::InvalidInput, message, "give one of them"));
        }
        (Some(name), None) => {
            let all = PROTOCOLS.into_iter().flat_map(|protocol| {
                resolver.services(protocol).keys().map(move |full| (protocol, full.as_str(), full.clone()))
            });
            named("service", name, prefix, &all.collect::<Vec<_>>())?
        }
        (None, Some(name)) => {
            let all = PROTOCOLS.into_iter().flat_map(|protocol| {
                let routers = routers(snapshot, protocol);
                // Only HTTP routers have parts, which go by the name that the configuration gives the whole.
                let parts = if protocol == Protocol::Http { Parts::of(routers) } else { Parts::default() };
                let service = |(full, router): (&'_ String, &Router)| qualified(&router.service, full);
                let names = routers.iter().flat_map(move |(full, router)| {
                    let whole = parts.whole(full);
                    let names = [Some(full.as_str()), (whole != full).then_some(whole)];
                    names.into_iter().flatten().map(move |name| (protocol, name, service((full, router))))
                });
                names.collect::<Vec<_>>()
            });
            let mut found = named("route", name, prefix, &all.collect::<Vec<_>>())?;
            found.sort();
            found.dedup();
            found
        }
        (None, None) => PROTOCOLS
            .into_iter()
            .flat_map(|protocol| resolver.services(protocol).keys().map(move |full| (protocol, full.clone())))
            .filter(|(_, full)| !is_internal(full))
            .collect(),
    };
    Ok(wanted.into_iter().map(|(protocol, full)| resolver.resolve(protocol, &full)).collect())
}

fn routers(snapshot: &Snapshot, protocol: Protocol) -> &BTreeMap<String, Router> {
    match protocol {
        Protocol::Http => &snapshot.routers,
        Protocol::Tcp => &snapshot.tcp_routers,
        Protocol::Udp => &snapshot.udp_routers,
    }
}

/// The services of all candidates that are called `name`: in full, without the provider, or without
/// the prefix of managed names. The first of these ways that finds anything counts.
fn named(
    what: &str,
    name: &str,
    prefix: &str,
    candidates: &[(Protocol, &str, String)],
) -> Result<Vec<(Protocol, String)>, Failure> {
    let bare = |full: &str| full.rsplit_once('@').map_or(full, |(bare, _)| bare).to_owned();
    let managed = format!("{prefix}{name}");
    let ways: [&dyn Fn(&str) -> bool; 3] =
        [&|full| full == name, &|full| bare(full) == name, &|full| bare(full) == managed];
    for way in ways {
        let found: Vec<_> = candidates.iter().filter(|(_, full, _)| way(full)).collect();
        if !found.is_empty() {
            return Ok(found.into_iter().map(|(protocol, _, service)| (*protocol, service.clone())).collect());
        }
    }
    let mut near: Vec<(f64, &str)> =
        candidates.iter().map(|(_, full, _)| (strsim::jaro_winkler(&bare(full), name), *full)).collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    let near: Vec<&str> = near.into_iter().take(3).map(|(_, full)| full).collect();
    let hint = match near.is_empty() {
        true => format!("Traefik has no {what} at all"),
        false => format!("the nearest names are {}", near.join(", ")),
    };
    Err(Failure::new(Code::NotFound, format!("Traefik has no {what} `{name}`"), hint).with("nearest", near))
}

/// Each server once, in the order of the services.
fn targets(states: &[ServiceState]) -> Vec<probe::Target> {
    let mut targets = Vec::new();
    let servers = states.iter().flat_map(|state| &state.servers);
    for server in servers.filter(|server| server.target != probe::Target::Nothing) {
        if targets.len() < probe::MOST && !targets.contains(&server.target) {
            targets.push(server.target.clone());
        }
    }
    targets
}

fn answer(mut states: Vec<ServiceState>, arguments: &Arguments, probed: usize) -> Answer<Report> {
    let total = states.len();
    let mut counts = BTreeMap::new();
    for state in &states {
        *counts.entry(state.status.name()).or_insert(0) += 1;
    }
    if arguments.only_unhealthy {
        states.retain(|state| state.status < Summary::Unchecked);
    }
    // A stable sort: within one status the names keep their order.
    states.sort_by_key(|state| state.status);
    let notes = notes(&states, arguments, probed);
    states.truncate(SERVICES);
    let mut text = match counts.is_empty() {
        true => "Traefik has no services but its own.".to_owned(),
        false => {
            let counts: Vec<String> = counts.iter().map(|(status, count)| format!("{count} {status}")).collect();
            format!("{total} {}: {}.", if total == 1 { "service" } else { "services" }, counts.join(", "))
        }
    };
    states.iter().take(LINES).for_each(|state| text.push_str(&line(state)));
    if states.len() > LINES {
        text.push_str(&format!("\nand {} more", states.len() - LINES));
    }
    notes.iter().for_each(|note| text.push_str(&format!("\nNote: {note}.")));
    Answer { text, body: Report { services: states, total, counts, probed, notes } }
}

fn notes(states: &[ServiceState], arguments: &Arguments, probed: usize) -> Vec<String> {
    let servers = || states.iter().flat_map(|state| &state.servers);
    let mut notes = Vec::new();
    if states.len() > SERVICES {
        notes.push(format!(
            "{} services are left out; ask for one `service`, or with `only_unhealthy`",
            states.len() - SERVICES
        ));
    }
    if servers().any(|server| server.status == Health::Unchecked) {
        notes.push(
            "`unchecked` servers have no health check, so Traefik calls them up whatever they do; `probe` tries them"
                .into(),
        );
    }
    if servers().any(|server| server.source == Some(Source::HealthCheck) && server.status == Health::Up) {
        notes.push("after each reload Traefik calls every server up until its first check, one interval long".into());
    }
    if arguments.probe {
        notes.push(format!(
            "{probed} servers were tried from where this shard runs; Traefik's own view of the network may differ"
        ));
        let left = servers().filter(|server| server.target != probe::Target::Nothing && server.probe.is_none()).count();
        if left > 0 {
            notes.push(format!("{left} servers were not tried: one call tries {} at most", probe::MOST));
        }
    }
    notes
}

/// One line, such as `app@file (http loadbalancer): degraded, servers: 1 up, 1 down; down: http://…`.
fn line(state: &ServiceState) -> String {
    let of = |health| state.servers.iter().filter(move |server| server.status == health);
    let mut line = format!("\n{} ({} {}): {}", state.name, state.protocol.name(), state.kind, state.status.name());
    let healths =
        [(Health::Up, "up"), (Health::Down, "down"), (Health::Unchecked, "unchecked"), (Health::Unknown, "unknown")];
    let counts = healths.map(|(health, name)| (of(health).count(), name));
    let counts: Vec<_> = counts.iter().filter(|(count, _)| *count > 0).map(|(n, name)| format!("{n} {name}")).collect();
    if !counts.is_empty() {
        line.push_str(&format!(", servers: {}", counts.join(", ")));
    }
    let down: Vec<&str> = of(Health::Down).take(5).map(|server| server.url.as_str()).collect();
    if !down.is_empty() {
        line.push_str(&format!("; down: {}", down.join(", ")));
    }
    if let Some(error) = state.errors.first() {
        line.push_str(&format!("; {error}"));
    }
    line
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn snapshot() -> Snapshot {
        serde_json::from_value(json!({
            "routers": {"mcp-blog@file": {"service": "mcp-blog"}, "app@docker": {"service": "half@file"}},
            "tcpRouters": {"db@file": {"service": "db"}},
            "services": {
                "mcp-blog@file": {"loadBalancer": {"servers": [{"url": "http://10.0.0.1"}]}},
                "half@file": {
                    "loadBalancer": {"servers": [{"url": "http://10.0.0.2"}], "healthCheck": {}},
                    "serverStatus": {"http://10.0.0.2": "DOWN"}
                },
                "api@internal": {}
            },
            "tcpServices": {"db@file": {"loadBalancer": {"servers": [{"address": "10.0.0.3:5432"}]}}}
        }))
        .unwrap()
    }

    fn names(arguments: &Arguments) -> Result<Vec<String>, Failure> {
        let snapshot = snapshot();
        let states = chosen(&Resolver::new(&snapshot), &snapshot, arguments, "mcp-")?;
        Ok(answer(states, arguments, 0).body.services.into_iter().map(|state| state.name).collect())
    }

    #[test]
    fn all_services_but_traefiks_own_come_worst_first() {
        assert_eq!(names(&Arguments::default()).unwrap(), ["half@file", "mcp-blog@file", "db@file"]);
        let unhealthy = Arguments { only_unhealthy: true, ..Arguments::default() };
        assert_eq!(names(&unhealthy).unwrap(), ["half@file"]);
    }

    #[test]
    fn services_and_routes_are_found_in_full_bare_and_without_the_prefix() {
        for (name, expected) in
            [("mcp-blog@file", "mcp-blog@file"), ("mcp-blog", "mcp-blog@file"), ("blog", "mcp-blog@file")]
        {
            let service = Arguments { service: Some(name.into()), ..Arguments::default() };
            assert_eq!(names(&service).unwrap(), [expected]);
            let route = Arguments { route: Some(name.into()), ..Arguments::default() };
            assert_eq!(names(&route).unwrap(), [expected]);
        }
        let route = Arguments { route: Some("app".into()), ..Arguments::default() };
        assert_eq!(names(&route).unwrap(), ["half@file"]);
        let tcp = Arguments { route: Some("db".into()), ..Arguments::default() };
        assert_eq!(names(&tcp).unwrap(), ["db@file"]);
    }

    #[test]
    fn unknown_names_are_refused_with_the_nearest() {
        let typo = Arguments { service: Some("haf".into()), ..Arguments::default() };
        let failure = names(&typo).unwrap_err();
        assert_eq!(failure.code(), Code::NotFound);
        assert!(failure.to_string().contains("half@file"), "{failure}");
        let both = Arguments { service: Some("a".into()), route: Some("a".into()), ..Arguments::default() };
        assert_eq!(names(&both).unwrap_err().code(), Code::InvalidInput);
    }

    #[test]
    fn text_names_what_is_down_and_what_nothing_checks() {
        let snapshot = snapshot();
        let arguments = Arguments::default();
        let states = chosen(&Resolver::new(&snapshot), &snapshot, &arguments, "mcp-").unwrap();
        let text = answer(states, &arguments, 0).text;
        assert!(text.starts_with("3 services: 1 down, 2 unchecked."), "{text}");
        assert!(text.contains("half@file (http loadbalancer): down, servers: 1 down; down: http://10.0.0.2"), "{text}");
        assert!(text.contains("`unchecked` servers have no health check"), "{text}");
    }
}
