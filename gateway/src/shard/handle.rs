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

use crate::config::{Instances, ShardSpec};
use crate::shard::Ended;
use crate::shard::budget::Budget;
use crate::shard::followed::{Audience, Feed, is_listener};
use crate::shard::keeper::Keeper;
use crate::shard::link::{Link, Marks, Refused, Ties};
use crate::shard::pool::{self, Child, OwnChildren, Place, Pool, Search, Tenant};
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
    /// What all sessions with children of their own share.
    pub own_children: OwnChildren,
    /// Which of the shard's children it is.
    pub role: Role,
}

/// Which of a shard's children.
#[derive(Debug, Clone)]
pub enum Role {
    /// The one that keeps the roster, with a pool of others if the file says so.
    Primary,
    /// One of the others: it fetches no lists and is not published.
    Member(Ties),
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
    marks: Arc<Marks>,
    pool: Option<Arc<Pool>>,
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
    pub fn supervise(spec: Arc<ShardSpec>, mut setup: Setup, tasks: &Tasks) -> Self {
        let (state, seen) = watch::channel(ShardState::Starting);
        let (known, roster) = watch::channel(setup.known.clone());
        let (stop, stopping) = watch::channel(None);
        let (wake, woken) = watch::channel(());
        let pool = Pool::of(&spec, &setup, tasks);
        let ties = match (&setup.role, &pool) {
            (Role::Member(ties), _) => ties.clone(),
            (Role::Primary, Some(pool)) => pool.ties(),
            (Role::Primary, None) => Ties::default(),
        };
        let (post, elicited) = (Some(setup.own_children.post()), setup.own_children.elicited());
        let ties = Ties { post, elicited, ..ties };
        setup.audience = pool.as_ref().map_or(setup.audience, |pool| pool.audience());
        let marks = Arc::clone(&ties.marks);
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
            ties,
            pool: pool.clone(),
            tasks: tasks.clone(),
        };
        tasks.spawn(supervisor.run().instrument(span.clone()));
        let tended = pool.clone();
        let handle = Handle { state: seen, known: roster, stats, numbers, stderr, marks, pool, spec, stop, wake };
        let shard = Self(Arc::new(handle));
        if let Some(pool) = tended {
            let tending = pool::tend(pool, Arc::downgrade(&shard.0), shard.state.clone());
            tasks.spawn_until_stop(tending.instrument(span));
        }
        shard
    }

    /// Its spec as it is now.
    pub fn spec(&self) -> Arc<ShardSpec> {
        Arc::clone(&self.spec.borrow())
    }

    /// Gives it another spec for the same process.
    pub fn review(&self, spec: Arc<ShardSpec>) {
        if let Some(pool) = &self.pool {
            pool.review(&spec);
        }
        self.spec.send_replace(spec);
    }

    /// The child that can take a call of `tenant` now, if nobody waits for it.
    pub fn take(&self, tenant: &Tenant) -> Option<Place> {
        match &self.pool {
            Some(pool) => pool.take(self, tenant),
            None => match &*self.state.borrow() {
                ShardState::Ready(live) => Some(Place::shared(self.clone(), live.clone())),
                _ => None,
            },
        }
    }

    /// Looks for a child that can take a call of `tenant`, or will be able to.
    ///
    /// # Errors
    /// [`Refused`]: too many wait, or there are too many children.
    pub fn seek(&self, tenant: &Tenant) -> Result<Search, Refused> {
        match &self.pool {
            Some(pool) => pool.seek(self, tenant),
            None => Ok(Search::of_shared(self)),
        }
    }

    /// The session is over, and its child with it.
    pub fn end(&self, client: u128) {
        self.pool.iter().for_each(|pool| pool.end(client));
    }

    /// What the session wants to hear of its own child from now on.
    pub fn set_level(&self, client: u128, level: Level) {
        self.pool.iter().for_each(|pool| pool.set_level(client, level));
    }

    /// The session's own child, while it serves.
    pub fn private(&self, client: u128) -> Option<Live> {
        self.pool.as_ref()?.private(client)
    }

    /// Whether the child is there that reports on resources to this session, or to who listens under this key.
    pub fn reports_to(&self, session: u128) -> bool {
        if self.has_own_child_for(session) {
            return self.private(session).is_some();
        }
        matches!(*self.state.borrow(), ShardState::Ready(_))
    }

    /// Whether that child is there or comes without being called.
    pub fn is_to_report_to(&self, session: u128) -> bool {
        !self.has_own_child_for(session) || self.private(session).is_some()
    }

    /// Whether that child is there, and is the one that a call of the session reaches.
    pub fn is_called_where_it_reports_to(&self, session: u128) -> bool {
        self.spec().process.instances != Instances::Exclusive && self.reports_to(session)
    }

    fn has_own_child_for(&self, session: u128) -> bool {
        self.spec().process.instances == Instances::PerSession && !is_listener(session)
    }

    /// The children that serve beside the one that [`Handle::state`] tells of.
    pub fn others(&self) -> Vec<Child> {
        self.pool.as_ref().map(|pool| pool.children()).unwrap_or_default()
    }

    pub(super) fn of(handle: Arc<Handle>) -> Self {
        Self(handle)
    }

    pub(super) fn marks(&self) -> Arc<Marks> {
        Arc::clone(&self.marks)
    }

    /// For another child beside it.
    pub(super) fn own_heritage(&self) -> Heritage {
        Heritage { numbers: Arc::clone(&self.numbers), stats: Arc::clone(&self.stats) }
    }

    /// Whether both are the same.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
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
        self.pool.iter().for_each(|pool| pool.stop(drain));
        self.stop.send_replace(Some(drain));
    }

    /// Waits until the child is gone after [`Shard::stop`].
    pub async fn stopped(&self) {
        let mut state = self.state.clone();
        // An error means that the supervisor is gone, and its child with it.
        let _ = state.wait_for(|state| matches!(state, ShardState::Stopped)).await;
    }
}
