//! Which processes a gateway has.

use std::collections::BTreeSet;
use std::fs;

/// A process, told from a later one with the same number by when it started.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    parent: u32,
    started: u64,
    name: String,
}

/// All children of `root`, and theirs.
pub(crate) fn descendants(root: u32) -> BTreeSet<Process> {
    let all = all();
    let mut found = BTreeSet::new();
    let mut parents = vec![root];
    while let Some(parent) = parents.pop() {
        for process in all.iter().filter(|process| process.parent == parent) {
            parents.push(process.pid);
            found.insert(process.clone());
        }
    }
    found
}

/// Those of `processes` that are still there.
pub(crate) fn surviving(processes: &BTreeSet<Process>) -> Vec<Process> {
    let alive = |one: &Process| processes.iter().any(|other| (one.pid, one.started) == (other.pid, other.started));
    all().into_iter().filter(alive).collect()
}

fn all() -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| read(entry.file_name().to_str()?.parse().ok()?)).collect()
}

fn read(pid: u32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (head, tail) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = tail.split_whitespace().collect();
    let is_zombie = *fields.first()? == "Z";
    let name = head.split_once('(')?.1.to_owned();
    let (parent, started) = (fields.get(1)?.parse().ok()?, fields.get(19)?.parse().ok()?);
    (!is_zombie).then_some(Process { pid, parent, started, name })
}
