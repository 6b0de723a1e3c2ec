//! Makes one world of many files and of what held before; pure.
//!
//! A name belongs to the first file that claims it, and a prefix to the shard that has it already.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use super::{ReadFile, Reading, Specs};
use crate::config::{
    name::{Prefix, ShardName},
    problem::{At, Report, quote},
    spec::ShardSpec,
};

/// `files` in the order in which they claim names.
pub(super) fn settle(files: Vec<ReadFile>, last: &Specs) -> Reading {
    let mut world = World::new(last);
    for file in files {
        world.claim(file);
    }
    world.keep_broken();
    // Those that keep their prefix come before those that want a new one.
    let (holders, others): (Vec<_>, Vec<_>) =
        std::mem::take(&mut world.fresh).into_iter().partition(|fresh| world.holds(&fresh.spec));
    for fresh in holders.into_iter().chain(others) {
        world.admit(fresh);
    }
    world.reading.problems.sort();
    world.reading
}

/// A spec that was read now, and where to point at if its prefix is taken.
struct Fresh {
    spec: Arc<ShardSpec>,
    at: At,
}

struct World<'a> {
    last: &'a Specs,
    reading: Reading,
    claimed: BTreeMap<ShardName, PathBuf>,
    prefixes: BTreeMap<Prefix, ShardName>,
    fresh: Vec<Fresh>,
}

impl<'a> World<'a> {
    fn new(last: &'a Specs) -> Self {
        Self {
            last,
            reading: Reading::default(),
            claimed: BTreeMap::new(),
            prefixes: BTreeMap::new(),
            fresh: Vec::new(),
        }
    }

    fn claim(&mut self, file: ReadFile) {
        self.reading.problems.extend(file.problems);
        let Some(entries) = file.entries else {
            // Nobody knows what it says now, so it goes on saying what it said.
            let described = self.last.values().filter(|spec| spec.source == file.path);
            self.reading.broken.extend(described.map(|spec| spec.name.clone()));
            return;
        };
        for entry in entries {
            if let Some(first) = self.claimed.get(&entry.name) {
                let mut report = Report::new(&file.path);
                let name = quote(entry.name.as_str());
                let first = first.display();
                report.error(
                    entry.at,
                    format!("there is a shard {name} already, in `{first}`; give this one another name"),
                );
                self.reading.problems.extend(report.finish());
                continue;
            }
            self.claimed.insert(entry.name.clone(), file.path.clone());
            match entry.spec {
                Some(spec) => self.fresh.push(Fresh { spec: Arc::new(spec), at: entry.at }),
                None => {
                    self.reading.broken.insert(entry.name);
                }
            }
        }
    }

    /// Shards whose files are broken go on; one that another file describes well now does not.
    fn keep_broken(&mut self) {
        let fresh: BTreeSet<&ShardName> = self.fresh.iter().map(|fresh| &fresh.spec.name).collect();
        self.reading.broken.retain(|name| !fresh.contains(name));
        for name in self.reading.broken.clone() {
            if let Some(spec) = self.last.get(&name) {
                self.take(Arc::clone(spec));
            }
        }
    }

    /// True if the shard had this prefix before.
    fn holds(&self, spec: &ShardSpec) -> bool {
        let last = self.last.get(&spec.name);
        last.is_some_and(|last| last.enabled && last.view.prefix == spec.view.prefix)
    }

    fn admit(&mut self, fresh: Fresh) {
        let Fresh { spec, at } = fresh;
        let Some(holder) = self.holder(&spec) else {
            return self.take(spec);
        };
        let mut report = Report::new(&spec.source);
        let prefix = quote(spec.view.prefix.as_str());
        let holder = quote(holder.as_str());
        report.error(at, format!("the prefix {prefix} belongs to shard {holder}; set another `prefix`"));
        self.reading.problems.extend(report.finish());
        self.reading.broken.insert(spec.name.clone());
        if let Some(last) = self.last.get(&spec.name).filter(|last| self.holder(last).is_none()) {
            self.take(Arc::clone(last));
        }
    }

    /// The shard that has the prefix that `spec` wants. No prefix at all is free for many, and a
    /// disabled shard wants none.
    fn holder(&self, spec: &ShardSpec) -> Option<&ShardName> {
        if spec.enabled { self.prefixes.get(&spec.view.prefix) } else { None }
    }

    fn take(&mut self, spec: Arc<ShardSpec>) {
        if spec.enabled && !spec.view.prefix.is_empty() {
            self.prefixes.insert(spec.view.prefix.clone(), spec.name.clone());
        }
        self.reading.specs.insert(spec.name.clone(), spec);
    }
}
