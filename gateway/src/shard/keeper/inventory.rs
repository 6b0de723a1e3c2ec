//! Every process that gateways own, or have left behind, as a person wants to see it.
//!
//! Invariant: it only looks. Of a command line it shows the program alone, because arguments may hold secrets.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::config::path_as_text;
use crate::shard::keeper::family::shard_in;
use crate::shard::keeper::ledger::{self, Content, Found};
use crate::shard::keeper::sweep::named;
use crate::shard::os;
use crate::shard::os::table::{self, Seen};

/// One gateway and what it owns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Household {
    pub(crate) pid: u32,
    pub(crate) version: String,
    pub(crate) door: String,
    pub(crate) state: Condition,
    /// By shard, the child before what it started.
    pub(crate) processes: Vec<Row>,
}

/// What is known of a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Condition {
    Running,
    /// It was killed, and the next gateway to start ends what it left.
    Killed,
    /// It runs in another container, whose processes have other numbers here.
    Elsewhere,
}

/// A process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Row {
    pub(crate) shard: String,
    pub(crate) pid: u32,
    pub(crate) parent: u32,
    pub(crate) state: &'static str,
    pub(crate) memory_bytes: u64,
    pub(crate) age_s: u64,
    pub(crate) program: String,
}

/// What was found in a state folder.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Inventory {
    pub(crate) gateways: Vec<Household>,
    /// Ledgers of which nothing can be told, and why.
    pub(crate) unreadable: Vec<Unreadable>,
}

/// A ledger that cannot be read.
#[derive(Debug, Serialize)]
pub(crate) struct Unreadable {
    #[serde(serialize_with = "path_as_text")]
    pub(crate) file: PathBuf,
    pub(crate) problem: String,
}

/// Looks at all ledgers in the folder. A gateway that was killed and left nothing is not mentioned.
pub(crate) fn look(state_dir: &Path) -> io::Result<Inventory> {
    let here = os::here();
    let found = ledger::all(state_dir)?;
    let all = table::all_marked(0);
    let mut inventory = Inventory::default();
    for found in found {
        match household(&found, &here, &all) {
            Ok(Some(household)) => inventory.gateways.push(household),
            Ok(None) => {}
            Err(problem) => inventory.unreadable.push(Unreadable { file: found.path.clone(), problem }),
        }
    }
    Ok(inventory)
}

fn household(found: &Found, here: &str, all: &[Seen]) -> Result<Option<Household>, String> {
    let content = found.content.as_ref().map_err(|error| match error.kind() {
        ErrorKind::PermissionDenied => "it belongs to another user; ask as that user".to_owned(),
        _ => error.to_string(),
    })?;
    let state = condition(found, content, here);
    let processes = if state == Condition::Elsewhere { Vec::new() } else { rows(found, content, here, all) };
    let owner = &content.gateway;
    let household =
        Household { pid: owner.id.pid, version: owner.version.clone(), door: owner.door.clone(), state, processes };
    Ok((state != Condition::Killed || !household.processes.is_empty()).then_some(household))
}

fn condition(found: &Found, content: &Content, here: &str) -> Condition {
    if !found.is_held() || found.is_only_looked_at(here) {
        Condition::Killed
    } else if content.gateway.place == here {
        Condition::Running
    } else {
        Condition::Elsewhere
    }
}

fn rows(found: &Found, content: &Content, here: &str, all: &[Seen]) -> Vec<Row> {
    let mut told = BTreeSet::new();
    let mut rows = Vec::new();
    let is_here = content.gateway.place == here;
    for child in content.children.iter().filter(|_| is_here) {
        let family = child.claim(&[]).over(all);
        rows.extend(family.iter().filter(|seen| told.insert(seen.id)).map(|seen| row(seen, &child.shard)));
    }
    // Those that started just now, and those whose child has ended.
    for seen in found.claim(here).over(all) {
        if told.insert(seen.id) {
            let shard = seen.marker.as_deref().and_then(shard_in).or_else(|| named(seen, [content].into_iter()));
            rows.push(row(seen, shard.unwrap_or("-")));
        }
    }
    rows.sort_by(|one, other| one.shard.cmp(&other.shard));
    rows
}

fn row(seen: &Seen, shard: &str) -> Row {
    Row {
        shard: shard.to_owned(),
        pid: seen.id.pid,
        parent: seen.parent,
        state: state(seen.state),
        memory_bytes: seen.pages * rustix::param::page_size() as u64,
        age_s: table::age(seen),
        program: table::program(seen),
    }
}

fn state(letter: char) -> &'static str {
    match letter {
        'R' => "running",
        'D' => "waiting for a disk",
        'T' | 't' => "stopped",
        'Z' | 'X' => "dead",
        _ => "sleeping",
    }
}
