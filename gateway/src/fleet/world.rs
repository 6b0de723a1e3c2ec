//! What is true now: who runs, what they offer together, and what is wrong.
//!
//! Invariant: a snapshot. Names and links stand in one value, so that a call resolves both in one load (DESIGN D13).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use crate::catalogue::{self, Catalogue, Member, Rules};
use crate::config::dir::Reading;
use crate::config::{Problem, ShardName, ToolRules};
use crate::shard::roster::List;
use crate::shard::{Known, Shard};

/// One moment of the whole gateway.
#[derive(Debug)]
pub struct World {
    /// What all shards offer.
    pub catalogue: Arc<Catalogue>,
    /// The shards that run, or are about to.
    pub shards: BTreeMap<ShardName, Shard>,
    /// The shards that have a file and do not run.
    pub absent: BTreeMap<ShardName, Absence>,
    /// Everything that a person should mend.
    pub problems: Vec<Trouble>,
    /// Clients need not wait for a fuller list.
    pub settled: bool,
    /// Every enabled shard has been ready, or has failed, once.
    pub ready: bool,
}

/// Why a shard that has a file does not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// `enabled: false`.
    Disabled,
    /// Its file is broken and never was right.
    Invalid,
}

/// One thing that a person should mend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// Where to look.
    pub file: PathBuf,
    /// The line, if it is at one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The fault and the way out.
    pub message: String,
}

impl Default for World {
    fn default() -> Self {
        Self {
            catalogue: Arc::new(catalogue::merge(None, &[]).0),
            shards: BTreeMap::new(),
            absent: BTreeMap::new(),
            problems: Vec::new(),
            settled: false,
            ready: false,
        }
    }
}

impl World {
    /// The shard called `name`, if it runs.
    pub fn shard(&self, name: &str) -> Option<&Shard> {
        self.shards.get(name)
    }
}

impl From<&Problem> for Trouble {
    fn from(problem: &Problem) -> Self {
        let line = (problem.line > 0).then_some(problem.line);
        Self { file: problem.file.clone(), line, message: problem.message.clone() }
    }
}

impl Rules for ToolRules {
    fn exposes(&self, own: &str) -> bool {
        self.exposes(own)
    }

    fn renamed<'a>(&'a self, own: &'a str) -> &'a str {
        self.renamed(own)
    }
}

/// The shards that the files name and that do not run.
pub(super) fn absences(reading: &Reading) -> BTreeMap<ShardName, Absence> {
    let disabled = reading.specs.iter().filter(|(_, spec)| !spec.enabled).map(|(name, _)| (name, Absence::Disabled));
    let broken = reading.broken.iter().filter(|name| !reading.specs.contains_key(*name));
    disabled.chain(broken.map(|name| (name, Absence::Invalid))).map(|(name, absence)| (name.clone(), absence)).collect()
}

/// What the shards offer together, and what of it cannot be offered.
pub(super) fn merge(before: &World, shards: &BTreeMap<ShardName, Shard>) -> (Catalogue, Vec<Trouble>) {
    let known: Vec<_> = shards
        .values()
        .filter_map(|shard| {
            Some((shard.spec(), shard.known.borrow().as_ref().map(|Known { roster, .. }| Arc::clone(roster))?))
        })
        .collect();
    let members: Vec<_> = known
        .iter()
        .map(|(spec, roster)| Member {
            shard: spec.name.as_str(),
            prefix: spec.view.prefix.as_str(),
            roster,
            rules: &spec.view.tools,
        })
        .collect();
    let (catalogue, left_out) = catalogue::merge(Some(&before.catalogue), &members);
    let source = |shard: &str| shards.get(shard).map(|shard| shard.spec().source.clone()).unwrap_or_default();
    let left_out = left_out.iter().map(|problem| Trouble {
        file: source(&problem.shard),
        line: None,
        message: problem.to_string(),
    });
    let odd = known.iter().flat_map(|(spec, roster)| {
        let faults = List::ALL.into_iter().flat_map(|list| &roster.list(list).problems);
        faults.map(|fault| Trouble {
            file: spec.source.clone(),
            line: None,
            message: spec.mask.apply(fault).into_owned(),
        })
    });
    let troubles = left_out.chain(odd).collect();
    (catalogue, troubles)
}
