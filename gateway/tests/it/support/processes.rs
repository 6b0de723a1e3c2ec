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

/// A process and everything that it starts, watched while it runs: one that has lost its parent is found only by having
/// been seen before.
#[derive(Debug)]
pub(crate) struct Tree {
    root: u32,
    seen: BTreeSet<Process>,
}

impl Tree {
    /// Watches what `root` starts; the root itself is the caller's.
    pub(crate) fn of(root: u32) -> Self {
        Self { root, seen: BTreeSet::new() }
    }

    /// Looks around, and gives those that are there now. To be called again and again.
    pub(crate) fn look(&mut self) -> Vec<Process> {
        let all = all();
        let alive = still_there(&self.seen, &all);
        self.seen.extend(below(alive.iter().map(|process| process.pid).chain([self.root]), &all));
        still_there(&self.seen, &all)
    }
}

/// All children of `root`, and theirs.
pub(crate) fn descendants(root: u32) -> BTreeSet<Process> {
    below([root], &all())
}

/// Those of `processes` that are still there.
pub(crate) fn surviving(processes: &BTreeSet<Process>) -> Vec<Process> {
    still_there(processes, &all())
}

fn below(roots: impl IntoIterator<Item = u32>, all: &[Process]) -> BTreeSet<Process> {
    let mut found = BTreeSet::new();
    let mut parents: Vec<u32> = roots.into_iter().collect();
    while let Some(parent) = parents.pop() {
        for process in all.iter().filter(|process| process.parent == parent) {
            parents.push(process.pid);
            found.insert(process.clone());
        }
    }
    found
}

fn still_there(processes: &BTreeSet<Process>, all: &[Process]) -> Vec<Process> {
    let alive = |one: &&Process| processes.iter().any(|other| (one.pid, one.started) == (other.pid, other.started));
    all.iter().filter(alive).cloned().collect()
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

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use rustix::process::{Pid, Signal, kill_process};

    use super::*;

    fn wait_for(tree: &mut Tree, done: impl Fn(&[Process]) -> bool) -> Vec<Process> {
        for _ in 0..1000 {
            let now = tree.look();
            if done(&now) {
                return now;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("still there: {:?}", tree.look());
    }

    #[test]
    fn a_process_that_was_seen_is_found_after_its_parent_has_gone() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 600 & read line"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut shell = command.spawn().unwrap();
        let mut tree = Tree::of(shell.id());
        wait_for(&mut tree, |now| now.iter().any(|process| process.name == "sleep"));
        drop(shell.stdin.take());
        shell.wait().unwrap();
        let [orphan] = &tree.look()[..] else { panic!("{:?}", tree.look()) };
        kill_process(Pid::from_raw(i32::try_from(orphan.pid).unwrap()).unwrap(), Signal::KILL).unwrap();
        wait_for(&mut tree, <[Process]>::is_empty);
    }
}
