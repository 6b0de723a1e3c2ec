//! One call of a client, from its shard's readiness to its answer.
//!
//! Invariants (DESIGN D8, D13): what was sent is never sent again; the relay owns the call, so whoever drops it decides
//! what becomes of it: dropped, it is cancelled at the shard; detached, it goes on without a reader.

mod ending;
mod errand;
mod finding;
mod loudness;
mod notices;
mod parking;
mod questions;
mod rounds;

use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;
use tracing::warn;

use self::finding::Finding;
use self::loudness::told_level;
pub(super) use self::parking::Waiting;
use self::questions::Questions;
use self::rounds::{Round, Rounds};
pub(super) use self::rounds::{Unmet, kept};
use super::calls::Ticket;
use super::client::Client;
use super::failure::CallError;
use super::parked::{Bound, Continued, askable};
use super::route::Route;
use super::subscriptions::Pending;
use super::{Answer, Inner, rewrite};
use crate::shard::link::{Call, Caller, Deadlines, Event, Failure, Raised, Refused};
use crate::shard::pool::Tenant;
use crate::shard::{Place, Shard};
use crate::wire::{Capabilities, Era, Level, Params, Raw};

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
    /// The search for a child while there is none.
    finding: Option<Finding>,
    ticket: Ticket,
    /// What the shard has asked the client in this call, by our ids.
    asked: Vec<u64>,
    /// What the client can be asked on the way to its answer.
    asks: Capabilities,
    /// What the answer decides on, if it is about a subscription.
    pending: Option<Pending>,
    /// What a request must be that goes on with this call, if its client is to be asked by way of its answer.
    bound: Option<Bound>,
    /// What the request says to go on with, which a legacy shard cannot know.
    continued: Option<Continued>,
    /// What a retry with the client's answers needs, if one may be.
    rounds: Option<Box<Rounds>>,
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
    /// Is with a child.
    Running(Box<Running>),
    /// Has been answered with questions, which the client is asked.
    Round(Box<Round>),
    Over,
}

#[derive(Debug)]
struct Running {
    /// What a modern client is to be asked. Declined, if it comes to that, before the call is given up.
    questions: Questions,
    /// Dropped before the place, which is free only when the call has been given up.
    call: Call,
    number: u64,
    /// Keeps the shard as verbose as a modern client wants it.
    _raised: Option<Raised>,
    place: Place,
}

/// What happens to a call that runs.
enum Heard {
    Event(Event),
    /// The questions of the shard are to go to a modern client.
    Asked,
    Cancelled,
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
        let mut relay = Self::new(mux, client, route, ticket, id, read);
        let shard = relay.shard();
        if let Some(shard) = &shard {
            shard.stats.count_call();
        }
        let place = relay.followed().or_else(|| shard?.take(&relay.tenant()));
        let may_be_sent = |place: &Place| !relay.is_lost_at(place);
        let place = place.filter(may_be_sent);
        let sent = place.is_some_and(|place| relay.send(place, params, read).is_ok());
        if !sent {
            relay.stage = Stage::Asked(params.map(|params| params.as_str().into()));
        }
        relay
    }

    fn new(mux: Arc<Inner>, client: &Client, route: Route, ticket: Ticket, id: &str, read: &Params<'_>) -> Self {
        Self {
            mux,
            asks: askable(client, &route.method),
            continued: Continued::read(client, read),
            client: client.clone(),
            route,
            id: id.into(),
            token: read.meta.progress_token.map(|token| token.as_str().into()),
            stage: Stage::Over,
            finding: None,
            ticket,
            asked: Vec::new(),
            pending: None,
            bound: None,
            rounds: None,
            started: Instant::now(),
        }
    }

    /// Whether the request goes on with what the child cannot know.
    fn is_lost_at(&self, place: &Place) -> bool {
        self.continued.is_some() && place.live.era == Era::Legacy
    }

    /// The same call, whose answer decides on a subscription.
    pub(super) fn following(mut self, pending: Option<Pending>) -> Self {
        self.pending = pending;
        self
    }

    /// The client's id of the request, JSON text.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether what the shard asks in this call can be put to the client at all.
    fn is_asked_on_the_way(&self) -> bool {
        self.client.revision.era() == Era::Legacy || self.bound.is_some()
    }

    /// What comes next. Safe to cancel. After [`Relayed::Done`] or [`Relayed::Cancelled`] it only ever says cancelled.
    pub async fn next(&mut self) -> Relayed {
        loop {
            if matches!(self.stage, Stage::Round(..))
                && let Some(relayed) = self.ask_on().await
            {
                return relayed;
            }
            if !matches!(self.stage, Stage::Running(..) | Stage::Over) {
                let (tenant, followed) = (self.tenant(), self.followed());
                let finding = self.finding.get_or_insert_with(|| Finding::new(&self.mux.world, &self.mux.parked));
                let found = tokio::select! {
                    biased;
                    () = self.ticket.cancelled() => None,
                    found = async {
                        match followed {
                            Some(place) => Ok(place),
                            None => finding.next(&self.route.shard, &tenant).await,
                        }
                    } => Some(found),
                };
                let Some(found) = found else { return self.cancel() };
                match found.and_then(|place| self.resume(place)) {
                    Ok(()) => continue,
                    Err(CallError::Refused(Refused::Gone)) => match self.lost() {
                        None => continue,
                        Some(lost) => return Relayed::Done(self.fail(&lost)),
                    },
                    Err(error) => return Relayed::Done(self.fail(&error)),
                }
            }
            let Stage::Running(running) = &mut self.stage else { return Relayed::Cancelled };
            let (number, era) = (running.number, running.place.live.era);
            let Running { call, questions, .. } = &mut **running;
            let heard = tokio::select! {
                biased;
                () = self.ticket.cancelled() => Heard::Cancelled,
                event = call.next() => Heard::Event(event),
                () = questions.due() => Heard::Asked,
            };
            match heard {
                Heard::Cancelled => return self.cancel(),
                Heard::Event(Event::Done(Err(Failure::NotSent { line, .. }))) if self.lost().is_none() => {
                    self.stage = Stage::Unsent { number, line, era }
                }
                Heard::Event(Event::Done(done)) => match self.finish(done, era) {
                    Some(answer) => return Relayed::Done(answer),
                    None => continue,
                },
                Heard::Event(event) => {
                    if let Some(notice) = self.notice(event) {
                        return Relayed::Notice(notice);
                    }
                }
                Heard::Asked => {
                    if let Some(questions) = self.park() {
                        return Relayed::Done(questions);
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

    /// As whom the call asks for a child.
    fn tenant(&self) -> Tenant {
        let Client { key, revision, capabilities, level, .. } = self.client;
        match revision.era() {
            Era::Legacy => Tenant::Session { client: key.0, level, asks: capabilities },
            Era::Modern => Tenant::Passing,
        }
    }

    fn shard(&self) -> Option<Shard> {
        self.mux.world.borrow().shard(&self.route.shard).cloned()
    }

    fn send(&mut self, place: Place, params: Option<Raw<'_>>, read: &Params<'_>) -> Result<(), Refused> {
        let number = place.live.link.next_number();
        self.bound = self.bound(place.live.era, read);
        self.keep_for_rounds(place.live.era, params);
        let client = (&self.client, self.declared());
        let line = rewrite::outgoing(number, &self.route, client, place.live.era, params, read);
        self.submit(place, number, line)
    }

    /// Sends what waits to the child that was found.
    fn resume(&mut self, place: Place) -> Result<(), CallError> {
        let world = Arc::clone(&self.mux.world.borrow());
        if !self.route.holds_in(&world) {
            return Err(CallError::Removed);
        }
        if let Some(continued) = self.continued.filter(|_| self.is_lost_at(&place)) {
            return Err(CallError::Continued(continued));
        }
        if self.goes_round() && place.live.era == Era::Legacy {
            return Err(CallError::OtherEra);
        }
        let sent = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Asked(params) => {
                let raw = params.as_deref().map(|params| Raw::parse(params.as_bytes()));
                let raw = raw.transpose().expect("the parameters have been read before");
                let read = Params::read(raw).expect("the parameters have been read before");
                let sent = self.send(place, raw, &read);
                if sent.is_err() {
                    self.stage = Stage::Asked(params);
                }
                sent
            }
            Stage::Unsent { number, line, era } if era == place.live.era => {
                let sent = self.submit(place, number, line.clone());
                if sent.is_err() {
                    self.stage = Stage::Unsent { number, line, era };
                }
                sent
            }
            // The message would have to be written anew, and what it was written from is gone.
            Stage::Unsent { .. } | Stage::Running(..) | Stage::Round(..) | Stage::Over => {
                return Err(CallError::OtherEra);
            }
        };
        sent.map_err(CallError::Refused)
    }

    fn submit(&mut self, place: Place, number: u64, line: Vec<u8>) -> Result<(), Refused> {
        let raised = told_level(&self.client, &place.live);
        let level = match self.client.revision.era() {
            Era::Legacy => self.client.level.or(Some(Level::Debug)),
            Era::Modern => self.client.level,
        };
        let timeouts = place.shard.spec().timeouts;
        let deadlines = Deadlines { call: timeouts.call, max: self.time_left(timeouts.max) };
        let caller = Caller {
            client: self.client.key.0,
            level,
            progress: self.token.is_some(),
            asks: if self.is_asked_on_the_way() { self.asks } else { Capabilities::NONE },
            purpose: self.purpose(place.live.era, timeouts.max),
        };
        let call = place.live.link.call(number, line, caller, deadlines)?;
        self.ticket.taken(&place.live.link, number);
        self.finding = None;
        let questions = Questions::new(place.live.link.clone());
        self.stage = Stage::Running(Box::new(Running { questions, call, number, _raised: raised, place }));
        Ok(())
    }

    fn cancel(&mut self) -> Relayed {
        self.go_alone();
        if let Stage::Running(running) = std::mem::replace(&mut self.stage, Stage::Over) {
            running.call.cancel(&self.ticket.reason());
        }
        self.log("cancelled");
        Relayed::Cancelled
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
