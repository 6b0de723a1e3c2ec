//! What is true now: who runs, what they offer together, and what is wrong.
//!
//! Invariant: a snapshot. Names and links stand in one value, so that a call resolves both in one load (DESIGN D13).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use crate::catalogue::{self, Catalogue, Member, Rules};
use crate::config::dir::Reading;
use crate::config::{Problem, ShardName, ShardSpec, ToolRules};
use crate::shard::roster::List;
use crate::shard::{Known, Shard};

/// One moment of the whole gateway.
#[derive(Debug)]
pub struct World {
    /// What all shards offer.
    pub catalogue: Arc<Catalogue>,
    /// What was merged into the catalogue.
    pub offers: BTreeMap<ShardName, Offer>,
    /// What of that could not be offered.
    pub left_out: Vec<Trouble>,
    /// The shards that run, or are about to.
    pub shards: BTreeMap<ShardName, Shard>,
    /// The shards that have a file and do not run.
    pub absent: BTreeMap<ShardName, Absence>,
    /// What is wrong with the files.
    pub problems: Vec<Trouble>,
    /// Clients need not wait for a fuller list.
    pub settled: bool,
    /// Every enabled shard has been ready, or has failed, once.
    pub ready: bool,
}

/// What one shard has in the catalogue, and how it is shown.
#[derive(Debug, Clone)]
pub struct Offer {
    /// The spec whose view it is.
    pub spec: Arc<ShardSpec>,
    /// The offer itself.
    pub known: Known,
}

impl Offer {
    /// Both would be merged into the same.
    fn is_same(&self, other: &Self) -> bool {
        self.spec == other.spec
            && self.known.live == other.known.live
            && Arc::ptr_eq(&self.known.roster, &other.known.roster)
    }
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
            offers: BTreeMap::new(),
            left_out: Vec::new(),
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

    /// Whether `offers` would be merged into the same catalogue.
    pub(super) fn shows(&self, offers: &BTreeMap<ShardName, Offer>) -> bool {
        self.offers.len() == offers.len()
            && offers.iter().all(|(name, offer)| self.offers.get(name).is_some_and(|shown| shown.is_same(offer)))
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

/// What the shards offer now, as far as is known.
pub(super) fn offers(shards: &BTreeMap<ShardName, Shard>) -> BTreeMap<ShardName, Offer> {
    let offer = |shard: &Shard| Some(Offer { spec: shard.spec(), known: shard.known.borrow().clone()? });
    shards.iter().filter_map(|(name, shard)| Some((name.clone(), offer(shard)?))).collect()
}

/// What they offer together, and what of it cannot be offered.
pub(super) fn merge(before: &Catalogue, offers: &BTreeMap<ShardName, Offer>) -> (Catalogue, Vec<Trouble>) {
    let members: Vec<_> = offers
        .values()
        .map(|Offer { spec, known }| Member {
            shard: spec.name.as_str(),
            prefix: spec.view.prefix.as_str(),
            roster: &known.roster,
            rules: &spec.view.tools,
        })
        .collect();
    let (catalogue, left_out) = catalogue::merge(Some(before), &members);
    let left_out = left_out.iter().map(|problem| {
        let file = offers.get(&*problem.shard).map(|offer| offer.spec.source.clone()).unwrap_or_default();
        Trouble { file, line: None, message: problem.to_string() }
    });
    let odd = offers.values().flat_map(|Offer { spec, known }| {
        let faults = List::ALL.into_iter().flat_map(|list| &known.roster.list(list).problems);
        let masked = |fault: &String| spec.mask.apply(fault).into_owned();
        faults.map(move |fault| Trouble { file: spec.source.clone(), line: None, message: masked(fault) })
    });
    let troubles = left_out.chain(odd).collect();
    (catalogue, troubles)
}
