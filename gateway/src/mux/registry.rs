//! The registry of shards as `/health` shows it.
//!
//! Invariant: no secrets. stderr and errors were masked when they were read.

use serde::Serialize;
use tokio::time::Instant;

use super::failure::retry_in;
use crate::catalogue::Catalogue;
use crate::fleet::{Absence, Trouble, View, World};
use crate::shard::roster::List;
use crate::shard::{STDERR_SHOWN, Shard, ShardState};

/// One moment of the gateway, for people and programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Registry {
    /// `ok`, or `degraded` if there are problems or a shard is down.
    pub status: &'static str,
    /// The gateway's version.
    pub version: &'static str,
    /// Seconds since the gateway started.
    pub uptime_s: u64,
    /// Every shard that has a file and is in the view.
    pub shards: Vec<Entry>,
    /// Everything of them that a person should mend.
    pub problems: Vec<Trouble>,
    /// Every enabled shard has been ready, or has failed, once.
    #[serde(skip)]
    pub ready: bool,
}

/// One shard.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// `ready`, `starting`, `backoff`, `draining`, `asleep`, `disabled` or `invalid`.
    pub state: &'static str,
    /// `legacy` or `modern`, once known.
    pub era: Option<&'static str>,
    /// The revision agreed on, once known.
    pub revision: Option<String>,
    /// The child's process id while it serves.
    pub pid: Option<u32>,
    /// The process ids of its other children that serve, where `instances` wants more than one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_pids: Vec<u32>,
    /// How often it was started again.
    pub restarts: u64,
    /// Seconds until it is started again.
    pub next_retry_s: Option<u64>,
    /// How it ended last.
    pub last_error: Option<String>,
    /// Its last lines on stderr.
    pub stderr_tail: Vec<String>,
    /// How many tools are exposed.
    pub tools: usize,
    /// How many prompts are exposed.
    pub prompts: usize,
    /// How many resources and templates are exposed.
    pub resources: usize,
    /// Calls under way.
    pub in_flight: usize,
    /// Calls of clients that speak 2026-07-28 which wait for the answers to what the shard has asked.
    pub parked: usize,
    /// Calls so far.
    pub calls: u64,
    /// Calls without an answer of the shard.
    pub failed: u64,
    /// Questions of the shard that a client was asked.
    pub asked: u64,
    /// Questions of the shard that were declined, because not exactly one client could be asked.
    pub declined: u64,
}

pub(super) fn registry(world: &World, view: &View, started: Instant) -> Registry {
    let seen = world.seen(view);
    let running = world.shards.iter().filter(|(name, _)| view.includes(name.as_str()));
    let running = running.map(|(name, shard)| entry(world, &seen, name.as_str(), shard));
    let absent =
        world.absent.iter().filter(|(name, _)| !world.shards.contains_key(*name) && view.includes(name.as_str()));
    let absent = absent.map(|(name, absence)| {
        let state = match absence {
            Absence::Disabled(_) => "disabled",
            Absence::Invalid => "invalid",
        };
        Entry { name: name.to_string(), state, ..Entry::default() }
    });
    let mut shards: Vec<Entry> = running.chain(absent).collect();
    shards.sort_by(|one, other| one.name.cmp(&other.name));
    let problems = world.troubles(view);
    let tried = |shard: &Entry| matches!(shard.state, "ready" | "backoff" | "asleep" | "disabled" | "invalid");
    // None are known before the folder has been read.
    let ready = world.ready || (!shards.is_empty() && shards.iter().all(tried));
    // A shard that crashes again and again is between two tries most of the time.
    let down = shards.iter().any(|shard| match shard.state {
        "backoff" => true,
        "starting" => shard.last_error.is_some(),
        _ => false,
    });
    Registry {
        status: if down || !problems.is_empty() { "degraded" } else { "ok" },
        version: env!("CARGO_PKG_VERSION"),
        uptime_s: started.elapsed().as_secs(),
        shards,
        problems,
        ready,
    }
}

fn entry(world: &World, seen: &Catalogue, name: &str, shard: &Shard) -> Entry {
    let listed = world.offers.get(name).is_some_and(|offer| offer.known.live);
    let (state, live) = match &*shard.state.borrow() {
        ShardState::Starting => ("starting", None),
        // Not before its tools are listed: who waits for it may rely on them.
        ShardState::Ready(_) if !listed => ("starting", None),
        ShardState::Ready(live) => ("ready", Some(live.clone())),
        ShardState::Backoff { .. } => ("backoff", None),
        ShardState::Asleep => ("asleep", None),
        ShardState::Draining | ShardState::Stopped => ("draining", None),
    };
    let roster = shard.known.borrow().as_ref().map(|known| known.roster.clone());
    let others = shard.others();
    let offered = |list| seen.offered(name, list);
    Entry {
        name: name.to_owned(),
        state,
        era: roster.as_ref().map(|roster| roster.era().as_str()),
        revision: roster.as_ref().map(|roster| roster.revision.clone()),
        pid: live.as_ref().map(|live| live.pid),
        other_pids: others.iter().map(|child| child.pid).collect(),
        restarts: shard.stats.restarts(),
        next_retry_s: retry_in(shard),
        last_error: shard.stats.last_ended().map(|ended| ended.to_string()),
        stderr_tail: shard.stderr.last(STDERR_SHOWN),
        tools: offered(List::Tools),
        prompts: offered(List::Prompts),
        resources: offered(List::Resources) + offered(List::Templates),
        in_flight: live
            .iter()
            .map(|live| live.link.in_flight().0)
            .chain(others.iter().map(|child| child.in_flight))
            .sum(),
        parked: 0,
        calls: shard.stats.calls(),
        failed: shard.stats.failed(),
        asked: shard.stats.asked(),
        declined: shard.stats.declined(),
    }
}
