//! Who keeps a shard alive: starts it, agrees with it, publishes what it offers, and starts it again.
//!
//! Invariant: one supervisor owns the shard's child; others see its state in a `watch` and hold links. It never gives up.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tracing::{info, warn};

use crate::config::{Protocol, ShardSpec};
use crate::shard::backoff::Backoff;
use crate::shard::fetch;
use crate::shard::handshake::{self, Disagreed, Greeting, Plan};
use crate::shard::instance::Instance;
use crate::shard::link::{Caller, Deadlines, Limits, Link};
use crate::shard::roster::Roster;
use crate::shard::stats::Stats;
use crate::shard::stderr::StderrTail;
use crate::shard::{Ended, Known, Live, Reason, Setup, ShardState};
use crate::tasks::Tasks;
use crate::wire::{Era, Level, request};

/// A shard that ran this long without ending has proved itself.
const PROVEN: Duration = Duration::from_secs(10);
/// How often one start may be begun anew because the eras differ.
const REPLANS: usize = 4;

/// The owner of a shard's child.
pub(crate) struct Supervisor {
    pub(crate) spec: watch::Receiver<Arc<ShardSpec>>,
    /// Goes on over the lives of the child, so that a line that was not sent can go to the next.
    pub(crate) numbers: Arc<AtomicU64>,
    pub(crate) setup: Setup,
    pub(crate) state: watch::Sender<ShardState>,
    pub(crate) known: watch::Sender<Option<Known>>,
    pub(crate) stats: Arc<Stats>,
    pub(crate) stderr: StderrTail,
    pub(crate) stopping: watch::Receiver<Option<Duration>>,
    pub(crate) tasks: Tasks,
}

/// How one life of a child ended.
enum End {
    /// On purpose.
    Stopped,
    /// To be started again at once and asked this.
    Replan(Plan),
    /// Of itself.
    Died(Arc<Ended>),
}

impl Supervisor {
    /// Until the shard is stopped.
    pub(crate) async fn run(self) {
        let mut backoff = Backoff::default();
        let mut plan = self.first_plan();
        let mut replans = 0;
        loop {
            self.enter(ShardState::Starting);
            let ended = match self.live_once(plan, &mut backoff).await {
                End::Stopped => break,
                End::Replan(next) if replans < REPLANS => {
                    info!(?next, "starting the shard again to speak its era");
                    (plan, replans) = (next, replans + 1);
                    continue;
                }
                End::Replan(_) => self.ended("it answers differently each time it is asked which era it speaks"),
                End::Died(ended) => ended,
            };
            replans = 0;
            plan = self.first_plan();
            let delay = backoff.next();
            warn!(error = %ended, ?delay, "shard ended, will restart");
            self.stats.keep_ended(&ended);
            self.enter(ShardState::Backoff { until: Instant::now() + delay, ended });
            if timeout(delay, self.stop_asked()).await.is_ok() {
                break;
            }
            self.stats.count_restart();
        }
        self.enter(ShardState::Stopped);
    }

    fn enter(&self, state: ShardState) {
        self.state.send_replace(state);
        self.setup.changed.notify_one();
    }

    fn learn(&self, change: impl FnOnce(&mut Option<Known>)) {
        self.known.send_modify(change);
        self.setup.changed.notify_one();
    }

    fn spec(&self) -> Arc<ShardSpec> {
        Arc::clone(&self.spec.borrow())
    }

    /// What the file says, else what is remembered, else the probe.
    fn first_plan(&self) -> Plan {
        match self.spec().process.protocol {
            Protocol::Legacy => Plan::Initialize,
            Protocol::Modern => Plan::Discover,
            Protocol::Auto => match self.remembered() {
                Some(Era::Legacy) => Plan::Initialize,
                Some(Era::Modern) => Plan::Discover,
                None => Plan::Probe,
            },
        }
    }

    fn remembered(&self) -> Option<Era> {
        self.known.borrow().as_ref().filter(|known| known.certain).map(|known| known.roster.era())
    }

    async fn live_once(&self, plan: Plan, backoff: &mut Backoff) -> End {
        let spec = self.spec();
        let limits = Limits {
            in_flight: spec.limits.in_flight,
            message: spec.limits.message,
            budget: self.setup.budget.clone(),
        };
        let link = Link::new(limits, Arc::clone(&self.numbers), Arc::clone(&self.stats));
        let launched = Instance::launch(&spec, &self.setup.env, link, self.stderr.clone(), &self.tasks);
        let mut instance = match launched {
            Ok(instance) => instance,
            Err(ended) => return End::Died(Arc::new(ended)),
        };
        info!(pid = instance.id(), "shard started");
        let end = tokio::select! {
            end = self.serve(&mut instance, plan, backoff) => end,
            _ = self.stop_asked() => End::Stopped,
        };
        let (ended, drain) = match &end {
            End::Died(ended) => (Arc::clone(ended), Duration::ZERO),
            End::Replan(_) => (instance.report(Reason::Stopped), Duration::ZERO),
            End::Stopped => {
                self.enter(ShardState::Draining);
                let drain = self.stopping.borrow().unwrap_or_default();
                (instance.report(Reason::Stopped), drain)
            }
        };
        instance.close(&ended, drain, self.spec().timeouts.stop, self.tasks.stop()).await;
        end
    }

    /// From the handshake to the end of the child.
    async fn serve(&self, instance: &mut Instance, plan: Plan, backoff: &mut Backoff) -> End {
        let mut greeting = match self.greet(instance, plan).await {
            Ok(greeting) => greeting,
            Err(end) => return end,
        };
        let link = instance.link.clone();
        let deadlines = self.deadlines();
        let roster = tokio::select! {
            roster = fetch::roster(&link, &greeting, deadlines) => Arc::new(roster),
            reason = instance.ended() => return End::Died(instance.report(reason)),
        };
        if self.is_another_server(&roster, plan) {
            info!("the server is not the one that was remembered");
            self.learn(|known| *known = None);
            return End::Replan(Plan::Probe);
        }
        let live = Live { link: link.clone(), era: greeting.era, pid: instance.id().unwrap_or_default() };
        info!(era = greeting.era.as_str(), revision = roster.revision, "shard ready");
        let certain = greeting.certain;
        let roster = self.bumped(roster);
        let heard = self.tell_level(&link, &roster, deadlines).await;
        self.learn(|known| *known = Some(Known { roster: Arc::clone(&roster), live: true, certain }));
        self.enter(ShardState::Ready(live));
        let ready = Instant::now();
        let reason = tokio::select! {
            reason = instance.ended() => reason,
            () = self.keep_roster(&link, greeting.era, deadlines) => Reason::Closed,
            () = self.keep_level(&link, &roster, deadlines, heard) => Reason::Closed,
            () = until_modern(&mut greeting) => return End::Replan(Plan::Discover),
        };
        if ready.elapsed() >= PROVEN {
            backoff.reset();
        }
        End::Died(instance.report(reason))
    }

    /// The handshake, within `timeouts.start`, or how it came to nothing.
    async fn greet(&self, instance: &mut Instance, plan: Plan) -> Result<Box<Greeting>, End> {
        let limit = self.spec().timeouts.start;
        let link = instance.link.clone();
        let mut agreeing = pin!(timeout(limit, handshake::agree(&link, plan)));
        let (agreed, ended) = tokio::select! {
            biased;
            agreed = &mut agreeing => (agreed, None),
            reason = instance.ended() => {
                let ended = instance.report(reason);
                link.refuse_calls();
                link.fail_all(&ended);
                (agreeing.await, Some(ended))
            }
        };
        let failed = match agreed {
            Ok(Ok(greeting)) => return Ok(greeting),
            Ok(Err(Disagreed::Restart(next))) => match self.spec().process.protocol {
                Protocol::Auto => return Err(End::Replan(next)),
                Protocol::Legacy => Reason::Handshake("it speaks 2026-07-28, its file says `protocol: legacy`".into()),
                Protocol::Modern => Reason::Handshake("it has no 2026-07-28, its file says `protocol: modern`".into()),
            },
            Ok(Err(Disagreed::Failed(error))) => Reason::Handshake(self.spec().mask.apply(&error).into_owned()),
            Err(_) => Reason::Silent(limit),
        };
        if self.spec().process.protocol == Protocol::Auto && self.remembered().is_some() {
            self.learn(|known| known.iter_mut().for_each(|known| known.certain = false));
            return Err(End::Replan(Plan::Probe));
        }
        Err(End::Died(ended.unwrap_or_else(|| instance.report(failed))))
    }

    /// A remembered era says nothing about a server that was exchanged.
    fn is_another_server(&self, roster: &Roster, plan: Plan) -> bool {
        let known = self.known.borrow();
        let Some(known) = known.as_ref().filter(|known| known.certain) else { return false };
        let relied = plan != Plan::Probe && self.spec().process.protocol == Protocol::Auto;
        relied && !known.live && known.roster.server_info != roster.server_info
    }

    /// Fetches what the shard says has changed, for as long as it lives.
    async fn keep_roster(&self, link: &Link, era: Era, deadlines: Deadlines) {
        loop {
            for list in link.changed().await {
                let mut offered = fetch::offered(link, era, list, deadlines).await;
                self.learn(|known| {
                    let Some(known) = known else { return };
                    let mut roster = (*known.roster).clone();
                    offered.generation = roster.list(list).generation + 1;
                    roster.lists[list as usize] = Arc::new(offered);
                    known.roster = Arc::new(roster);
                });
            }
        }
    }

    /// Tells a legacy shard the most verbose wish of all clients, before anybody calls it.
    async fn tell_level(&self, link: &Link, roster: &Roster, deadlines: Deadlines) -> Option<Level> {
        let level = *self.setup.level.borrow();
        if let Some(level) = level
            && roster.era() == Era::Legacy
            && roster.declares("logging")
        {
            let params = serde_json::json!({"level": level.as_str()}).to_string();
            let number = link.next_number();
            let line = request(number, "logging/setLevel", Some(params.as_bytes()));
            if let Ok(call) = link.call(number, line, Caller::GATEWAY, deadlines) {
                // Whatever it answers: a level that a shard will not take changes nothing for the calls.
                let _ = call.done().await;
            }
        }
        level
    }

    async fn keep_level(&self, link: &Link, roster: &Roster, deadlines: Deadlines, mut heard: Option<Level>) {
        let mut wish = self.setup.level.clone();
        while wish.wait_for(|level| *level != heard).await.is_ok() {
            heard = self.tell_level(link, roster, deadlines).await;
        }
        std::future::pending::<()>().await;
    }

    /// Generations go on counting over the lives of the child.
    fn bumped(&self, mut roster: Arc<Roster>) -> Arc<Roster> {
        let known = self.known.borrow();
        let Some(before) = known.as_ref().filter(|known| known.live) else { return roster };
        let fresh = Arc::make_mut(&mut roster);
        for (list, old) in fresh.lists.iter_mut().zip(&before.roster.lists) {
            let changed = list.items != old.items;
            Arc::make_mut(list).generation = old.generation + u64::from(changed);
        }
        roster
    }

    fn deadlines(&self) -> Deadlines {
        Deadlines { call: self.spec().timeouts.start, max: self.spec().timeouts.start }
    }

    fn ended(&self, error: &str) -> Arc<Ended> {
        Arc::new(Ended { reason: Reason::Handshake(error.to_owned()), stderr: self.stderr.last(3) })
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

/// Ready if a shard that was silent when asked turns out to be modern after all.
async fn until_modern(greeting: &mut Greeting) {
    if let Some(discover) = &mut greeting.discover
        && handshake::turned_out_modern(discover).await
    {
        return;
    }
    std::future::pending::<()>().await;
}
