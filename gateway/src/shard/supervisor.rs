//! Who keeps a shard alive: starts it, agrees with it, publishes what it offers, and starts it again.
//!
//! Invariant: one supervisor owns the shard's child; others see its state in a `watch` and hold links. It never gives up.

mod following;
mod greeting;
mod keeping;
mod listening;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use tracing::{info, warn};

use crate::config::{Protocol, ShardSpec};
use crate::shard::backoff::Backoff;
use crate::shard::handle::Heritage;
use crate::shard::handshake::Plan;
use crate::shard::instance::Instance;
use crate::shard::link::{Limits, Link, Ties};
use crate::shard::pool::Pool;
use crate::shard::stderr::StderrTail;
use crate::shard::{Ended, Known, Live, Reason, Role, Setup, ShardState};
use crate::tasks::Tasks;

/// How often one start may be begun anew because the eras differ.
const REPLANS: usize = 4;

/// The owner of a shard's child.
pub(crate) struct Supervisor {
    pub(crate) spec: watch::Receiver<Arc<ShardSpec>>,
    pub(crate) heritage: Heritage,
    pub(crate) setup: Setup,
    pub(crate) state: watch::Sender<ShardState>,
    pub(crate) known: watch::Sender<Option<Known>>,
    pub(crate) stderr: StderrTail,
    pub(crate) stopping: watch::Receiver<Option<Duration>>,
    pub(crate) woken: watch::Receiver<()>,
    pub(crate) ties: Ties,
    /// The children beside this one.
    pub(crate) pool: Option<Arc<Pool>>,
    pub(crate) tasks: Tasks,
}

/// How one life of a child ended.
enum End {
    /// On purpose.
    Stopped,
    /// Nobody had called it for long enough.
    Idle,
    /// To be started again at once and asked this.
    Replan(Plan),
    /// To be exchanged for a fresh one at once.
    Renew,
    /// Of itself.
    Died(Arc<Ended>),
}

/// Where a child's offer is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Offering {
    /// The child is asked.
    Fetched,
    /// It is what the shard's children are known to offer.
    Known,
}

/// What follows the end of a child.
enum Next {
    Stop,
    Sleep,
    Renew,
    Replan(Plan),
    /// Another child, then.
    Restart(Instant),
}

impl Supervisor {
    /// Until the shard is stopped.
    pub(crate) async fn run(mut self) {
        if let Some(before) = self.setup.after.take() {
            // Also when this one is to stop meanwhile: whoever follows waits for both.
            self.enter(ShardState::Draining);
            before.stopped().await;
        }
        let asleep = self.setup.asleep;
        if !asleep || self.sleep().await.is_some() {
            self.keep_alive().await;
        }
        if let Some(pool) = &self.pool {
            pool.stop(Duration::ZERO);
            pool.stopped().await;
        }
        self.enter(ShardState::Stopped);
    }

    /// Starts child after child, until the shard is stopped.
    async fn keep_alive(&mut self) {
        let mut backoff = Backoff::default();
        let mut plan = self.first_plan();
        let mut replans = 0;
        let mut offer = Offering::Fetched;
        loop {
            self.enter(ShardState::Starting);
            let next = self.live_once(plan, offer, &mut backoff).await;
            offer = if matches!(next, Next::Renew) { Offering::Known } else { Offering::Fetched };
            let until = match next {
                Next::Stop => return,
                Next::Renew => {
                    (plan, replans) = (self.first_plan(), 0);
                    continue;
                }
                Next::Sleep => {
                    if self.sleep().await.is_none() {
                        return;
                    }
                    (plan, replans) = (self.first_plan(), 0);
                    continue;
                }
                Next::Replan(next) if replans < REPLANS => {
                    info!(?next, "starting the shard again to speak its era");
                    (plan, replans) = (next, replans + 1);
                    continue;
                }
                Next::Replan(_) => {
                    let error = "it answers differently each time it is asked which era it speaks".to_owned();
                    let ended = Ended { reason: Reason::Handshake(error), stderr: Vec::new() };
                    self.fall(&Arc::new(ended), &mut backoff)
                }
                Next::Restart(until) => until,
            };
            (plan, replans) = (self.first_plan(), 0);
            if timeout_at(until, self.stop_asked()).await.is_ok() {
                return;
            }
            self.heritage.stats.count_restart();
        }
    }

    /// Without a child until one is needed; `None` if it is to stop instead.
    async fn sleep(&mut self) -> Option<()> {
        // Before anybody can see that it sleeps: who does wakes it, and no earlier call may.
        self.woken.mark_unchanged();
        self.enter(ShardState::Asleep);
        let mut woken = self.woken.clone();
        tokio::select! {
            called = woken.changed() => called.ok(),
            () = self.listed_anew() => Some(()),
            () = self.followed() => Some(()),
            () = self.stop_asked() => None,
        }
    }

    fn enter(&self, state: ShardState) {
        self.state.send_replace(state);
        self.setup.changed.notify_one();
    }

    /// Says when the shard is started again. Before its calls are told of its end, so that they can say so too.
    fn fall(&self, ended: &Arc<Ended>, backoff: &mut Backoff) -> Instant {
        let delay = backoff.next();
        warn!(error = %ended, ?delay, "shard ended, will restart");
        self.heritage.stats.keep_ended(ended);
        let until = Instant::now() + delay;
        self.enter(ShardState::Backoff { until, ended: Arc::clone(ended) });
        until
    }

    fn learn(&self, change: impl FnOnce(&mut Option<Known>)) {
        self.known.send_modify(change);
        self.setup.changed.notify_one();
    }

    fn spec(&self) -> Arc<ShardSpec> {
        Arc::clone(&self.spec.borrow())
    }

    async fn live_once(&self, plan: Plan, offer: Offering, backoff: &mut Backoff) -> Next {
        let spec = self.spec();
        let Setup { budget, audience, feed, .. } = &self.setup;
        let limits = Limits::of(&spec, budget.clone(), *audience, feed.clone());
        let link = Link::new(limits, self.heritage.clone(), self.ties.clone());
        let launched = Instance::launch(&spec, &self.setup, link, self.stderr.clone(), &self.tasks).await;
        let mut instance = match launched {
            Ok(instance) => instance,
            Err(ended) => return Next::Restart(self.fall(&Arc::new(ended), backoff)),
        };
        info!(pid = instance.id(), "shard started");
        let end = tokio::select! {
            end = self.serve(&mut instance, plan, offer, backoff) => end,
            _ = self.stop_asked() => End::Stopped,
        };
        let (next, ended, drain) = match end {
            End::Died(ended) => (Next::Restart(self.fall(&ended, backoff)), ended, Duration::ZERO),
            End::Replan(plan) => {
                self.enter(ShardState::Starting);
                (Next::Replan(plan), instance.report(Reason::Stopped), self.spec().timeouts.drain)
            }
            End::Renew => {
                self.enter(ShardState::Starting);
                (Next::Renew, instance.report(Reason::Stopped), Duration::ZERO)
            }
            End::Idle => {
                info!("nobody calls the shard: it sleeps until somebody does");
                if matches!(self.setup.role, Role::Primary) {
                    // Else a child that says as it ends that its lists have changed would be woken to fetch them.
                    instance.link.hush();
                }
                self.enter(ShardState::Draining);
                (Next::Sleep, instance.report(Reason::Stopped), Duration::ZERO)
            }
            End::Stopped => {
                self.enter(ShardState::Draining);
                let drain = self.stopping.borrow().unwrap_or_default();
                (Next::Stop, instance.report(Reason::Stopped), drain)
            }
        };
        instance.close(&ended, drain, self.spec().timeouts.stop, self.tasks.stop()).await;
        next
    }

    /// From the handshake to the end of the child.
    async fn serve(&self, instance: &mut Instance, plan: Plan, offer: Offering, backoff: &mut Backoff) -> End {
        let mut greeting = match self.greet(instance, plan).await {
            Ok(greeting) => greeting,
            Err(end) => return end,
        };
        if self.is_another_server(&greeting, plan) {
            info!("the server is not the one whose era was remembered");
            self.forget_era();
            return End::Replan(Plan::Probe);
        }
        let link = instance.link.clone();
        let (roster, listening) = tokio::select! {
            prepared = self.prepare(&link, &greeting, offer) => prepared,
            reason = instance.ended() => return End::Died(instance.report(reason)),
        };
        let live = Live { link: link.clone(), era: greeting.era, pid: instance.id().unwrap_or_default() };
        info!(era = greeting.era.as_str(), revision = roster.revision, "shard ready");
        // What the file says is no verdict: without that line the shard is asked.
        let certain = greeting.certain && self.spec().process.protocol == Protocol::Auto;
        self.learn(|known| *known = Some(Known { roster: Arc::clone(&roster), live: true, certain }));
        link.open();
        self.enter(ShardState::Ready(live));
        let ready = Instant::now();
        let reason = tokio::select! {
            reason = instance.ended() => reason,
            () = self.keep_roster(&link, greeting.era) => Reason::Closed,
            () = self.keep_level(&link) => Reason::Closed,
            () = self.keep_followed(&link, listening) => Reason::Closed,
            () = self.keep_limits(&link) => Reason::Closed,
            () = self.idle(&link) => return End::Idle,
            () = link.renewal() => return End::Renew,
            () = keeping::until_modern(&mut greeting) => return End::Replan(Plan::Discover),
        };
        backoff.lived(ready.elapsed());
        if link.has_served() {
            backoff.proved();
        }
        End::Died(instance.report(reason))
    }

    /// Ready when the shard, or everything, is to stop.
    async fn stop_asked(&self) {
        let mut stopping = self.stopping.clone();
        tokio::select! {
            _ = stopping.wait_for(Option::is_some) => {}
            () = self.tasks.stop().cancelled() => {}
        }
    }
}
