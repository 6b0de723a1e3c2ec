//! `instances: exclusive` and `per_session` (DESIGN D2): who has which child, and for how long.

mod asleep;
mod exclusive;
mod lives;
mod per_session;

use std::collections::BTreeSet;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::{Gateway, Legacy, eventually};

async fn open(gateway: &Gateway, capabilities: Value) -> Legacy {
    Legacy::open_as(gateway, "/mcp", "2025-11-25", capabilities).await.0
}

/// The child that answers this client.
async fn child(client: &mut Legacy) -> u64 {
    client.call("fake__whoami", json!({})).await["structuredContent"]["pid"].as_u64().unwrap()
}

/// The process ids of all children that serve.
async fn pids(gateway: &Gateway) -> BTreeSet<u64> {
    let shard = gateway.shard("fake").await;
    let others = shard["other_pids"].as_array().cloned().unwrap_or_default();
    others.iter().chain([&shard["pid"]]).filter_map(Value::as_u64).collect()
}

/// Waits until so many children serve.
async fn until_children(gateway: &Gateway, count: usize) -> BTreeSet<u64> {
    let what = format!("{count} children serve; log:\n{}", gateway.log());
    eventually(&what, async || Some(pids(gateway).await).filter(|pids| pids.len() == count)).await
}

fn kill(pid: u64) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
}
