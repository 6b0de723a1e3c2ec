//! A shard that is as bad as it can be: behind two shells, deaf to the end of its input and to SIGTERM, with a grandchild
//! in its group that holds its pipes and another that has left the group.
//!
//! Invariant: whatever is left is killed when the brood is dropped.

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::cli::beside;
use crate::rig::eventually;

/// How many processes one shard is: two shells, the server, two grandchildren.
const EACH: usize = 5;

static BROODS: AtomicU64 = AtomicU64::new(0);

/// The processes of all shards of one gateway.
#[derive(Debug)]
pub(super) struct Brood {
    /// The variable that all of them have, as it stands in their environment.
    variable: String,
}

/// Which processes count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Any,
    /// What the gateway itself has started.
    Child,
}

impl Brood {
    pub(super) fn new() -> Self {
        let number = BROODS.fetch_add(1, Ordering::Relaxed);
        Self { variable: format!("BROOD={}-{number}", std::process::id()) }
    }

    /// The shard file.
    pub(super) fn shard(&self) -> anyhow::Result<String> {
        let inner = format!(
            "trap '' TERM; (sleep 9999 &); (setsid sleep 9999 </dev/null >/dev/null 2>&1 &); {} echo; sleep 9999; :",
            beside("bench")?.display()
        );
        let args = json!(["-c", "trap '' TERM; CHILD=no sh -c \"$0\"; :", inner]);
        let (name, value) = self.variable.split_once('=').expect("it has a value");
        Ok(format!("command: sh\nargs: {args}\nenv: {{ {name}: \"{value}\", CHILD: \"yes\" }}\n"))
    }

    /// Those that are alive. The dead have no environment.
    pub(super) fn alive(&self, kind: Kind) -> BTreeSet<u32> {
        let is_ours = |pid: &u32| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            let has = |wanted: &str| environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes());
            has(&self.variable) && (kind == Kind::Any || has("CHILD=yes"))
        };
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(is_ours).collect()
    }

    /// Waits until all are there.
    pub(super) async fn complete(&self, shards: usize, limit: Duration) -> anyhow::Result<()> {
        let complete = async || (self.alive(Kind::Any).len() == shards * EACH).then_some(());
        eventually("all grandchildren are there", limit, complete).await
    }
}

impl Drop for Brood {
    fn drop(&mut self) {
        for pid in self.alive(Kind::Any) {
            if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                // It may have gone meanwhile.
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }
}
