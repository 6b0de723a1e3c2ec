//! A call of a modern client that must be asked something: it is answered with the questions, and waits among
//! [`Parked`] until the client comes back with its answers (2026-07-28, basic/patterns/mrtr).
//!
//! Invariant: nothing is sent twice. The call goes on at its shard whatever the client does, but for a time limit, the end of
//! the client's connection, or the gateway's.

use std::sync::Arc;

use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use super::{Relay, Running, Stage};
use crate::mux::calls::Ticket;
use crate::mux::client::Client;
use crate::mux::parked::{Binding, Bound, Fate, Handle, Parked, Post};
use crate::mux::route::Route;
use crate::mux::{Answer, Inner};
use crate::shard::link::{Ask, Event};
use crate::wire::{Capabilities, Era, Params, Raw, result_response};

/// A call that waits for its client. Dropping it cancels the call at the shard.
#[derive(Debug)]
pub(in crate::mux) struct Waiting {
    running: Box<Running>,
    route: Route,
    binding: Arc<Binding>,
    started: Instant,
}

impl Relay {
    /// Goes on with a call for the request of a client that came back with answers.
    pub(in crate::mux) fn resumed(
        mux: Arc<Inner>,
        client: &Client,
        waiting: Waiting,
        ticket: Ticket,
        id: &str,
        read: &Params<'_>,
    ) -> Self {
        let Waiting { mut running, route, binding, started } = waiting;
        running.questions.answer(read.input_responses);
        ticket.taken(running.call.link(), running.number);
        let mut relay = Self::new(mux, client, route, ticket, id, read);
        (relay.bound, relay.started) = (Some(Bound::Known(binding)), started);
        // Another request of the same client may come from a part of it that can be asked less.
        running.questions.keep(|ask| relay.can_be_asked(ask));
        relay.stage = Stage::Running(running);
        relay
    }

    /// What a later request must be to go on with this call at a legacy shard; `None` if its client is never asked.
    pub(super) fn bound(&self, era: Era, read: &Params<'_>) -> Option<Bound> {
        let is_bridged = self.client.revision.era() == Era::Modern && era == Era::Legacy;
        let note = |arguments: &[u8]| self.mux.parked.note(arguments);
        (is_bridged && self.asks != Capabilities::NONE).then(|| Bound::of(&self.client, &self.route, read, note))
    }

    /// Puts a question to a modern client, if it can be asked this.
    pub(super) fn gather(&mut self, ask: &Ask) {
        let is_asked = self.can_be_asked(ask) && self.bound.is_some();
        let Stage::Running(running) = &mut self.stage else { return };
        if is_asked {
            running.questions.add(ask.clone());
        } else {
            running.call.link().decline(ask);
        }
    }

    /// Whether the client of this very request can be asked this.
    fn can_be_asked(&self, ask: &Ask) -> bool {
        let params = ask.params.as_ref().and_then(|params| Raw::parse(params).ok());
        Capabilities::needed(&ask.method, params).is_some_and(|needed| self.asks.has(needed))
    }

    /// The answer that holds the questions; the call waits from then on. `None` if as many wait as may: then the questions
    /// are declined, and the call goes on.
    pub(super) fn park(&mut self) -> Option<Answer> {
        let Stage::Running(running) = &mut self.stage else { return None };
        let binding = self.bound.take()?.known(&self.client, &self.route);
        let Some((handle, post)) = self.mux.parked.enter(&binding, &self.route.shard) else {
            warn!(
                shard = &*self.route.shard,
                "too many calls wait for their clients (`--max-parked`); a question is declined"
            );
            running.questions.decline();
            self.bound = Some(Bound::Known(binding));
            return None;
        };
        let result = running.questions.round(&handle);
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        if let Stage::Running(running) = stage {
            let waiting = Waiting { running, route: self.route.clone(), binding, started: self.started };
            self.mux.tasks.spawn_until_stop(waiting.watch(Arc::clone(&self.mux.parked), handle, post));
        }
        self.log("waits for its client's answers");
        Some(Answer { body: result_response(&self.id, result), code: None })
    }
}

impl Waiting {
    /// Keeps the call until it is claimed, given up, or its time is over.
    async fn watch(mut self, parked: Arc<Parked<Self>>, handle: Handle, mut post: Post<Self>) {
        let until = Instant::now() + parked.time();
        let (mut is_over, mut is_late) = (false, false);
        let fate = loop {
            tokio::select! {
                biased;
                fate = post.fate() => break fate,
                () = self.running.call.over(), if !is_over => {
                    is_over = true;
                    self.settle();
                    parked.settled(&handle);
                }
                () = sleep_until(until), if !is_late => {
                    is_late = true;
                    // Who has claimed it just before has it all the same.
                    parked.expire(&handle);
                }
            }
        };
        match fate {
            Fate::Claimed => post.hand(self),
            Fate::Expired => self.finish_alone().await,
            Fate::GivenUp => {}
        }
    }

    /// The end is there, and waits for the client: the shard needs no answers any more, and the child may have other calls.
    fn settle(&mut self) {
        self.running.questions.decline();
        self.running.call.decline_unheard();
        self.running.place = self.running.place.unclaimed();
    }

    /// Nobody came back. The shard hears that nobody can be asked, and comes to an end that nobody hears of.
    async fn finish_alone(mut self) {
        let (shard, tool) = (&*self.route.shard, self.route.exposed.as_deref());
        info!(shard, tool, "no client came back with its answers in time (`--parked-ttl`); the shard goes on without");
        self.running.questions.decline();
        loop {
            match self.running.call.next().await {
                Event::Ask(ask) => self.running.call.link().decline(&ask),
                Event::Done(_) => return,
                _ => {}
            }
        }
    }
}
