//! Who keeps a shard alive: starts it, agrees with it, publishes what it offers, and starts it again.
//!
//! Invariant: one supervisor owns the shard's child; others see its state in a `watch` and hold links. It never gives up.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing::{info, warn};

use crate::config::{Protocol, ShardSpec};
use crate::shard::backoff::Backoff;
use crate::shard::fetch::{self, Within};
use crate::shard::handshake::{self, Disagreed, Greeting, Plan};
use crate::shard::instance::Instance;
use crate::shard::link::{Caller, Deadlines, Limits, Link};
use crate::shard::roster::{Offered, Roster};
use crate::shard::stats::Stats;
use crate::shard::stderr::StderrTail;
use crate::shard::{Ended, Known, Live, Reason, Setup, ShardState};
use crate::tasks::Tasks;
use crate::wire::{Era, Level, request};

/// A shard that ran this long without ending has proved itself.
const PROVEN: Duration = Duration::from_secs(10);
/// How often one start may be begun anew because the eras differ.
const REPLANS: usize = 4;
/// Between two fetches of changed lists, for shards that say so without end.
const PAUSE: Duration = Duration::from_millis(100);

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

/// What follows the end of a child.
enum Next {
    Stop,
    Replan(Plan),
    /// Another child, then.
    Restart(Instant),
}

impl Supervisor {
    /// Until the shard is stopped.
    pub(crate) async fn run(self) {
        let mut backoff = Backoff::default();
        let mut plan = self.first_plan();
        let mut replans = 0;
        loop {
            self.enter(ShardState::Starting);
            let until = match self.live_once(plan, &mut backoff).await {
                Next::Stop => break,
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

    /// Says when the shard is started again. Before its calls are told of its end, so that they can say so too.
    fn fall(&self, ended: &Arc<Ended>, backoff: &mut Backoff) -> Instant {
        let delay = backoff.next();
        warn!(error = %ended, ?delay, "shard ended, will restart");
        self.stats.keep_ended(ended);
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

    /// The era must be asked for again; what is known of the offer is shown until then.
    fn forget_era(&self) {
        self.learn(|known| known.iter_mut().for_each(|known| known.certain = false));
    }

    async fn live_once(&self, plan: Plan, backoff: &mut Backoff) -> Next {
        let spec = self.spec();
        let limits = Limits {
            in_flight: spec.limits.in_flight,
            message: spec.limits.message,
            budget: self.setup.budget.clone(),
            mask: spec.mask.clone(),
        };
        let link = Link::new(limits, Arc::clone(&self.numbers), Arc::clone(&self.stats));
        let launched = Instance::launch(&spec, &self.setup, link, self.stderr.clone(), &self.tasks).await;
        let mut instance = match launched {
            Ok(instance) => instance,
            Err(ended) => return Next::Restart(self.fall(&Arc::new(ended), backoff)),
        };
        info!(pid = instance.id(), "shard started");
        let end = tokio::select! {
            end = self.serve(&mut instance, plan, backoff) => end,
            _ = self.stop_asked() => End::Stopped,
        };
        let (next, ended, drain) = match end {
            End::Died(ended) => (Next::Restart(self.fall(&ended, backoff)), ended, Duration::ZERO),
            End::Replan(plan) => {
                self.enter(ShardState::Starting);
                (Next::Replan(plan), instance.report(Reason::Stopped), self.spec().timeouts.drain)
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
    async fn serve(&self, instance: &mut Instance, plan: Plan, backoff: &mut Backoff) -> End {
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
        let (roster, heard) = tokio::select! {
            prepared = self.prepare(&link, &greeting) => prepared,
            reason = instance.ended() => return End::Died(instance.report(reason)),
        };
        let live = Live { link: link.clone(), era: greeting.era, pid: instance.id().unwrap_or_default() };
        info!(era = greeting.era.as_str(), revision = roster.revision, "shard ready");
        // What the file says is no verdict: without that line the shard is asked.
        let certain = greeting.certain && self.spec().process.protocol == Protocol::Auto;
        self.learn(|known| *known = Some(Known { roster: Arc::clone(&roster), live: true, certain }));
        self.enter(ShardState::Ready(live));
        let ready = Instant::now();
        let reason = tokio::select! {
            reason = instance.ended() => reason,
            () = self.keep_roster(&link, greeting.era) => Reason::Closed,
            () = self.keep_level(&link, &roster, heard) => Reason::Closed,
            () = until_modern(&mut greeting) => return End::Replan(Plan::Discover),
        };
        if ready.elapsed() >= PROVEN {
            backoff.reset();
        }
        End::Died(instance.report(reason))
    }

    /// What the shard offers, and the log level that it has been told.
    async fn prepare(&self, link: &Link, greeting: &Greeting) -> (Arc<Roster>, Option<Level>) {
        let within = Within::from_now(self.spec().timeouts.start);
        let roster = self.bumped(Arc::new(fetch::roster(link, greeting, within).await));
        let heard = self.tell_level(link, &roster).await;
        (roster, heard)
    }

    /// The handshake, within `timeouts.start`, or how it came to nothing.
    async fn greet(&self, instance: &mut Instance, plan: Plan) -> Result<Box<Greeting>, End> {
        let (limit, protocol) = (self.spec().timeouts.start, self.spec().process.protocol);
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
            Ok(Err(Disagreed::Restart(next))) if protocol == Protocol::Auto => return Err(End::Replan(next)),
            Ok(Err(Disagreed::Restart(_))) => {
                Reason::Handshake("it speaks 2026-07-28, its file says `protocol: legacy`".into())
            }
            Ok(Err(Disagreed::Failed(error))) => {
                let error = self.spec().mask.apply(&error).into_owned();
                Reason::Handshake(match protocol {
                    Protocol::Modern => {
                        format!("its file says `protocol: modern`, and to `server/discover` it says {error}")
                    }
                    Protocol::Auto | Protocol::Legacy => error,
                })
            }
            Err(_) => Reason::Silent(limit),
        };
        if protocol == Protocol::Auto && self.remembered().is_some() {
            self.forget_era();
            return Err(End::Replan(Plan::Probe));
        }
        Err(End::Died(ended.unwrap_or_else(|| instance.report(failed))))
    }

    /// A remembered era says nothing about a server that was exchanged: it may speak the modern one by now.
    fn is_another_server(&self, greeting: &Greeting, plan: Plan) -> bool {
        let known = self.known.borrow();
        let Some(known) = known.as_ref().filter(|known| known.certain) else { return false };
        let relied = plan == Plan::Initialize && self.spec().process.protocol == Protocol::Auto;
        relied && known.roster.server_info != greeting.server_info
    }

    /// Fetches what the shard says has changed, for as long as it lives.
    async fn keep_roster(&self, link: &Link, era: Era) {
        loop {
            for list in link.changed().await {
                let within = Within::from_now(self.spec().timeouts.start);
                let offered = fetch::offered(link, era, list, within).await;
                self.learn(|known| {
                    let Some(known) = known else { return };
                    let before = known.roster.list(list);
                    let generation = before.generation + 1;
                    let offered = Offered { generation, ..offered.or_what_was(before) };
                    let mut roster = (*known.roster).clone();
                    roster.lists[list as usize] = Arc::new(offered);
                    known.roster = Arc::new(roster);
                });
            }
            sleep(PAUSE).await;
        }
    }

    /// Tells a legacy shard the most verbose wish of all clients, before anybody calls it.
    async fn tell_level(&self, link: &Link, roster: &Roster) -> Option<Level> {
        let level = *self.setup.level.borrow();
        if let Some(level) = level
            && roster.era() == Era::Legacy
            && roster.declares("logging")
        {
            let params = serde_json::json!({"level": level.as_str()}).to_string();
            let number = link.next_number();
            let line = request(number, "logging/setLevel", Some(params.as_bytes()));
            let limit = self.spec().timeouts.start;
            if let Ok(call) = link.call(number, line, Caller::GATEWAY, Deadlines { call: limit, max: limit }) {
                // Whatever it answers: a level that a shard will not take changes nothing for the calls.
                let _ = call.done().await;
            }
        }
        level
    }

    async fn keep_level(&self, link: &Link, roster: &Roster, mut heard: Option<Level>) {
        let mut wish = self.setup.level.clone();
        while wish.wait_for(|level| *level != heard).await.is_ok() {
            heard = self.tell_level(link, roster).await;
        }
        std::future::pending::<()>().await;
    }

    /// Generations go on counting over the lives of the child, and a list that it fails to tell stays as it was.
    fn bumped(&self, mut roster: Arc<Roster>) -> Arc<Roster> {
        let known = self.known.borrow();
        let Some(before) = known.as_ref() else { return roster };
        let fresh = Arc::make_mut(&mut roster);
        for (list, old) in fresh.lists.iter_mut().zip(&before.roster.lists) {
            let offered = Arc::unwrap_or_clone(std::mem::take(list)).or_what_was(old);
            let changed = before.live && offered.items != old.items;
            *list = Arc::new(Offered { generation: old.generation + u64::from(changed), ..offered });
        }
        roster
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
