//! Readings of `/proc`.
//!
//! Invariant: a process is known by its id and its start time, so that a reused id is not taken for it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use anyhow::Context as _;

/// What a process takes in memory, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// All resident pages.
    pub resident: u64,
    /// Those of them that are its own and not a file's.
    pub anonymous: u64,
}

/// What a process takes in memory now.
///
/// # Errors
/// It has ended.
pub fn memory(pid: u32) -> anyhow::Result<Memory> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).with_context(|| format!("no process {pid}"))?;
    let kib = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        line.and_then(|value| value.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default()
    };
    Ok(Memory { resident: kib("VmRSS:") * 1024, anonymous: kib("RssAnon:") * 1024 })
}

/// What a process, without its children, has used of the processors so far. The kernel counts in nanoseconds here.
///
/// # Errors
/// It has ended.
pub fn cpu_time(pid: u32) -> anyhow::Result<Duration> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).with_context(|| format!("no process {pid}"))?;
    let nanos = tasks.filter_map(|task| {
        let text = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Ok(Duration::from_nanos(nanos.sum()))
}

/// All processes below `pid`, with their start times, those of the zombies too.
pub fn descendants(pid: u32) -> BTreeSet<(u32, u64)> {
    let mut children: BTreeMap<u32, Vec<(u32, u64)>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        if let Some(process) = entry.file_name().to_str().and_then(|name| stat(name.parse().ok()?)) {
            children.entry(process.parent).or_default().push((process.pid, process.started));
        }
    }
    let mut found = BTreeSet::new();
    let mut left = vec![pid];
    while let Some(parent) = left.pop() {
        for child in children.remove(&parent).unwrap_or_default() {
            left.push(child.0);
            found.insert(child);
        }
    }
    found
}

/// Whether the process still runs; a zombie does not.
pub fn is_alive((pid, started): (u32, u64)) -> bool {
    stat(pid).is_some_and(|process| process.started == started && process.state != "Z")
}

struct Stat {
    pid: u32,
    parent: u32,
    state: String,
    started: u64,
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in brackets and may hold anything.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let (state, parent, started) = (fields.first()?, fields.get(1)?, fields.get(19)?);
    Some(Stat { pid, parent: parent.parse().ok()?, state: (*state).to_owned(), started: started.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_found_with_its_memory_and_dies() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let process = descendants(std::process::id()).into_iter().find(|(pid, _)| *pid == child.id()).unwrap();
        assert!(is_alive(process) && memory(child.id()).unwrap().resident > 0);
        assert!(cpu_time(child.id()).is_ok());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!is_alive(process));
        assert!(memory(child.id()).is_err());
    }
}
