//! Finds the gateway that runs here, for the commands that ask one.
//!
//! Invariant: what is found has answered as a gateway does; whatever else listens at a port is not taken for one.

mod address;
pub(crate) mod company;
mod events;
mod http;
mod message;
mod mirrored;
mod own;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;

pub use self::address::Address;
pub use self::company::Company;
pub(crate) use self::company::Peer;
pub(crate) use self::events::{Events, LONGEST};
pub(crate) use self::http::{Fault, Http, PROTOCOL_VERSION, broken, is_stream, modern_headers};
pub(crate) use self::message::{Heard, Notices, Question};
pub(crate) use self::mirrored::argument_headers;
pub(crate) use self::own::{Own, Wanted};
use crate::shard::keeper::inventory::{self, Condition};

/// Where a gateway listens if nobody says anything.
pub(super) const DEFAULT: &str = "http://127.0.0.1:9100";
/// How long a gateway may take to say that it lives.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long a page may take.
const PAGE: Duration = Duration::from_secs(10);
/// A ledger folder may name many gateways; no more of them are asked.
const MOST: usize = 16;

/// What is known of where a gateway may run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Whereabouts {
    /// Its address as a person has given it; then no other is tried.
    pub url: Option<Address>,
    /// Where a gateway that was started with the same variables listens (`MCP_GATEWAY_LISTEN`).
    pub listen: Option<String>,
    /// The state folder whose ledgers name the gateways that run.
    pub state_dir: Option<PathBuf>,
}

/// A gateway that has answered.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) address: Address,
    pub(crate) http: Http,
}

impl Running {
    /// Every shard and every problem.
    pub(crate) async fn registry(&self) -> anyhow::Result<Value> {
        let asked = tokio::time::timeout(PAGE, self.http.get(&self.address.page("health"))).await;
        let asked = asked.with_context(|| format!("no answer within {}", humantime::format_duration(PAGE)));
        let body = asked.and_then(|body| Ok(body?));
        let body = body.with_context(|| format!("cannot read `{}/health`", self.address.shown()))?;
        serde_json::from_slice(&body).context("the registry is no JSON; is the gateway of another version?")
    }
}

/// Why there is no gateway to ask.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoGateway {
    /// Nobody answers at the address that was given.
    #[error("no gateway answers at `{url}`: {why}; start it with `mcp-gateway`, or give another address with `--url`")]
    Silent { url: String, why: String },
    /// No address was given, and none of those that are likely is a gateway's.
    #[error("no gateway answers here; start one with `mcp-gateway`, or say where it is with `--url` (asked: {0})")]
    Nowhere(String),
    /// The client itself cannot be set up.
    #[error("cannot set up the HTTP client: {0}")]
    Client(String),
}

/// Finds the running gateway: at the address that was given, else where the variables of a gateway say that it listens, where
/// the ledgers of the state folder say, or at the default address. Each is asked for a sign of life.
///
/// # Errors
/// [`NoGateway`] says where it was looked for. With [`NoGateway::Nowhere`] nobody has said that there must be one.
pub(crate) async fn find(whereabouts: &Whereabouts) -> Result<Running, NoGateway> {
    if let Some(address) = &whereabouts.url {
        return match knock(address).await? {
            Ok(http) => Ok(Running { address: address.clone(), http }),
            Err(why) => Err(NoGateway::Silent { url: address.shown(), why }),
        };
    }
    let mut asked = Vec::new();
    for address in candidates(whereabouts) {
        if let Ok(http) = knock(&address).await? {
            return Ok(Running { address, http });
        }
        asked.push(address.shown());
    }
    Err(NoGateway::Nowhere(asked.join(", ")))
}

/// Finds it within [`PATIENCE`] in all, as a health check must.
pub(crate) async fn lives(whereabouts: &Whereabouts) -> Result<Running, NoGateway> {
    let late = |_| NoGateway::Nowhere(format!("no answer within {}", humantime::format_duration(PATIENCE)));
    tokio::time::timeout(PATIENCE, find(whereabouts)).await.map_err(late)?
}

/// The places where a gateway may listen, each once, the likeliest first.
fn candidates(whereabouts: &Whereabouts) -> Vec<Address> {
    let ledgers = whereabouts.state_dir.as_deref().map(doors).unwrap_or_default();
    let listen = whereabouts.listen.as_deref().and_then(address::of_listener);
    let mut found: Vec<Address> = Vec::new();
    for text in listen.into_iter().chain(ledgers).chain([DEFAULT.to_owned()]) {
        if let Ok(address) = Address::read(&text)
            && !found.contains(&address)
        {
            found.push(address);
        }
    }
    found
}

/// The addresses of the gateways that run with this state folder.
pub(super) fn doors(state_dir: &Path) -> Vec<String> {
    // A folder that cannot be read names no gateway; the default address is still asked.
    let found = inventory::look(state_dir).unwrap_or_default();
    let running = found.gateways.into_iter().filter(|gateway| gateway.state == Condition::Running);
    running.map(|gateway| gateway.door).filter(|door| door.starts_with("http://")).take(MOST).collect()
}

/// Asks for a sign of life; says why there is none.
async fn knock(address: &Address) -> Result<Result<Http, String>, NoGateway> {
    let http = Http::new(address).map_err(|error| NoGateway::Client(error.to_string()))?;
    let answer = tokio::time::timeout(PATIENCE, http.get(&address.page("livez"))).await;
    Ok(match answer {
        Err(_) => Err(format!("no answer within {}", humantime::format_duration(PATIENCE))),
        Ok(Err(error)) => Err(error.to_string()),
        Ok(Ok(body)) if body.as_ref() == b"ok\n" => Ok(http),
        Ok(Ok(_)) => Err("what answers there is no mcp-gateway".to_owned()),
    })
}
