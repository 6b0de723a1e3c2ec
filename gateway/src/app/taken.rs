//! Whether a gateway that runs has taken a shard file which a command has just written.
//!
//! Invariant: the file is there whatever comes of this; nothing here makes a command fail.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::output::plain;
use super::peer::{Running, Whereabouts, find};
use super::threads;
use crate::config::ShardName;

/// A gateway sees a new file at once, or after two seconds with `--watch poll`.
const NOTICED: Duration = Duration::from_secs(5);
/// A first start may have to download a server.
const STARTED: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(100);

/// A gateway that answers, and the shards that it has had before.
#[derive(Debug)]
pub(super) struct Follower {
    running: Running,
    before: BTreeSet<String>,
}

/// Finds the gateway, before any file is written; calls `write`, and tells how the gateway has taken the shards that `write`
/// says it has written.
///
/// # Errors
/// Those of `write`.
pub(super) fn follow(
    whereabouts: &Whereabouts,
    write: impl FnOnce() -> anyhow::Result<Vec<ShardName>>,
) -> anyhow::Result<String> {
    let Ok(runtime) = threads::runtime(1) else { return write().map(|_| String::new()) };
    runtime.block_on(async {
        let follower = Follower::find(whereabouts).await;
        let names = tokio::task::block_in_place(write)?;
        let mut told = String::new();
        let begun = Instant::now();
        match follower {
            Some(follower) => {
                for name in &names {
                    told += &follower.tell(name, begun).await;
                }
            }
            None if names.is_empty() => {}
            None => told += "No gateway answers here; `mcp-gateway` starts one.\n",
        }
        Ok(told)
    })
}

impl Follower {
    async fn find(whereabouts: &Whereabouts) -> Option<Self> {
        let running = find(whereabouts).await.ok()?;
        let registry = running.registry().await.ok()?;
        let names = registry["shards"].as_array()?.iter().filter_map(|shard| shard["name"].as_str());
        Some(Self { before: names.map(ToOwned::to_owned).collect(), running })
    }

    /// Waits until the gateway has tried the shard, and tells how that went.
    async fn tell(&self, name: &ShardName, begun: Instant) -> String {
        let (url, name) = (self.running.address.shown(), name.as_str());
        // What it has known before comes from another folder.
        let mut state = None;
        while !self.before.contains(name) && begun.elapsed() < if state.is_none() { NOTICED } else { STARTED } {
            let registry = self.running.registry().await.unwrap_or_default();
            state = registry["shards"].as_array().into_iter().flatten().find(|shard| shard["name"] == *name).cloned();
            match state.as_ref().and_then(|shard| shard["state"].as_str()) {
                None | Some("starting") => sleep(PAUSE).await,
                Some(_) => break,
            }
        }
        match state {
            None => format!("The gateway at {url} has not taken `{name}`; it follows another folder, or none.\n"),
            Some(shard) => format!("The gateway at {url} has taken it: {}\n", outcome(name, &shard)),
        }
    }
}

/// How a shard is, in one sentence.
fn outcome(name: &str, shard: &Value) -> String {
    let count = |key: &str| shard[key].as_u64().unwrap_or_default();
    let ended = shard["last_error"].as_str().map(|error| format!(", {}", plain(error))).unwrap_or_default();
    match shard["state"].as_str().unwrap_or_default() {
        "ready" => {
            let (tools, prompts, resources) = (count("tools"), count("prompts"), count("resources"));
            format!("`{name}` is ready, tools: {tools}, prompts: {prompts}, resources: {resources}.")
        }
        "starting" => format!("`{name}` is still starting{ended}; `mcp-gateway status` tells more."),
        "backoff" => format!("`{name}` does not run{ended}; `mcp-gateway status` tells more."),
        other => format!("`{name}` is {}.", plain(other)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn how_a_shard_is_stands_in_one_sentence() {
        let check = |shard: Value, expected: &str| assert_eq!(outcome("a", &shard), expected);
        check(
            json!({"state": "ready", "tools": 2, "prompts": 0, "resources": 1, "last_error": "old"}),
            "`a` is ready, tools: 2, prompts: 0, resources: 1.",
        );
        let down = json!({"state": "backoff", "last_error": "it ended with exit status: 3"});
        check(down, "`a` does not run, it ended with exit status: 3; `mcp-gateway status` tells more.");
        check(json!({"state": "starting"}), "`a` is still starting; `mcp-gateway status` tells more.");
        check(json!({"state": "disabled"}), "`a` is disabled.");
    }
}
