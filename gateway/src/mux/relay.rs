//! One call of a client, from its shard's readiness to its answer.
//!
//! Invariants (DESIGN D8, D13): what was sent is never sent again; the relay owns the call, so whoever drops it decides
//! what becomes of it: dropped, it is cancelled at the shard; detached, it goes on without a reader.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use super::calls::Ticket;
use super::client::Client;
use super::failure::CallError;
use super::route::Route;
use super::subscriptions::Pending;
use super::{Answer, Inner, inbox, rewrite};
use crate::shard::link::{Ask, Call, Caller, Deadlines, Done, Event, Failure, Raised, Refused, Reply};
use crate::shard::{Live, Shard, ShardState};
use crate::wire::{Capabilities, Era, Level, Params, Raw, error_response, notification, result_response};

/// How long an unsent call waits for a shard that is down.
const DOWN: Duration = Duration::from_secs(3);

/// What a call yields, in wire order.
#[derive(Debug)]
pub enum Relayed {
    /// A whole JSON-RPC message that precedes the answer, on one line.
    Notice(Bytes),
    /// The answer; nothing follows.
    Done(Answer),
    /// The client cancelled the call: there is no answer, and nothing follows.
    Cancelled,
}

/// A call under way. Dropping it cancels the call at the shard.
#[derive(Debug)]
pub struct Relay {
    mux: Arc<Inner>,
    client: Client,
    route: Route,
    /// The client's request id and progress token, JSON text.
    id: Box<str>,
    token: Option<Box<str>>,
    stage: Stage,
    ticket: Ticket,
    /// What the shard has asked the client in this call, by our ids.
    asked: Vec<u64>,
    /// What the client can be asked on the way to its answer.
    asks: Capabilities,
    /// What the answer decides on, if it is about a subscription.
    pending: Option<Pending>,
    /// The level that the shard was told before the call.
    told: Option<Told>,
    started: Instant,
}

#[derive(Debug)]
enum Stage {
    /// Waits for its shard with the client's parameters.
    Asked(Option<Box<str>>),
    /// Was queued at a shard that ended; the whole message waits for the next instance of the same era.
    Unsent {
        number: u64,
        line: Vec<u8>,
        era: Era,
    },
    /// Is with a shard of that era.
    Running(Box<Call>, u64, Era),
    Over,
}

impl Relay {
    /// Sends at once if the shard is ready; else keeps a copy of the parameters and waits in [`Relay::next`].
    pub(super) fn start(
        mux: Arc<Inner>,
        client: &Client,
        route: Route,
        ticket: Ticket,
        id: &str,
        params: Option<Raw<'_>>,
        read: &Params<'_>,
    ) -> Self {
        let mut relay = Self {
            mux,
            client: client.clone(),
            route,
            id: id.into(),
            token: read.meta.progress_token.map(|token| token.as_str().into()),
            stage: Stage::Over,
            ticket,
            asked: Vec::new(),
            asks: if client.revision.era() == Era::Legacy { client.capabilities } else { Capabilities::NONE },
            pending: None,
            told: None,
            started: Instant::now(),
        };
        let shard = relay.shard();
        if let Some(shard) = &shard {
            shard.stats.count_call();
        }
        let live = shard.as_ref().and_then(ready);
        let sent = shard.zip(live).is_some_and(|(shard, live)| relay.send(&shard, &live, params, read).is_ok());
        if !sent {
            relay.stage = Stage::Asked(params.map(|params| params.as_str().into()));
        }
        relay
    }

    /// The same call, whose answer decides on a subscription.
    pub(super) fn following(mut self, pending: Option<Pending>) -> Self {
        self.pending = pending;
        self
    }

    /// What comes next. Safe to cancel. After [`Relayed::Done`] or [`Relayed::Cancelled`] it only ever says cancelled.
    pub async fn next(&mut self) -> Relayed {
        loop {
            if !matches!(self.stage, Stage::Running(..) | Stage::Over) {
                let cancelled = self.ticket.cancelled();
                let sent = tokio::select! {
                    biased;
                    () = cancelled => None,
                    sent = find(&self.mux, &self.route.shard) => Some(sent),
                };
                let Some(sent) = sent else { return self.cancel() };
                match sent.and_then(|(shard, live)| self.resume(&shard, &live)) {
                    Ok(()) | Err(CallError::Refused(Refused::Gone)) => continue,
                    Err(error) => return Relayed::Done(self.fail(&error)),
                }
            }
            let Stage::Running(call, number, era) = &mut self.stage else { return Relayed::Cancelled };
            let (number, era) = (*number, *era);
            let event = tokio::select! {
                biased;
                () = self.ticket.cancelled() => None,
                event = call.next() => Some(event),
            };
            match event {
                None => return self.cancel(),
                Some(Event::Done(Err(Failure::NotSent { line, .. }))) => {
                    self.stage = Stage::Unsent { number, line, era }
                }
                Some(Event::Done(done)) => return Relayed::Done(self.finish(done, era)),
                Some(event) => {
                    if let Some(notice) = self.notice(event) {
                        return Relayed::Notice(notice);
                    }
                }
            }
        }
    }

    /// Lets the call go on without a reader: a legacy client that hangs up has not cancelled it. With very many such
    /// calls under way already, it is cancelled all the same.
    pub fn detach(mut self) {
        let Ok(place) = Arc::clone(&self.mux.detached).try_acquire_owned() else {
            return warn!(shard = &*self.route.shard, "too many calls go on without a reader; one is cancelled");
        };
        let tasks = self.mux.tasks.clone();
        self.go_alone();
        tasks.spawn_until_stop(async move {
            while let Relayed::Notice(_) = self.next().await {}
            drop(place);
        });
    }

    fn shard(&self) -> Option<Shard> {
        self.mux.world.borrow().shard(&self.route.shard).cloned()
    }

    fn send(&mut self, shard: &Shard, live: &Live, params: Option<Raw<'_>>, read: &Params<'_>) -> Result<(), Refused> {
        let number = live.link.next_number();
        let line = rewrite::outgoing(number, &self.route, &self.client, live.era, params, read);
        self.submit(shard, live, number, line)
    }

    /// Sends what waits to the shard that has become ready.
    fn resume(&mut self, shard: &Shard, live: &Live) -> Result<(), CallError> {
        let world = Arc::clone(&self.mux.world.borrow());
        if !self.route.holds_in(&world) {
            return Err(CallError::Removed);
        }
        let sent = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Asked(params) => {
                let raw = params.as_deref().map(|params| Raw::parse(params.as_bytes()));
                let raw = raw.transpose().expect("the parameters have been read before");
                let read = Params::read(raw).expect("the parameters have been read before");
                let sent = self.send(shard, live, raw, &read);
                if sent.is_err() {
                    self.stage = Stage::Asked(params);
                }
                sent
            }
            Stage::Unsent { number, line, era } if era == live.era => {
                let sent = self.submit(shard, live, number, line.clone());
                if sent.is_err() {
                    self.stage = Stage::Unsent { number, line, era };
                }
                sent
            }
            // The message would have to be written anew, and what it was written from is gone.
            Stage::Unsent { .. } | Stage::Running(..) | Stage::Over => return Err(CallError::OtherEra),
        };
        sent.map_err(CallError::Refused)
    }

    fn submit(&mut self, shard: &Shard, live: &Live, number: u64, line: Vec<u8>) -> Result<(), Refused> {
        self.told = told_level(&self.client, live);
        let level = match self.client.revision.era() {
            Era::Legacy => self.client.level.or(Some(Level::Debug)),
            Era::Modern => self.client.level,
        };
        let caller = Caller { client: self.client.key.0, level, progress: self.token.is_some(), asks: self.asks };
        let timeouts = shard.spec().timeouts;
        let call = live.link.call(number, line, caller, Deadlines { call: timeouts.call, max: timeouts.max })?;
        self.ticket.taken(&live.link, number);
        self.stage = Stage::Running(Box::new(call), number, live.era);
        Ok(())
    }

    /// Nobody reads what the call yields any more: what it asks is declined, now and later.
    pub fn go_alone(&mut self) {
        self.asks = Capabilities::NONE;
        for id in self.asked.drain(..) {
            self.mux.asks.give_up(self.client.key, id);
        }
    }

    fn notice(&mut self, event: Event) -> Option<Bytes> {
        match event {
            Event::Progress(params) => {
                let params = rewrite::progress(&params, self.token.as_deref()?)?;
                Some(notification("notifications/progress", Some(&params)).into())
            }
            Event::Log(params) => Some(notification("notifications/message", Some(&params)).into()),
            Event::Other { method, params } => Some(notification(&method, params.as_deref()).into()),
            Event::LogsDropped(count) => Some(inbox::dropped(count)),
            Event::Ask(ask) => self.ask(&ask),
            Event::AskCancelled { key, reason } => {
                let Stage::Running(call, ..) = &self.stage else { return None };
                self.mux.asks.take_back(self.client.key, call.link(), &key, reason.as_deref())
            }
            Event::Done(_) => None,
        }
    }

    fn ask(&mut self, ask: &Ask) -> Option<Bytes> {
        let Stage::Running(call, ..) = &self.stage else { return None };
        if self.asks == Capabilities::NONE {
            call.link().decline(ask);
            return None;
        }
        let (id, message) = self.mux.asks.open(self.client.key, call.link(), ask)?;
        self.asked.push(id);
        Some(message)
    }

    fn cancel(&mut self) -> Relayed {
        self.go_alone();
        if let Stage::Running(call, ..) = std::mem::replace(&mut self.stage, Stage::Over) {
            call.cancel(&self.ticket.reason());
        }
        self.log("cancelled");
        Relayed::Cancelled
    }

    fn finish(&mut self, done: Done, from: Era) -> Answer {
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        let link = if let Stage::Running(call, ..) = stage { Some(call.link().clone()) } else { None };
        if !self.asked.is_empty() {
            self.mux.asks.outlived(&std::mem::take(&mut self.asked));
        }
        let to = self.client.revision.era();
        match done {
            Ok(Reply::Result(result)) => {
                if let Some((pending, link)) = self.pending.take().zip(link) {
                    pending.agreed(&link);
                }
                self.mux.shown.remember(rewrite::shown_uris(&result), &self.route.shard);
                match rewrite::result(result, &self.route.method, from, to) {
                    Ok(Some(result)) => {
                        self.log("answered");
                        Answer { body: result_response(&self.id, result), code: None }
                    }
                    Ok(None) => self.fail(&CallError::NeedsInput),
                    Err(fault) => self.fail(&CallError::Failed(Failure::Unreadable(fault))),
                }
            }
            Ok(Reply::Error(error)) => {
                self.log("answered with an error");
                let (error, code) = rewrite::error(&error, &self.route, from, to);
                Answer { body: error_response(&self.id, &error), code: Some(code) }
            }
            Err(failure) => self.fail(&CallError::Failed(failure)),
        }
    }

    fn fail(&mut self, error: &CallError) -> Answer {
        self.stage = Stage::Over;
        self.go_alone();
        let shard = self.shard();
        if let Some(shard) = &shard {
            shard.stats.count_failed();
        }
        let (name, method) = (&*self.route.shard, &*self.route.method);
        warn!(shard = name, tool = self.route.exposed, method, %error, "call failed");
        if method == "tools/call" {
            let result = error.tool_result(name, shard.as_ref(), self.client.revision.era());
            return Answer { body: result_response(&self.id, result), code: None };
        }
        let fault = error.fault(name, shard.as_ref());
        Answer { body: fault.response(&self.id), code: Some(fault.code) }
    }

    fn log(&self, outcome: &'static str) {
        let (shard, tool, method) = (&*self.route.shard, self.route.exposed.as_deref(), &*self.route.method);
        info!(shard, tool, method, request_id = &*self.id, elapsed = ?self.started.elapsed(), outcome, "call");
    }
}

/// Whoever drops a call cannot answer for it. What a call that came to its end has asked can still be answered.
impl Drop for Relay {
    fn drop(&mut self) {
        if !matches!(self.stage, Stage::Over) {
            self.go_alone();
        }
    }
}

/// Kept while the call is under way; nobody asks how it went.
#[derive(Debug)]
enum Told {
    ForAll { _asked: Box<Call> },
    ForCall { _raised: Box<Raised> },
}

/// Sees to it that the shard logs as much as the client wants to hear: for good for a session, which has said so before,
/// and for the time of the call for a modern client.
fn told_level(client: &Client, live: &Live) -> Option<Told> {
    let level = client.level.filter(|_| live.era == Era::Legacy)?;
    match client.revision.era() {
        Era::Legacy => live.link.tell_at_least(level).map(|asked| Told::ForAll { _asked: Box::new(asked) }),
        Era::Modern => Some(Told::ForCall { _raised: Box::new(live.link.raise_level(level)) }),
    }
}

fn ready(shard: &Shard) -> Option<Live> {
    match &*shard.state.borrow() {
        ShardState::Ready(live) => Some(live.clone()),
        _ => None,
    }
}

/// Waits for a shard to be ready: as long as a start may take if it is starting, a little if it is down (DESIGN D8). Wakes
/// it if it sleeps.
async fn find(mux: &Inner, name: &str) -> Result<(Shard, Live), CallError> {
    let since = Instant::now();
    let mut down = None;
    let mut world = mux.world.clone();
    loop {
        let shard = world.borrow_and_update().shard(name).cloned().ok_or(CallError::Removed)?;
        let mut state = shard.state.clone();
        let timeouts = || shard.spec().timeouts;
        let (until, ended) = match &*state.borrow_and_update() {
            ShardState::Ready(live) if !live.link.is_closed() => {
                let live = live.clone();
                return Ok((shard, live));
            }
            ShardState::Starting => (since + timeouts().start, shard.stats.last_ended()),
            ShardState::Asleep => {
                shard.wake();
                (since + timeouts().start, None)
            }
            // It is being replaced by a new child, which is still to start.
            ShardState::Draining => {
                let timeouts = timeouts();
                (since + timeouts.drain + timeouts.stop + timeouts.start, None)
            }
            ShardState::Backoff { ended, .. } => {
                (*down.get_or_insert_with(Instant::now) + DOWN, Some(Arc::clone(ended)))
            }
            ShardState::Ready(_) | ShardState::Stopped => (*down.get_or_insert_with(Instant::now) + DOWN, None),
        };
        tokio::select! {
            _ = state.changed() => {}
            _ = world.changed() => {}
            () = sleep_until(until) => return Err(CallError::NotReady { waited: since.elapsed(), ended }),
        }
    }
}
