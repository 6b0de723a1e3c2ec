//! The table of processes, as `/proc` shows it.
//!
//! Invariant: a process is named by its number and by when it started, because numbers are used again.

use std::fs;

use serde::{Deserialize, Serialize};

/// The variable by which a child, and whatever inherits from it, is known as ours.
pub(crate) const MARKER: &str = "MCP_GATEWAY_INSTANCE";

/// One process and no later one with the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Id {
    pub(crate) pid: u32,
    /// In clock ticks since the system started.
    pub(crate) started: u64,
}

/// A process as it was a moment ago.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) id: Id,
    pub(crate) parent: u32,
    pub(crate) group: u32,
    /// The letter of the system: `R`, `S`, `D`, `Z` and so on.
    pub(crate) state: char,
    /// What of it is in memory, in pages.
    pub(crate) pages: u64,
    /// What the process calls itself, at most 15 bytes.
    pub(crate) name: String,
    /// What it has in [`MARKER`]; only if that was asked for.
    pub(crate) marker: Option<String>,
}

impl Seen {
    /// It runs no more, and only waits for its parent to hear of it.
    pub(crate) fn is_dead(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }
}

/// All processes, without their markers.
pub(crate) fn all() -> Vec<Seen> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| seen(entry.file_name().to_str()?.parse().ok()?)).collect()
}

/// All processes but this one, with the markers of those that started at `since` or later.
pub(crate) fn all_marked(since: u64) -> Vec<Seen> {
    let mut all = all();
    all.retain(|seen| seen.id.pid != std::process::id());
    for seen in all.iter_mut().filter(|seen| seen.id.started >= since) {
        seen.marker = marker(seen.id.pid);
    }
    all
}

/// The process with that number.
pub(crate) fn seen(pid: u32) -> Option<Seen> {
    // The name need not be text.
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    parse(&String::from_utf8_lossy(&stat))
}

/// What that process has in [`MARKER`]. A process of another user does not show it.
fn marker(pid: u32) -> Option<String> {
    marker_in(&fs::read(format!("/proc/{pid}/environ")).ok()?)
}

fn marker_in(environment: &[u8]) -> Option<String> {
    let mut variables = environment.split(|byte| *byte == 0);
    let value = variables.find_map(|variable| variable.strip_prefix(MARKER.as_bytes())?.strip_prefix(b"="))?;
    String::from_utf8(value.to_vec()).ok()
}

/// What node calls its main thread, and with it the process.
const UNTOLD: &str = "MainThread";

/// What a process is called, without folder and arguments. That is the script's name where an interpreter runs one, and
/// `sh` where a program of many names does; the file of the program only completes it.
pub(crate) fn program(seen: &Seen) -> String {
    let path = fs::read_link(format!("/proc/{}/exe", seen.id.pid)).ok();
    let file = path.as_ref().and_then(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned());
    let fits = |file: &String| file.starts_with(&seen.name) || seen.name == UNTOLD;
    // The system says so of a program that was replaced while it runs.
    let file = file.filter(fits).map(|file| file.trim_end_matches(" (deleted)").to_owned());
    file.unwrap_or_else(|| seen.name.clone())
}

/// How long ago a process started, in seconds.
pub(crate) fn age(seen: &Seen) -> u64 {
    let uptime = fs::read_to_string("/proc/uptime").unwrap_or_default();
    let now: u64 = uptime.split('.').next().and_then(|seconds| seconds.parse().ok()).unwrap_or_default();
    now.saturating_sub(seen.id.started / rustix::param::clock_ticks_per_second().max(1))
}

/// Reads a line of `/proc/PID/stat`. The name in it may hold anything, brackets and spaces too.
fn parse(stat: &str) -> Option<Seen> {
    let (head, tail) = stat.rsplit_once(')')?;
    let (pid, name) = head.split_once(" (")?;
    let fields: Vec<&str> = tail.split_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some(Seen {
        id: Id { pid: pid.parse().ok()?, started: number(19)? },
        parent: number(1)?.try_into().ok()?,
        group: number(2)?.try_into().ok()?,
        state: fields.first()?.chars().next()?,
        pages: number(21)?,
        name: name.to_owned(),
        marker: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(pid: u32, name: &str) -> String {
        format!(
            "{pid} ({name}) S 7 8 9 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4242 1000000 321 18446744073709551615 1\n"
        )
    }

    #[test]
    fn a_name_may_hold_brackets_spaces_and_line_breaks() {
        for name in ["sh", "a) b (c", "x) S 1 1", ")", "", "tmux: server", "line\nbreak"] {
            let seen = parse(&stat(12, name)).unwrap();
            assert_eq!((seen.id, &*seen.name), (Id { pid: 12, started: 4242 }, name));
            assert_eq!((seen.parent, seen.group, seen.state, seen.pages), (7, 8, 'S', 321), "{name}");
        }
        for broken in ["", "12", "12 (sh", "12 (sh) S 1", "x (sh) S 7 8 9"] {
            assert_eq!(parse(broken), None, "{broken}");
        }
    }

    #[test]
    fn the_marker_is_a_variable_of_exactly_that_name() {
        let check = |environment: &str, expected: Option<&str>| {
            assert_eq!(marker_in(environment.as_bytes()).as_deref(), expected, "{environment}");
        };
        check("PATH=/bin\0MCP_GATEWAY_INSTANCE=a.b.1\0HOME=/\0", Some("a.b.1"));
        check("MCP_GATEWAY_INSTANCE=a.b.1", Some("a.b.1"));
        check("MCP_GATEWAY_INSTANCES=a.b.1\0OLD_MCP_GATEWAY_INSTANCE=a.b.1\0", None);
        check("NOTE=MCP_GATEWAY_INSTANCE=a.b.1\0", None);
        check("", None);
    }

    #[test]
    fn this_process_is_in_the_table_once() {
        let us = seen(std::process::id()).unwrap();
        assert_eq!(all().iter().filter(|seen| seen.id == us.id).count(), 1);
        assert!(std::env::current_exe().unwrap().ends_with(program(&us)), "more than 15 bytes of the name");
        assert!(!us.is_dead() && us.pages > 0 && age(&us) < 3600);
        assert!(all_marked(0).iter().all(|seen| seen.id != us.id));
    }
}
