//! What is true now: who runs, what they offer together, and what is wrong.
//!
//! Invariant: a snapshot. Names and links stand in one value, so that a call resolves both in one load (DESIGN D13).

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::view::{NoView, View, Views};
use crate::catalogue::{self, Catalogue, Member, Rules};
use crate::config::dir::Reading;
use crate::config::{Problem, ShardName, ShardSpec, ToolRules, path_as_text};
use crate::shard::roster::{List, Roster};
use crate::shard::{Known, Shard};
use crate::tasks::work_on;

/// One moment of the whole gateway.
#[derive(Debug)]
pub struct World {
    /// What all shards offer.
    pub catalogue: Arc<Catalogue>,
    /// What was merged into the catalogue.
    pub offers: BTreeMap<ShardName, Offer>,
    /// The catalogues of the views that clients have of that.
    pub(super) views: Arc<Views>,
    /// What of that could not be offered.
    pub left_out: Vec<Trouble>,
    /// The shards that run, or are about to.
    pub shards: BTreeMap<ShardName, Shard>,
    /// The shards that have a file and do not run.
    pub absent: BTreeMap<ShardName, Absence>,
    /// What is wrong with the files.
    pub problems: Vec<Trouble>,
    /// The folder has been read once.
    pub is_read: bool,
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

/// A shard as its file wants it to be merged.
pub fn member<'a>(spec: &'a ShardSpec, roster: &'a Roster) -> Member<'a> {
    let view = &spec.view;
    Member { shard: spec.name.as_str(), prefix: view.prefix.as_str(), roster, rules: &view.tools }
}

impl Offer {
    fn member(&self) -> Member<'_> {
        member(&self.spec, &self.known.roster)
    }

    /// Both would be merged into the same.
    fn is_same(&self, other: &Self) -> bool {
        self.spec == other.spec
            && self.known.live == other.known.live
            && Arc::ptr_eq(&self.known.roster, &other.known.roster)
    }
}

/// Why a shard that has a file does not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Absence {
    /// `enabled: false` in this file.
    Disabled(PathBuf),
    /// Its file is broken and never was right.
    Invalid,
}

/// One thing that a person should mend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// Where to look.
    #[serde(serialize_with = "path_as_text")]
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
            views: Arc::default(),
            left_out: Vec::new(),
            problems: Vec::new(),
            is_read: false,
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

    /// What `view` shows. Made when it is first asked for after a change, and then lies ready.
    pub fn seen(&self, view: &View) -> Arc<Catalogue> {
        if *view == View::All {
            return Arc::clone(&self.catalogue);
        }
        self.views.of(view, || work_on(self.catalogue.size(), || self.look(view)))
    }

    /// Whether there is something to see: none of the shards that `view` names is unknown, and one of them runs.
    ///
    /// # Errors
    /// What is the matter with the first of them.
    pub fn check(&self, view: &View) -> Result<(), NoView> {
        if !self.is_read {
            return Err(NoView::Unread);
        }
        let mut absent = None;
        let mut runs = *view == View::All;
        for name in view.named() {
            match self.absent.get(name) {
                _ if self.shards.contains_key(name) => runs = true,
                Some(absence) => absent = absent.or_else(|| Some(self.absence(name, absence))),
                None => return Err(self.unknown(name)),
            }
        }
        absent.filter(|_| !runs).map_or(Ok(()), Err)
    }

    /// Whether clients of `view` need not wait for a fuller list.
    pub fn is_settled_for(&self, view: &View) -> bool {
        let offers = |name: &str| self.offers.contains_key(name) || !self.shards.contains_key(name);
        self.settled || (self.is_read && *view != View::All && view.named().all(offers))
    }

    /// Everything that a person should mend of what `view` shows.
    pub fn troubles(&self, view: &View) -> Vec<Trouble> {
        if *view == View::All {
            return self.problems.iter().chain(&self.left_out).cloned().collect();
        }
        // Among fewer shards, each has names and uris that another one holds for all.
        let offers = self.offers.iter().filter(|(name, _)| view.includes(name.as_str()));
        let offers = offers.map(|(name, offer)| (name.clone(), offer.clone())).collect();
        let (_, left_out) = work_on(self.catalogue.size(), || merge(&self.catalogue, &offers));
        let files = self.problems.iter().filter(|trouble| self.is_of(view, &trouble.file)).cloned();
        files.chain(left_out).collect()
    }

    /// Whether a file describes a shard of `view`, or would if it were in order.
    fn is_of(&self, view: &View, file: &Path) -> bool {
        let is_stem = |name: &str| file.file_stem().is_some_and(|stem| stem == name);
        let describes = |name: &str| match self.absent.get(name) {
            Some(Absence::Disabled(source)) => source == file,
            _ => self.shards.get(name).is_some_and(|shard| shard.spec().source == file),
        };
        view.named().any(|name| is_stem(name) || describes(name))
    }

    fn look(&self, view: &View) -> Catalogue {
        let mut members = self.offers.values().map(Offer::member).filter(|member| view.includes(member.shard));
        match view {
            View::Alone(_) => members.next().map(|member| catalogue::alone(&member)),
            // Who holds a name for all holds it here too.
            View::All | View::Only(_) => Some(catalogue::merge(Some(&self.catalogue), &members.collect::<Vec<_>>()).0),
        }
        .unwrap_or_else(|| catalogue::merge(None, &[]).0)
    }

    fn absence(&self, name: &str, absence: &Absence) -> NoView {
        let file_name = |file: &Path| file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match absence {
            Absence::Disabled(file) => NoView::Disabled { name: name.to_owned(), file: file_name(file) },
            Absence::Invalid => {
                let of_it = |trouble: &&Trouble| trouble.file.file_stem().is_some_and(|stem| *stem == *name);
                let fault = self.problems.iter().find(of_it).map(|trouble| {
                    let line = trouble.line.map(|line| format!(":{line}")).unwrap_or_default();
                    format!("{}{line}: {}", file_name(&trouble.file), trouble.message)
                });
                NoView::Broken { name: name.to_owned(), fault }
            }
        }
    }

    fn unknown(&self, name: &str) -> NoView {
        /// No shard has a longer name.
        const LONGEST: usize = 64;
        let known = || self.shards.keys().chain(self.absent.keys()).map(ShardName::as_str);
        let nearest = catalogue::nearest(name, known().map(|name| (name, name)));
        let mut others: Vec<String> = known().map(ToOwned::to_owned).collect();
        others.sort_unstable();
        NoView::Unknown {
            name: name.chars().take(LONGEST).collect(),
            nearest: nearest.into_iter().map(ToOwned::to_owned).collect(),
            others,
        }
    }

    /// Whether `offers` would be merged into the same catalogue.
    pub(super) fn shows(&self, offers: &BTreeMap<ShardName, Offer>) -> bool {
        self.offers.len() == offers.len()
            && offers.iter().all(|(name, offer)| self.offers.get(name).is_some_and(|shown| shown.is_same(offer)))
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line.map(|line| format!(":{line}")).unwrap_or_default();
        write!(f, "{}{line}: {}", self.file.display(), self.message)
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
    let disabled = reading
        .specs
        .iter()
        .filter(|(_, spec)| !spec.enabled)
        .map(|(name, spec)| (name, Absence::Disabled(spec.source.clone())));
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
    let members: Vec<_> = offers.values().map(Offer::member).collect();
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
