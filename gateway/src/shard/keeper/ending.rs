//! Ends processes that are ours: asked first, then killed, until none is left.
//!
//! Invariant: it looks again after each round, because a process may start another while it is being ended, and it is
//! bounded in time. It blocks.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tracing::warn;

use crate::shard::keeper::family::Claim;
use crate::shard::os;
use crate::shard::os::table::{Seen, all_marked};

/// How long a killed process is waited for.
const DYING: Duration = Duration::from_secs(1);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// What was found and what became of it.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    /// All that were ended, as they were when they were found.
    pub(crate) ended: Vec<Seen>,
    /// Those that would not go.
    pub(crate) left: Vec<Seen>,
}

/// Ends all that `claims` hold and that started at `since` or later. They have `grace` between SIGTERM and SIGKILL.
pub(crate) fn end(claims: &[Claim], since: u64, grace: Duration) -> Ending {
    let begun = Instant::now();
    let mut asked = BTreeSet::new();
    let mut killed = BTreeSet::new();
    let mut ended: Vec<Seen> = Vec::new();
    loop {
        let all = all_marked(since);
        let found: BTreeSet<_> = claims.iter().flat_map(|claim| claim.over(&all)).map(|seen| seen.id).collect();
        let left: Vec<Seen> = all.into_iter().filter(|seen| found.contains(&seen.id)).collect();
        if left.is_empty() || begun.elapsed() > grace + DYING {
            ended.retain(|seen| left.iter().all(|other| other.id != seen.id));
            return Ending { ended, left };
        }
        for seen in left {
            if begun.elapsed() >= grace {
                if killed.insert(seen.id) {
                    send(&seen, Signal::KILL);
                }
            } else if !asked.contains(&seen.id) {
                send(&seen, Signal::TERM);
            }
            if asked.insert(seen.id) {
                ended.push(seen);
            }
        }
        sleep(PAUSE);
    }
}

fn send(seen: &Seen, signal: Signal) {
    if let Err(error) = os::signal(seen.id, signal) {
        let error = &error as &dyn std::error::Error;
        warn!(pid = seen.id.pid, program = seen.name, error, "a process of a shard cannot be ended");
    }
}
