//! The shard's own look at servers: a connection, and for HTTP a GET.
//!
//! Only servers of Traefik's own configuration can become a target; redirects are not followed,
//! answers are not read, and few probes run at a time.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use reqwest::redirect::Policy;
use rmcp::schemars::{self, JsonSchema};
use serde::Serialize;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use url::Url;

use super::Protocol;
use crate::api::install_crypto;

/// Probes that run at the same time.
const AT_ONCE: usize = 8;
/// Servers that one call probes.
pub(crate) const MOST: usize = 64;

/// What to try.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) enum Target {
    /// A connection and a GET.
    Get(Url),
    /// A connection only, to `host:port`.
    Connect(String),
    /// UDP, or an address that is none.
    #[default]
    Nothing,
}

impl Target {
    /// The target of a server as Traefik has it; `path` is that of its health check.
    pub(super) fn of(protocol: Protocol, place: &str, path: Option<&str>) -> Self {
        match (protocol, Url::parse(place)) {
            (Protocol::Http, Ok(url)) if matches!(url.scheme(), "http" | "https") && url.host().is_some() => Self::Get(
                path.and_then(|path| url.join(path).ok()).filter(|to| to.origin() == url.origin()).unwrap_or(url),
            ),
            (Protocol::Http, Ok(url)) if url.scheme() == "h2c" => match (url.host_str(), url.port()) {
                (Some(host), port) => Self::Connect(format!("{host}:{}", port.unwrap_or(80))),
                (None, _) => Self::Nothing,
            },
            (Protocol::Tcp, _) => Self::Connect(place.to_owned()),
            _ => Self::Nothing,
        }
    }
}

/// What the shard saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Seen {
    /// Whether the server took the connection and, for HTTP, answered with a status below 500.
    pub(crate) answers: bool,
    /// Such as `HTTP 200` or `connection refused`.
    pub(crate) detail: String,
    pub(crate) elapsed_ms: u64,
}

/// Tries every target once, `MOST` at most; those left out are not in the result.
/// When the call is dropped, so are its connections.
pub(crate) async fn all(targets: Vec<Target>, budget: Duration) -> HashMap<Target, Seen> {
    let mut seen = HashMap::new();
    // Without a client every probe would fail for a reason of ours.
    let Some(http) = client() else { return seen };
    let mut waiting = targets.into_iter().filter(|target| *target != Target::Nothing).take(MOST);
    let mut running = JoinSet::new();
    loop {
        while running.len() < AT_ONCE {
            let Some(target) = waiting.next() else { break };
            let http = http.clone();
            running.spawn(async move {
                let result = one(&http, &target, budget).await;
                (target, result)
            });
        }
        match running.join_next().await {
            Some(Ok((target, result))) => seen.insert(target, result),
            Some(Err(error)) => {
                tracing::warn!(%error, "a probe ended early");
                None
            }
            None => return seen,
        };
    }
}

/// A client without proxies, redirects and opinions on certificates: it asks whether somebody answers.
fn client() -> Option<reqwest::Client> {
    install_crypto();
    let built = reqwest::Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .pool_max_idle_per_host(0)
        .tls_danger_accept_invalid_certs(true)
        .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
        .build();
    built.inspect_err(|error| tracing::warn!(%error, "cannot set up the client of the probes")).ok()
}

async fn one(http: &reqwest::Client, target: &Target, budget: Duration) -> Seen {
    let begun = Instant::now();
    let result = timeout(budget, look(http, target)).await;
    let (answers, detail) = result.unwrap_or_else(|_| (false, format!("no answer within {budget:?}")));
    Seen { answers, detail, elapsed_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX) }
}

async fn look(http: &reqwest::Client, target: &Target) -> (bool, String) {
    match target {
        Target::Nothing => (false, "cannot be probed".into()),
        Target::Connect(address) => match TcpStream::connect(address.as_str()).await {
            Ok(_) => (true, "connected".into()),
            Err(error) => (false, error.to_string()),
        },
        Target::Get(url) => match http.get(url.clone()).send().await {
            Ok(response) => (response.status().as_u16() < 500, format!("HTTP {}", response.status().as_u16())),
            Err(error) => (false, crate::api::root_cause(&error)),
        },
    }
}
