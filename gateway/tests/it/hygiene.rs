//! No process is left behind, whatever a shard starts and however it or the gateway ends.
//!
//! Invariant: these tests find a shard's processes by a variable of their own, not by the gateway's marker.

mod disks;
mod endings;
mod killed;
mod ledgers;
mod orphans;
mod ps;

use std::fs;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::support::{Gateway, PATIENCE, built, eventually};

/// The processes of a shard that is as bad as it can be: behind two shells, deaf to the end of its input and to SIGTERM,
/// with a grandchild in its group that holds its pipes and another that has left the group.
#[derive(Debug)]
struct Brood(String);

/// How many they are.
const BROOD: usize = 5;

impl Brood {
    fn new() -> Self {
        let mut name = [0; 8];
        getrandom::fill(&mut name).unwrap();
        Self(format!("{:016x}", u64::from_ne_bytes(name)))
    }

    /// The shard file. Every process has the variable `BROOD`.
    fn shard(&self, flags: &str) -> String {
        let inner = format!(
            "trap '' TERM; (sleep 1000 &); (setsid sleep 1000 </dev/null >/dev/null 2>&1 &); {} --ignore-eof {flags}; :",
            built("examples/fake_shard").display()
        );
        let args = ["-c", "trap '' TERM; sh -c \"$0\"; exit $?", &inner];
        format!("command: sh\nargs: {}\nenv: {{ BROOD: \"{}\" }}\n", json!(args), self.0)
    }

    /// Those that are alive.
    fn alive(&self) -> Vec<u32> {
        let own = format!("BROOD={}", self.0);
        let carries = |pid: &u32| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == own.as_bytes())
        };
        pids().into_iter().filter(carries).collect()
    }

    /// Waits until all are there, and nobody else.
    async fn complete(&self) -> Vec<u32> {
        eventually("the brood is complete", async || Some(self.alive()).filter(|alive| alive.len() == BROOD)).await
    }

    /// Waits until none of `old` is there.
    async fn lost(&self, old: &[u32]) {
        let what = format!("{old:?} are gone");
        eventually(&what, async || self.alive().iter().all(|pid| !old.contains(pid)).then_some(())).await;
    }

    fn assert_gone(&self) {
        assert_eq!(self.alive(), Vec::<u32>::new());
    }
}

impl Drop for Brood {
    /// A test that fails leaves nothing either.
    fn drop(&mut self) {
        for pid in self.alive() {
            let _ = kill_process(raw(pid), Signal::KILL);
        }
    }
}

fn raw(pid: u32) -> Pid {
    Pid::from_raw(i32::try_from(pid).unwrap()).unwrap()
}

fn pids() -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// What the kernel says of a process. A group or session that began outside this PID namespace is 0, which the system
/// calls' wrappers do not bear.
struct Stat {
    state: char,
    parent: u32,
    group: u32,
    session: u32,
    started: u64,
}

fn stat(pid: u32) -> Option<Stat> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |index: usize| fields[index].parse().ok();
    let state = fields[0].chars().next()?;
    Some(Stat { state, parent: number(1)?, group: number(2)?, session: number(3)?, started: fields[19].parse().ok()? })
}

/// The dead whose parent has not heard of it.
fn zombies_of(parent: u32) -> Vec<u32> {
    let is_zombie = |pid: &u32| stat(*pid).is_some_and(|process| process.state == 'Z' && process.parent == parent);
    pids().into_iter().filter(is_zombie).collect()
}

async fn no_zombies(gateway: u32) {
    eventually("the dead are buried", async || zombies_of(gateway).is_empty().then_some(())).await;
}

/// Ready, with all of its brood.
async fn ready(gateway: &Gateway, name: &str, brood: &Brood) -> Vec<u32> {
    gateway.until(name, "ready").await;
    brood.complete().await
}

/// What a line of the log says, once it is there.
async fn logged(gateway: &Gateway, words: &str) -> String {
    eventually(&format!("`{words}` in the log within {PATIENCE:?}"), async || {
        gateway.log().lines().find(|line| line.contains(words)).map(ToOwned::to_owned)
    })
    .await
}
