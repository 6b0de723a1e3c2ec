//! What stands behind a service, and how it does: services of services are followed to their servers.
//!
//! Traefik calls every server up that nothing checks; here such a server is `unchecked`.

pub(crate) mod probe;
mod resolve;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use rmcp::schemars::{self, JsonSchema};
use serde::{Deserialize, Serialize};

pub(crate) use self::resolve::{Resolver, is_internal};
use crate::api::{HealthCheck, Service};

/// The three kinds of routers and services; a name may be taken in each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Protocol {
    Http,
    Tcp,
    Udp,
}

impl Protocol {
    /// As it is written in results and cursors.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// How a server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Health {
    Up,
    Down,
    /// Nothing checks it: it has no health check.
    Unchecked,
    /// It has a health check without a result: nothing uses it, or it could not be built.
    Unknown,
}

/// Who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Source {
    /// Traefik asks the server at an interval.
    HealthCheck,
    /// Traefik judges by the requests that it forwards.
    Passive,
    /// The shard tried it just now, from where the shard runs.
    Probe,
}

/// How a service does as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Summary {
    /// Traefik refuses it, or a service that it needs does not exist.
    Error,
    /// No server that could answer.
    Down,
    /// Some servers or children are down.
    Degraded,
    /// Nothing is known to be down, but nothing checks all of it.
    Unchecked,
    Healthy,
}

impl Summary {
    /// As it is written in results.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Down => "down",
            Self::Degraded => "degraded",
            Self::Unchecked => "unchecked",
            Self::Healthy => "healthy",
        }
    }
}

/// One server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct ServerState {
    /// The URL (HTTP) or address (TCP, UDP).
    pub(crate) url: String,
    pub(crate) status: Health,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<Source>,
    /// The service that lists it, where that is a child of the one asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) service: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) weight: Option<i64>,
    /// What the shard itself saw, if it was asked to look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) probe: Option<probe::Seen>,
    /// What the shard would try: never shown, because it may hold a user and a password.
    #[serde(skip)]
    pub(crate) target: probe::Target,
}

/// The part that a child has in its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// Answers a share of the requests.
    Share,
    /// Answers.
    Main,
    /// Gets copies; its answers are dropped.
    Mirror,
    /// Answers while the main service is down.
    Fallback,
}

/// A service behind a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct ChildState {
    pub(crate) name: String,
    pub(crate) role: Role,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) weight: Option<i64>,
    pub(crate) status: Summary,
}

/// One service with everything behind it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct ServiceState {
    /// The full name, such as `app@file`.
    pub(crate) name: String,
    pub(crate) protocol: Protocol,
    /// `loadbalancer`, `weighted`, `mirroring`, `failover`, `highestrandomweight`, `internal` or `missing`.
    #[serde(rename = "type")]
    pub(crate) kind: Cow<'static, str>,
    pub(crate) status: Summary,
    /// Of this service and all services behind it.
    pub(crate) servers: Vec<ServerState>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) children: Vec<ChildState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) health_check: Option<CheckState>,
    pub(crate) errors: Vec<String>,
    /// The routers that name it.
    pub(crate) used_by: Vec<String>,
}

/// How Traefik checks the servers of one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct CheckState {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) interval: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) timeout: Option<String>,
}

impl From<&HealthCheck> for CheckState {
    fn from(check: &HealthCheck) -> Self {
        Self { path: check.path.clone(), interval: check.interval.clone(), timeout: check.timeout.clone() }
    }
}

/// The kind of a service by the one field that it has; Traefik's own services have none.
pub(crate) fn kind_of(service: &Service) -> &'static str {
    match service {
        Service { load_balancer: Some(_), .. } => "loadbalancer",
        Service { weighted: Some(_), .. } => "weighted",
        Service { mirroring: Some(_), .. } => "mirroring",
        Service { failover: Some(_), .. } => "failover",
        Service { highest_random_weight: Some(_), .. } => "highestrandomweight",
        _ => "internal",
    }
}

/// A name as seen from `caller`: one without `@` is of the caller's own provider.
pub(crate) fn qualified(name: &str, caller: &str) -> String {
    match (name.contains('@'), provider_of(caller)) {
        (false, provider) if !provider.is_empty() => format!("{name}@{provider}"),
        _ => name.to_owned(),
    }
}

/// What follows the last `@` of a full name.
pub(crate) fn provider_of(full: &str) -> &str {
    full.rsplit_once('@').map_or("", |(_, provider)| provider)
}

/// How a whole does of which every part has its share.
pub(crate) fn together(parts: impl IntoIterator<Item = Summary>) -> Summary {
    let parts: Vec<Summary> = parts.into_iter().collect();
    let all = |wanted: &[Summary]| parts.iter().all(|part| wanted.contains(part));
    if parts.is_empty() {
        Summary::Down
    } else if all(&[Summary::Error]) {
        Summary::Error
    } else if all(&[Summary::Error, Summary::Down]) {
        Summary::Down
    } else if parts.iter().any(|part| *part < Summary::Unchecked) {
        Summary::Degraded
    } else {
        parts.into_iter().min().unwrap_or(Summary::Down)
    }
}
