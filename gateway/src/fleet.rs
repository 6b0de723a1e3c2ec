//! All shards together: reads their files, starts and stops them, and publishes what they offer as one view.
//!
//! Invariant: one actor holds the shards and is the only one that publishes the [`World`]; everybody else reads it.

mod change;
mod plan;
mod view;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tracing::{info, warn};

use self::change::{Change, Step};
use self::plan::{Plan, plan};
pub use self::view::{NoView, View};
pub use self::world::{Absence, Offer, Trouble, World, member};
use crate::catalogue::{Saved, Store};
use crate::config::dir::{self, Specs};
use crate::config::watch::{WatchError, WatchMode, Watcher};
use crate::config::{Environment, Host, Reload, Severity, ShardName, ShardSpec, Start};
use crate::shard::budget::Budget;
use crate::shard::followed::{Audience, Feed};
use crate::shard::roster::Roster;
use crate::shard::{Heritage, Keeper, Known, Setup, Shard, ShardState};
use crate::tasks::Tasks;
use crate::wire::Level;

/// On a very first start, with nothing remembered, clients wait so long for the shards at most (DESIGN D3).
const FIRST_START: Duration = Duration::from_secs(5);
/// And no longer than this, and twice the time that it took, after the latest shard has come: one that hangs must not hide
/// those that do not, and on a machine that is slow all are.
const LAGGARDS: Duration = Duration::from_millis(1500);

/// What the fleet is told at its start.
#[derive(Debug)]
pub struct Settings {
    /// The folder of shard files.
    pub shards: PathBuf,
    /// The shards that are wanted of it; `None` for all.
    pub only: Option<BTreeSet<ShardName>>,
    /// How that folder is watched.
    pub watch: WatchMode,
    /// Who starts and owns the children.
    pub keeper: Keeper,
    /// Where rosters are remembered.
    pub store: Store,
    /// What all results together may take in memory, in bytes.
    pub result_memory: usize,
    /// The least severe log level that any client wants to hear.
    pub level: watch::Receiver<Option<Level>>,
    /// What clients follow of the shards' resources.
    pub feed: Feed,
}

/// Starts the fleet as one of `tasks`; it stops, with all shards, when they do.
///
/// # Errors
/// The folder cannot be watched at all.
pub fn start(settings: Settings, tasks: &Tasks) -> Result<watch::Receiver<Arc<World>>, WatchError> {
    let watcher = crate::config::watch::watch(&settings.shards, settings.watch)?;
    let (world, seen) = watch::channel(Arc::new(World::default()));
    let fleet = Fleet {
        budget: Budget::new(settings.result_memory),
        settings,
        tasks: tasks.clone(),
        specs: Specs::new(),
        shards: BTreeMap::new(),
        changes: BTreeMap::new(),
        leaving: Vec::new(),
        absent: BTreeMap::new(),
        problems: Vec::new(),
        saved: BTreeMap::new(),
        tried: BTreeSet::new(),
        recalled: false,
        begun: Instant::now(),
        settle_at: Instant::now() + FIRST_START,
        changed: Arc::new(Notify::new()),
        world,
    };
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
    /// Those of them whose process is being exchanged.
    changes: BTreeMap<ShardName, Change>,
    /// Shards that are asked to stop as soon as the world does not show them any more.
    leaving: Vec<Shard>,
    /// Shards that have a file and do not run.
    absent: BTreeMap<ShardName, Absence>,
    problems: Vec<Trouble>,
    /// What the store holds, so that nothing is written twice: the roster, and whether its era is certain.
    saved: BTreeMap<ShardName, (Arc<Roster>, bool)>,
    /// Shards that were ready, or failed, once.
    tried: BTreeSet<ShardName>,
    /// A roster was remembered from an earlier run: nobody needs to wait.
    recalled: bool,
    begun: Instant,
    settle_at: Instant,
    changed: Arc<Notify>,
    world: watch::Sender<Arc<World>>,
}

impl Fleet {
    async fn run(mut self, mut watcher: Watcher) {
        self.read_folder();
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
        let folder = &self.settings.shards;
        // A network file system may take its time; nobody else waits for this thread.
        let mut reading = tokio::task::block_in_place(|| dir::read(folder, &Host, &self.specs));
        if let Some(only) = &self.settings.only {
            reading.specs.retain(|name, _| only.contains(name));
        }
        let problems: Vec<_> = reading.problems.iter().map(Trouble::from).collect();
        let is_new = |trouble: &Trouble| !self.problems.contains(trouble);
        for (problem, _) in reading.problems.iter().zip(&problems).filter(|(_, trouble)| is_new(trouble)) {
            match problem.severity {
                Severity::Error => tracing::error!("{problem}"),
                Severity::Warning => warn!("{problem}"),
            }
        }
        self.problems = problems;
        let running = self.shards.iter().map(|(name, shard)| (name.clone(), shard.spec())).collect();
        let next = self.changes.iter().filter_map(|(name, change)| Some((name.clone(), change.next()?))).collect();
        self.absent = world::absences(&reading);
        self.carry_out(plan(&running, &next, &reading.specs));
        self.specs = reading.specs;
        self.publish();
    }

    fn carry_out(&mut self, plan: Plan) {
        for name in plan.stop {
            info!(shard = %name, "shard taken away");
            self.give_up_change(&name);
            self.leaving.extend(self.shards.remove(&name));
            self.tried.remove(&name);
            self.saved.remove(&name);
        }
        for name in plan.keep {
            info!(shard = %name, "its file says again what the running process is");
            self.give_up_change(&name);
        }
        for (name, spec) in plan.review {
            info!(shard = %name, "shard seen in a new way");
            self.shards[&name].review(spec);
        }
        for (name, spec) in plan.review_next {
            match self.changes.get_mut(&name) {
                Some(Change::Swap { next }) => next.review(spec),
                Some(Change::Refused { spec: refused, .. }) => *refused = spec,
                Some(Change::Restart { .. }) | None => {}
            }
        }
        for (name, spec) in plan.start {
            info!(shard = %name, "starting shard");
            let recalled = self.recall(&spec);
            let asleep = spec.start == Start::Lazy && recalled.is_some();
            let shard = self.supervise(&spec, Setup { asleep, ..self.setup(&spec, recalled) });
            self.shards.insert(name, shard);
        }
        for (name, spec) in plan.replace {
            self.replace(name, &spec);
        }
    }

    /// Exchanges a shard's process: beside the old one if that serves and the file does not forbid it, else in its place.
    fn replace(&mut self, name: ShardName, spec: &Arc<ShardSpec>) {
        let old = self.shards[&name].clone();
        let before = match self.changes.get(&name) {
            Some(Change::Restart { before }) => Arc::clone(before),
            _ => old.spec(),
        };
        self.give_up_change(&name);
        let serves = matches!(*old.state.borrow(), ShardState::Ready(_) | ShardState::Asleep);
        let known = old.known.borrow().clone().map(|known| Known { live: false, certain: false, ..known });
        let setup = Setup { heritage: old.heritage(), ..self.setup(spec, known) };
        if serves && spec.reload == Reload::Swap {
            info!(shard = %name, "starting the changed process beside the old one");
            let next = self.supervise(spec, setup);
            self.changes.insert(name, Change::Swap { next });
        } else if spec.reload == Reload::Swap {
            info!(shard = %name, "starting the changed process");
            let next = self.supervise(spec, setup);
            self.put(name, next);
        } else {
            info!(shard = %name, "stopping the old process to start the changed one");
            let next = self.supervise(spec, Setup { after: Some(old), ..setup });
            self.put(name.clone(), next);
            self.changes.insert(name, Change::Restart { before });
        }
    }

    /// Gives a shard's place to `next`; who has it now is on its way out.
    fn put(&mut self, name: ShardName, next: Shard) {
        // It may have been saved under another command line.
        self.saved.remove(&name);
        self.leaving.extend(self.shards.insert(name, next));
    }

    fn give_up_change(&mut self, name: &ShardName) {
        if let Some(Change::Swap { next }) = self.changes.remove(name) {
            self.leaving.push(next);
        }
    }

    /// Brings every exchange as far as it has come.
    fn follow_changes(&mut self) {
        let steps = self.changes.iter().map(|(name, change)| (name.clone(), change.step(&self.shards[name])));
        for (name, step) in steps.collect::<Vec<_>>() {
            match step {
                Step::Wait => {}
                Step::Promote(next) => {
                    info!(shard = %name, "the changed process takes over");
                    self.changes.remove(&name);
                    self.put(name, next);
                }
                Step::Done => {
                    info!(shard = %name, "the changed process serves");
                    self.changes.remove(&name);
                }
                Step::Back(before, ended) => {
                    warn!(shard = %name, error = %ended, "the changed process failed; going back to the old spec");
                    let failed = self.shards[&name].clone();
                    let spec = failed.spec();
                    let before = Arc::new(before.seen_as(&spec));
                    let known = failed.known.borrow().clone();
                    let setup =
                        Setup { heritage: failed.heritage(), after: Some(failed), ..self.setup(&before, known) };
                    let next = self.supervise(&before, setup);
                    self.put(name.clone(), next);
                    self.changes.insert(name, Change::Refused { spec, ended });
                }
            }
        }
    }

    fn setup(&self, spec: &ShardSpec, known: Option<Known>) -> Setup {
        Setup {
            env: spec.child_env(&Host as &dyn Environment),
            keeper: self.settings.keeper.clone(),
            known,
            budget: self.budget.clone(),
            level: self.settings.level.clone(),
            audience: Audience::Everybody,
            feed: self.settings.feed.clone(),
            changed: Arc::clone(&self.changed),
            heritage: Heritage::default(),
            after: None,
            asleep: false,
        }
    }

    fn supervise(&self, spec: &Arc<ShardSpec>, setup: Setup) -> Shard {
        Shard::supervise(Arc::clone(spec), setup, &self.tasks)
    }

    fn recall(&mut self, spec: &ShardSpec) -> Option<Known> {
        let saved = self.settings.store.load(spec.process.command_key())?;
        let roster = Arc::new(saved.roster);
        self.saved.insert(spec.name.clone(), (Arc::clone(&roster), saved.verdict_certain));
        self.recalled = true;
        Some(Known { roster, live: false, certain: saved.verdict_certain })
    }

    fn publish(&mut self) {
        self.follow_changes();
        for (name, shard) in &self.shards {
            let state = shard.state.borrow();
            let is_tried = matches!(*state, ShardState::Ready(_) | ShardState::Backoff { .. } | ShardState::Asleep);
            if is_tried && self.tried.insert(name.clone()) {
                let (by, taken) = (self.begun + FIRST_START, self.begun.elapsed());
                self.settle_at = by.min(Instant::now() + LAGGARDS + 2 * taken);
            }
        }
        let ready = self.shards.keys().all(|name| self.tried.contains(name));
        let before = Arc::clone(&self.world.borrow());
        let settled = before.settled || self.recalled || ready || Instant::now() >= self.settle_at;
        let offers = world::offers(&self.shards);
        let (catalogue, views, left_out) = if before.shows(&offers) {
            (Arc::clone(&before.catalogue), Arc::clone(&before.views), before.left_out.clone())
        } else {
            let (catalogue, left_out) = world::merge(&before.catalogue, &offers);
            (Arc::new(catalogue), Arc::default(), left_out)
        };
        self.world.send_replace(Arc::new(World {
            catalogue,
            offers,
            views,
            left_out,
            shards: self.shards.clone(),
            absent: self.absent.clone(),
            problems: self.problems.iter().cloned().chain(self.changes.values().filter_map(Change::trouble)).collect(),
            is_read: true,
            settled,
            ready: before.ready || ready,
        }));
        self.leaving.drain(..).for_each(|shard| retire(&shard));
        // Nobody who waits for the world waits for the disk, and nobody else for this thread.
        tokio::task::block_in_place(|| self.remember());
    }

    /// Saves every roster that a shard has just told.
    fn remember(&mut self) {
        for (name, shard) in &self.shards {
            let Some(known) = shard.known.borrow().clone().filter(|known| known.live) else { continue };
            let is_saved = |(roster, certain): &(Arc<Roster>, bool)| {
                *certain == known.certain && (Arc::ptr_eq(roster, &known.roster) || roster.is_kept_as(&known.roster))
            };
            if self.saved.get(name).is_some_and(is_saved) {
                continue;
            }
            let saved = Saved { roster: (*known.roster).clone(), verdict_certain: known.certain };
            if self.settings.store.remember(shard.spec().process.command_key(), &saved) {
                self.saved.insert(name.clone(), (known.roster, known.certain));
            }
        }
    }
}

/// Lets it finish what is under way; its supervisor ends it.
fn retire(shard: &Shard) {
    shard.stop(shard.spec().timeouts.drain);
}
