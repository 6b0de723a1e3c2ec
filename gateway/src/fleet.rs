//! All shards together: reads their files, starts and stops them, and publishes what they offer as one view.
//!
//! Invariant: one actor holds the shards and is the only one that publishes the [`World`]; everybody else reads it.

mod plan;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tracing::{info, warn};

use self::plan::{Plan, plan};
pub use self::world::{Absence, Offer, Trouble, World};
use crate::catalogue::{Saved, Store};
use crate::config::dir::{self, Specs};
use crate::config::watch::{WatchError, WatchMode, Watcher};
use crate::config::{Environment, Host, Severity, ShardName, ShardSpec};
use crate::shard::budget::Budget;
use crate::shard::roster::Roster;
use crate::shard::{Known, Setup, Shard, ShardState};
use crate::tasks::Tasks;
use crate::wire::Level;

/// On a very first start, with nothing remembered, clients wait so long for the shards at most (DESIGN D3).
const FIRST_START: Duration = Duration::from_secs(5);
/// What the calls of a shard that was taken away have to finish.
const MOST_DRAIN: Duration = Duration::from_secs(30);

/// What the fleet is told at its start.
#[derive(Debug)]
pub struct Settings {
    /// The folder of shard files.
    pub shards: PathBuf,
    /// How that folder is watched.
    pub watch: WatchMode,
    /// Where rosters are remembered.
    pub store: Store,
    /// What all results together may take in memory, in bytes.
    pub result_memory: usize,
    /// The least severe log level that any client wants to hear.
    pub level: watch::Receiver<Option<Level>>,
}

/// Starts the fleet as one of `tasks`; it stops, with all shards, when they do.
///
/// # Errors
/// The folder cannot be watched at all.
pub fn start(settings: Settings, tasks: &Tasks) -> Result<watch::Receiver<Arc<World>>, WatchError> {
    let watcher = crate::config::watch::watch(&settings.shards, settings.watch)?;
    let (world, seen) = watch::channel(Arc::new(World::default()));
    let mut fleet = Fleet {
        budget: Budget::new(settings.result_memory),
        settings,
        tasks: tasks.clone(),
        specs: Specs::new(),
        shards: BTreeMap::new(),
        absent: BTreeMap::new(),
        problems: Vec::new(),
        saved: BTreeMap::new(),
        tried: BTreeSet::new(),
        recalled: false,
        settle_at: Instant::now() + FIRST_START,
        changed: Arc::new(Notify::new()),
        world,
    };
    fleet.read_folder();
    tasks.spawn_until_stop(fleet.run(watcher));
    Ok(seen)
}

struct Fleet {
    settings: Settings,
    budget: Budget,
    tasks: Tasks,
    /// What the files said last, as far as they could be read.
    specs: Specs,
    shards: BTreeMap<ShardName, Shard>,
    /// Shards that have a file and do not run.
    absent: BTreeMap<ShardName, Absence>,
    problems: Vec<Trouble>,
    /// What the store holds, so that nothing is written twice: the roster, and whether its era is certain.
    saved: BTreeMap<ShardName, (Arc<Roster>, bool)>,
    /// Shards that were ready, or failed, once.
    tried: BTreeSet<ShardName>,
    /// A roster was remembered from an earlier run: nobody needs to wait.
    recalled: bool,
    settle_at: Instant,
    changed: Arc<Notify>,
    world: watch::Sender<Arc<World>>,
}

impl Fleet {
    async fn run(mut self, mut watcher: Watcher) {
        loop {
            let settled = self.world.borrow().settled;
            let changed = Arc::clone(&self.changed);
            tokio::select! {
                () = watcher.changed() => self.read_folder(),
                () = changed.notified() => self.publish(),
                () = tokio::time::sleep_until(self.settle_at), if !settled => self.publish(),
            }
        }
    }

    /// The event was a hint; the disk is the truth.
    fn read_folder(&mut self) {
        let reading = dir::read(&self.settings.shards, &Host, &self.specs);
        for problem in &reading.problems {
            match problem.severity {
                Severity::Error => tracing::error!("{problem}"),
                Severity::Warning => warn!("{problem}"),
            }
        }
        self.problems = reading.problems.iter().map(Trouble::from).collect();
        let running = self.shards.iter().map(|(name, shard)| (name.clone(), shard.spec())).collect();
        self.absent = world::absences(&reading);
        self.carry_out(plan(&running, &reading.specs));
        self.specs = reading.specs;
        self.publish();
    }

    fn carry_out(&mut self, plan: Plan) {
        for name in plan.stop {
            if let Some(shard) = self.shards.remove(&name) {
                info!(shard = %name, "shard taken away");
                retire(&shard);
                self.tried.remove(&name);
                self.saved.remove(&name);
            }
        }
        for (name, spec) in plan.review {
            info!(shard = %name, "shard seen in a new way");
            self.shards[&name].review(spec);
        }
        for (name, spec) in plan.start {
            let before = self.shards.remove(&name);
            info!(shard = %name, again = before.is_some(), "starting shard");
            let known = before.as_ref().and_then(|shard| shard.known.borrow().clone());
            // It may have been saved under another command line.
            self.saved.remove(&name);
            if let Some(before) = before {
                retire(&before);
            }
            let shard = self.supervise(spec, known);
            self.shards.insert(name, shard);
        }
    }

    fn supervise(&mut self, spec: Arc<ShardSpec>, before: Option<Known>) -> Shard {
        let known = before.map(|known| Known { live: false, certain: false, ..known }).or_else(|| self.recall(&spec));
        let setup = Setup {
            env: spec.child_env(&Host as &dyn Environment),
            known,
            budget: self.budget.clone(),
            level: self.settings.level.clone(),
            changed: Arc::clone(&self.changed),
        };
        Shard::supervise(spec, setup, &self.tasks)
    }

    fn recall(&mut self, spec: &ShardSpec) -> Option<Known> {
        let saved = self.settings.store.load(spec.process.command_key())?;
        let roster = Arc::new(saved.roster);
        self.saved.insert(spec.name.clone(), (Arc::clone(&roster), saved.verdict_certain));
        self.recalled = true;
        Some(Known { roster, live: false, certain: saved.verdict_certain })
    }

    fn publish(&mut self) {
        for (name, shard) in &self.shards {
            if matches!(*shard.state.borrow(), ShardState::Ready(_) | ShardState::Backoff { .. }) {
                self.tried.insert(name.clone());
            }
        }
        let ready = self.shards.keys().all(|name| self.tried.contains(name));
        let before = Arc::clone(&self.world.borrow());
        let settled = before.settled || self.recalled || ready || Instant::now() >= self.settle_at;
        let offers = world::offers(&self.shards);
        let (catalogue, left_out) = if before.shows(&offers) {
            (Arc::clone(&before.catalogue), before.left_out.clone())
        } else {
            let (catalogue, left_out) = world::merge(&before.catalogue, &offers);
            (Arc::new(catalogue), left_out)
        };
        self.world.send_replace(Arc::new(World {
            catalogue,
            offers,
            left_out,
            shards: self.shards.clone(),
            absent: self.absent.clone(),
            problems: self.problems.clone(),
            settled,
            ready: before.ready || ready,
        }));
        // Nobody who waits for the world waits for the disk, and nobody else for this thread.
        tokio::task::block_in_place(|| self.remember());
    }

    /// Saves every roster that a shard has just told.
    fn remember(&mut self) {
        for (name, shard) in &self.shards {
            let Some(known) = shard.known.borrow().clone().filter(|known| known.live) else { continue };
            let is_saved = |(roster, certain): &(Arc<Roster>, bool)| {
                *certain == known.certain && (Arc::ptr_eq(roster, &known.roster) || **roster == *known.roster)
            };
            if self.saved.get(name).is_some_and(is_saved) {
                continue;
            }
            let saved = Saved { roster: (*known.roster).clone(), verdict_certain: known.certain };
            self.settings.store.remember(shard.spec().process.command_key(), &saved);
            self.saved.insert(name.clone(), (known.roster, known.certain));
        }
    }
}

/// Lets it finish what is under way; its supervisor ends it.
fn retire(shard: &Shard) {
    shard.stop(shard.spec().timeouts.drain.min(MOST_DRAIN));
}
