//! The parts of Traefik's API answers that the tools need.
//!
//! Unknown fields never fail, and what may be missing or null has a default: a newer Traefik only
//! adds. Values that may be secret, such as a middleware's options, are not read into these types.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};

/// Everything that Traefik knows, at one moment; the names are full, such as `app@file`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Snapshot {
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) routers: BTreeMap<String, Router>,
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) services: BTreeMap<String, Service>,
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) middlewares: BTreeMap<String, Middleware>,
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) tcp_routers: BTreeMap<String, Router>,
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) tcp_services: BTreeMap<String, Service>,
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) tcp_middlewares: BTreeMap<String, Middleware>,
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) udp_routers: BTreeMap<String, Router>,
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) udp_services: BTreeMap<String, Service>,
}

/// A router of any protocol; TCP and UDP have fewer fields.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Router {
    /// What the configuration asks for, or all default entry points.
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) entry_points: Vec<String>,
    /// Full names.
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) middlewares: Vec<String>,
    /// As written: without `@` it is of the router's own provider.
    pub(crate) service: String,
    pub(crate) rule: String,
    pub(crate) rule_syntax: Option<String>,
    /// None or 0 where the router was never built.
    #[serde(deserialize_with = "lenient_priority")]
    pub(crate) priority: Option<i64>,
    pub(crate) tls: Option<RouterTls>,
    /// `enabled`, `warning` or `disabled`.
    pub(crate) status: String,
    /// The entry points that it is really attached to.
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) using: Vec<String>,
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) error: Vec<String>,
}

/// How a router, or all routers of an entry point, do TLS.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RouterTls {
    pub(crate) options: Option<String>,
    pub(crate) cert_resolver: Option<String>,
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) domains: Vec<Domain>,
    /// TCP only: the backend does TLS.
    pub(crate) passthrough: bool,
}

/// Names that a certificate is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Domain {
    pub(crate) main: String,
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) sans: Vec<String>,
}

/// A service of any protocol; Traefik's own ones, such as `api@internal`, have no kind.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Service {
    pub(crate) load_balancer: Option<LoadBalancer>,
    pub(crate) weighted: Option<Weighted>,
    pub(crate) highest_random_weight: Option<Weighted>,
    pub(crate) mirroring: Option<Mirroring>,
    pub(crate) failover: Option<Failover>,
    pub(crate) status: String,
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) error: Vec<String>,
    /// Routers only, full names.
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) used_by: Vec<String>,
    /// `UP` or `DOWN` by server; empty where Traefik built no balancer.
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) server_status: BTreeMap<String, String>,
}

/// Servers behind one service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct LoadBalancer {
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) servers: Vec<Server>,
    pub(crate) strategy: Option<String>,
    /// Present where Traefik asks the servers; without it they count as up for ever.
    pub(crate) health_check: Option<HealthCheck>,
    /// Present where Traefik judges the servers by the traffic.
    pub(crate) passive_health_check: Option<PassiveHealthCheck>,
    pub(crate) pass_host_header: Option<bool>,
    pub(crate) servers_transport: Option<String>,
}

/// One server: HTTP has a URL, TCP and UDP an address.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Server {
    pub(crate) url: Option<String>,
    pub(crate) address: Option<String>,
    pub(crate) weight: Option<i64>,
}

impl Server {
    /// The URL or the address, which is also the key in `server_status`.
    pub(crate) fn place(&self) -> &str {
        self.url.as_deref().or(self.address.as_deref()).unwrap_or_default()
    }
}

/// How Traefik asks a server whether it is well; header values are left out.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct HealthCheck {
    pub(crate) path: Option<String>,
    pub(crate) interval: Option<String>,
    pub(crate) timeout: Option<String>,
}

/// When Traefik takes a server out because of failed requests.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PassiveHealthCheck {
    pub(crate) failure_window: Option<String>,
}

/// A service of services, each with a share.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Weighted {
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) services: Vec<Share>,
}

/// A child of a weighted service; its name is qualified by the parent's provider.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Share {
    pub(crate) name: String,
    pub(crate) weight: Option<i64>,
}

/// A service that answers, and others that get copies.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Mirroring {
    pub(crate) service: String,
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) mirrors: Vec<Mirror>,
}

/// One that gets copies.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Mirror {
    pub(crate) name: String,
    pub(crate) percent: Option<i64>,
}

/// A service, and the one that answers while it is down.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Failover {
    pub(crate) service: String,
    pub(crate) fallback: String,
}

/// A middleware without its options, which may hold secrets.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Middleware {
    pub(crate) chain: Option<Chain>,
    /// The pages that it shows come from a service.
    pub(crate) errors: Option<Errors>,
    pub(crate) status: String,
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) error: Vec<String>,
    /// Routers only, full names.
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) used_by: Vec<String>,
}

/// Middlewares that a chain calls; their names are qualified by the chain's provider.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Chain {
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) middlewares: Vec<String>,
}

/// Where error pages come from; the name is qualified by the middleware's provider.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Errors {
    pub(crate) service: String,
}

/// Where Traefik listens.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct EntryPoint {
    pub(crate) name: String,
    /// Such as `:443` or `127.0.0.1:53/udp`.
    pub(crate) address: String,
    pub(crate) as_default: bool,
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) http: EntryPointHttp,
}

/// What an entry point adds to its HTTP routers.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct EntryPointHttp {
    /// Present: its routers do TLS without saying so.
    pub(crate) tls: Option<RouterTls>,
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) middlewares: Vec<String>,
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) redirections: Redirections,
}

/// Where an entry point sends everything.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Redirections {
    pub(crate) entry_point: Option<RedirectTo>,
}

/// The other entry point.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RedirectTo {
    pub(crate) to: String,
    pub(crate) scheme: Option<String>,
}

/// Which Traefik this is.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Version {
    #[serde(rename = "Version")]
    pub(crate) version: String,
    /// When the process began: another value is another process.
    #[serde(rename = "startDate", default)]
    pub(crate) start_date: Option<String>,
}

/// A certificate that Traefik has loaded.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Certificate {
    pub(crate) common_name: String,
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) sans: Vec<String>,
    /// RFC 3339.
    pub(crate) not_before: String,
    /// RFC 3339.
    pub(crate) not_after: String,
    pub(crate) serial_number: String,
    #[serde(rename = "issuerCN")]
    pub(crate) issuer_cn: String,
    pub(crate) issuer_org: Option<String>,
    pub(crate) key_type: String,
    pub(crate) signature_algorithm: String,
    /// SHA-256 of the leaf, in hex; also its name.
    pub(crate) cert_fingerprint: String,
    /// `enabled`, `warning` (less than 30 days) or `expired`.
    pub(crate) status: String,
}

/// Traefik writes null for some empty lists and maps.
pub(super) fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Priorities go up to the largest i64; what lies beyond, as a lossy proxy may make it, is cut.
fn lenient_priority<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    struct Priority;

    impl<'de> Visitor<'de> for Priority {
        type Value = Option<i64>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a priority")
        }

        fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
            Ok(Some(number))
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
            Ok(Some(i64::try_from(number).unwrap_or(i64::MAX)))
        }

        fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
    }

    deserializer.deserialize_any(Priority)
}
