//! A shard as everything outside it sees it.
//!
//! Invariant: nobody here holds the child. State and offer are read from a `watch`; what is asked of the supervisor goes
//! through one too.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tracing::{Instrument, info_span};

use crate::config::ShardSpec;
use crate::shard::Ended;
use crate::shard::budget::Budget;
use crate::shard::followed::{Audience, Feed};
use crate::shard::keeper::Keeper;
use crate::shard::link::Link;
use crate::shard::roster::Roster;
use crate::shard::stats::Stats;
use crate::shard::stderr::StderrTail;
use crate::shard::supervisor::Supervisor;
use crate::tasks::Tasks;
use crate::wire::{Era, Level};

/// What a shard is doing.
#[derive(Debug, Clone)]
pub enum ShardState {
    /// A child is there, or about to be, and does not serve yet.
    Starting,
    /// Calls are taken.
    Ready(Live),
    /// It ended and is started again.
    Backoff {
        /// When.
        until: Instant,
        /// Why.
        ended: Arc<Ended>,
    },
    /// It takes no more calls and finishes those under way, or waits until its predecessor has.
    Draining,
    /// It has no child, and gets one when it is called.
    Asleep,
    /// It was stopped on purpose, and its child is gone.
    Stopped,
}

/// A child that serves.
#[derive(Debug, Clone)]
pub struct Live {
    /// The way to it.
    pub link: Link,
    /// The era that it speaks.
    pub era: Era,
    /// Its process id.
    pub pid: u32,
}

/// What is known of a shard's offer.
#[derive(Debug, Clone)]
pub struct Known {
    /// The offer.
    pub roster: Arc<Roster>,
    /// False if it was only remembered from an earlier run.
    pub live: bool,
    /// Whether the era may be relied on at the next start; false if only silence speaks for it.
    pub certain: bool,
}

/// What a supervisor needs besides the spec.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Who starts and owns the child.
    pub keeper: Keeper,
    /// The variables of the child.
    pub env: BTreeMap<OsString, OsString>,
    /// What was learned in an earlier run.
    pub known: Option<Known>,
    /// What all results together may take in memory.
    pub budget: Budget,
    /// The least severe log level that any client wants to hear; `None` if none has said.
    pub level: watch::Receiver<Option<Level>>,
    /// Whom the process serves, and what of its resources they follow.
    pub audience: Audience,
    /// See [`Setup::audience`].
    pub feed: Feed,
    /// Woken whenever state or offer have changed; carries nothing.
    pub changed: Arc<Notify>,
    /// What goes on from the process whose place it takes.
    pub heritage: Heritage,
    /// It starts when this one, which has been asked to stop, has stopped.
    pub after: Option<Shard>,
    /// It starts when it is called.
    pub asleep: bool,
}

/// What one process of a shard leaves to the next.
#[derive(Debug, Clone, Default)]
pub struct Heritage {
    /// The number of the last call, so that a line that was not sent can go to the next process.
    pub(crate) numbers: Arc<AtomicU64>,
    pub(crate) stats: Arc<Stats>,
}

/// A shard as others see it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Shard(Arc<Handle>);

/// What a [`Shard`] gives access to.
#[derive(Debug)]
pub struct Handle {
    /// What it is doing.
    pub state: watch::Receiver<ShardState>,
    /// What it offers, as far as is known.
    pub known: watch::Receiver<Option<Known>>,
    /// What it has done.
    pub stats: Arc<Stats>,
    numbers: Arc<AtomicU64>,
    /// What it says on stderr.
    pub stderr: StderrTail,
    spec: watch::Sender<Arc<ShardSpec>>,
    stop: watch::Sender<Option<Duration>>,
    wake: watch::Sender<()>,
}

impl Deref for Shard {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.0
    }
}

impl Shard {
    /// Starts supervising; the supervisor is one of `tasks` and ends after [`Shard::stop`] or when they stop.
    pub fn supervise(spec: Arc<ShardSpec>, setup: Setup, tasks: &Tasks) -> Self {
        let (state, seen) = watch::channel(ShardState::Starting);
        let (known, roster) = watch::channel(setup.known.clone());
        let (stop, stopping) = watch::channel(None);
        let (wake, woken) = watch::channel(());
        let (spec, described) = watch::channel(spec);
        let heritage = setup.heritage.clone();
        let Heritage { stats, numbers } = heritage.clone();
        let stderr = StderrTail::default();
        let span = info_span!("shard", shard = %spec.borrow().name);
        let supervisor = Supervisor {
            spec: described,
            heritage,
            setup,
            state,
            known,
            stderr: stderr.clone(),
            stopping,
            woken,
            tasks: tasks.clone(),
        };
        tasks.spawn(supervisor.run().instrument(span));
        Self(Arc::new(Handle { state: seen, known: roster, stats, numbers, stderr, spec, stop, wake }))
    }

    /// Its spec as it is now.
    pub fn spec(&self) -> Arc<ShardSpec> {
        Arc::clone(&self.spec.borrow())
    }

    /// Gives it another spec for the same process.
    pub fn review(&self, spec: Arc<ShardSpec>) {
        self.spec.send_replace(spec);
    }

    /// For the process that is to take its place.
    pub fn heritage(&self) -> Heritage {
        Heritage { numbers: Arc::clone(&self.numbers), stats: Arc::new(self.stats.successor()) }
    }

    /// Gives it a child if it sleeps. Returns at once.
    pub fn wake(&self) {
        self.wake.send_replace(());
    }

    /// Asks it to stop: no new calls, `drain` for those under way. Returns at once.
    pub fn stop(&self, drain: Duration) {
        self.stop.send_replace(Some(drain));
    }

    /// Waits until the child is gone after [`Shard::stop`].
    pub async fn stopped(&self) {
        let mut state = self.state.clone();
        // An error means that the supervisor is gone, and its child with it.
        let _ = state.wait_for(|state| matches!(state, ShardState::Stopped)).await;
    }
}
