//! What happens to shards while they are called: children are killed, files are changed.
//!
//! Invariant: it ends when it is dropped, and leaves every shard with a file that works.

use std::time::Duration;

use fastrand::Rng;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::time::sleep;

use super::Rigged;
use super::book::Book;
use crate::support::Gateway;

/// The time between two evils.
const PAUSE: Duration = Duration::from_millis(150);

/// Kills a child or changes a file, again and again.
pub(super) async fn rage(gateway: &Gateway, shards: &[Rigged], book: &Book, seed: u64) {
    let mut rng = Rng::with_seed(seed);
    for round in 0.. {
        sleep(PAUSE).await;
        let shard = &shards[rng.usize(..shards.len())];
        if rng.u8(..3) == 0 {
            gateway.write_shard(&shard.name, &format!("{}env: {{ ROUND: \"{round}\" }}\n", shard.text));
            book.count("files changed");
        } else {
            let entry = gateway.shard(&shard.name).await;
            let others = entry["other_pids"].as_array().cloned().unwrap_or_default();
            let pids: Vec<_> = others.iter().chain([&entry["pid"]]).filter_map(Value::as_i64).collect();
            let pid = rng.choice(pids).and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
            // It may have ended by itself since.
            if pid.is_some_and(|pid| kill_process(pid, Signal::KILL).is_ok()) {
                book.count("children killed");
            }
        }
    }
}
