//! The rounds of a legacy client's call at a modern shard, which answers that it needs something first (2026-07-28,
//! basic/patterns/mrtr): the client is asked as its own era does it, and the call is made again with what it said.
//!
//! Invariants (DESIGN D8, D11): a retry is a call of its own, made when the one before has its answer and every question has one,
//! at whatever child is free: the shard needs no more than what the retry says. So no child is kept while a person thinks.
//! All rounds together have `timeouts.max`.
//! Each question is the client's own call's: unlike those of legacy shards (DESIGN D2) `roots/list` too goes to the client
//! whose call it is, also at a shared shard. An elicitation that nobody answers, or with an error, counts as cancelled by the
//! person; without a sampling or roots the call cannot go on, and the shard is not called again.

mod rising;
mod wanted;

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::{self, Receiver};
use tokio::time::{Instant, sleep_until};

use self::rising::Rising;
use self::wanted::Wanted;
use super::{Relay, Relayed, Stage};
use crate::mux::asks::{Given, Slot};
use crate::mux::failure::CallError;
use crate::mux::route::{Route, may_need_input};
use crate::mux::{ClientKey, Inner};
use crate::shard::budget::Budget;
use crate::shard::link::Failure;
use crate::shard::polite;
use crate::wire::{Capabilities, Era, Raw};

/// How often a shard may ask for input in one call.
const MOST: usize = 10;
/// How many bytes of parameters and answers are kept for all calls that may go round.
const KEPT: usize = 64 * 1024 * 1024;
/// How long is waited before a shard that has asked nothing is called again; doubled for each round up to the longest.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Why a call that needs input cannot go on.
#[derive(Debug, thiserror::Error)]
pub(in crate::mux) enum Unmet {
    /// The shard must not ask here.
    #[error(
        "it asks for input in answer to `{0}`, and only `tools/call`, `prompts/get` and `resources/read` may need any"
    )]
    Method(Box<str>),
    /// What it asks for cannot be made out.
    #[error("it asks for input, but {0}")]
    Odd(String),
    /// It has asked too often.
    #[error("it asks for input once more after {MOST} rounds, the most for one call; it was not called again")]
    Rounds,
    /// The client cannot be asked.
    #[error(
        "it asks for input by `{0}`, and its client cannot be asked that: it has not declared so, takes its answer as JSON \
         alone, is asked too much already or is gone; the shard was not called again"
    )]
    Nobody(Box<str>),
    /// The client has said no.
    #[error(
        "it asks for input by `{method}`, which the client answered with error {code}; the shard was not called again"
    )]
    Refused {
        /// The question.
        method: Box<str>,
        /// The client's code.
        code: i64,
    },
    /// There is no memory for it.
    #[error(
        "it asks for input, and calls that may need such keep {KEPT} bytes of parameters and answers already, the most for \
         all of them; make the call again later"
    )]
    NoRoom,
}

/// What all calls that may go round keep, at most.
pub(in crate::mux) fn kept() -> Budget {
    Budget::new(KEPT)
}

/// What a call must remember to be made again.
#[derive(Debug)]
pub(super) struct Rounds {
    /// The client's own parameters, JSON text; `None` if there was no room for them.
    params: Option<Bytes>,
    /// How often it went round.
    count: usize,
    /// `timeouts.max`, and since when.
    clock: Option<(Duration, Instant)>,
    rising: Rising,
}

/// One round: the client is asked, and the shard waits for nothing.
#[derive(Debug)]
pub(super) struct Round {
    wanted: Wanted,
    /// For each of the inputs, as they come.
    answers: Vec<Option<Bytes>>,
    /// The questions, by our ids.
    ids: Vec<u64>,
    coming: Receiver<(usize, Given)>,
    /// What the client is still to be sent.
    told: VecDeque<Bytes>,
    /// Not before this the shard is called again.
    again: Instant,
    /// How the call ends as soon as the client has been sent all.
    end: Option<End>,
}

#[derive(Debug)]
enum End {
    Cancelled,
    Failed(CallError),
}

/// What a round waits for.
enum Next {
    End(End),
    Given(usize, Given),
    Again,
}

impl Relay {
    /// Keeps what a retry needs, if the call may need one.
    pub(super) fn keep_for_rounds(&mut self, era: Era, params: Option<Raw<'_>>) {
        let may_need = self.client.revision.era() == Era::Legacy && may_need_input(&self.route.method);
        if era == Era::Legacy || !may_need || self.rounds.is_some() {
            return;
        }
        let params = params.unwrap_or(Raw::EMPTY_OBJECT).as_str().as_bytes();
        let params = self.mux.kept.book(Bytes::copy_from_slice(params));
        self.rounds = Some(Box::new(Rounds { params, count: 0, clock: None, rising: Rising::default() }));
    }

    /// What a modern shard hears that a legacy client can be asked.
    pub(super) fn declared(&self) -> Capabilities {
        match &self.rounds {
            Some(rounds) if rounds.params.is_none() => Capabilities::NONE,
            _ => self.asks.within(self.client.revision),
        }
    }

    /// Whether the call has been answered with questions, so that only a modern shard can take it.
    pub(super) fn goes_round(&self) -> bool {
        self.rounds.as_ref().is_some_and(|rounds| rounds.count > 0)
    }

    /// How much is left of `timeouts.max`, which counts for all rounds together.
    pub(super) fn time_left(&mut self, max: Duration) -> Duration {
        let Some(rounds) = &mut self.rounds else { return max };
        let (max, since) = *rounds.clock.get_or_insert_with(|| (max, Instant::now()));
        max.saturating_sub(since.elapsed())
    }

    /// The parameters of a progress notification as the client is told them, unless it has been told as much before.
    pub(super) fn risen(&mut self, params: Bytes) -> Option<Bytes> {
        match &mut self.rounds {
            Some(rounds) => rounds.rising.told(params),
            None => Some(params),
        }
    }

    /// A failure of the last of several rounds, told of all of them.
    pub(super) fn of_all_rounds(&self, failure: Failure) -> Failure {
        match (failure, self.rounds.as_ref().and_then(|rounds| rounds.clock)) {
            (Failure::Deadline { setting: "max", .. }, Some((after, _))) => Failure::Deadline { setting: "max", after },
            (failure, _) => failure,
        }
    }

    /// The shard has answered that it needs input: from now on the client is asked.
    pub(super) fn go_round(&mut self, result: &Bytes) -> Result<(), CallError> {
        let Some(rounds) = &mut self.rounds else { return Err(Unmet::Method(self.route.method.clone()).into()) };
        if rounds.params.is_none() {
            return Err(Unmet::NoRoom.into());
        }
        if rounds.count == MOST {
            return Err(Unmet::Rounds.into());
        }
        rounds.count += 1;
        rounds.rising.go_round();
        let pause = (PAUSE * (1 << rounds.count.saturating_sub(1))).min(LONGEST_PAUSE);
        let wanted = Wanted::read(result).map_err(Unmet::Odd)?;
        let asks = self.declared();
        let mut answers = Vec::with_capacity(wanted.inputs.len());
        // Before anything is asked, so that nobody answers in vain.
        for input in &wanted.inputs {
            answers.push(if asks.has(input.needed) {
                None
            } else {
                Some(self.mux.politely(&self.route, &input.method)?)
            });
        }
        let (sender, coming) = mpsc::channel(answers.len().max(1));
        let (mut ids, mut told) = (Vec::new(), VecDeque::new());
        let shard = self.shard();
        for (at, input) in wanted.inputs.iter().enumerate().filter(|(at, _)| answers[*at].is_none()) {
            let (method, params) = (input.method.clone(), input.params.clone());
            let slot = Slot { method, params, at, answers: sender.clone(), kept: self.mux.kept.clone() };
            let Some((id, message)) = self.mux.asks.open_in_round(self.client.key, slot) else { continue };
            shard.iter().for_each(|shard| shard.stats.count_asked());
            ids.push(id);
            told.push_back(message);
        }
        self.asked.extend(&ids);
        let again = Instant::now() + if wanted.inputs.is_empty() { pause } else { Duration::ZERO };
        let round = Round { wanted, answers, ids, coming, told, again, end: None };
        self.stage = Stage::Round(Box::new(round));
        Ok(())
    }

    /// Carries a round on: what the client is sent, or the end of the call. `None` when the shard is to be called again.
    /// Safe to cancel.
    pub(super) async fn ask_on(&mut self) -> Option<Relayed> {
        loop {
            let Stage::Round(round) = &mut self.stage else { return None };
            if let Some(message) = round.told.pop_front() {
                return Some(Relayed::Notice(message));
            }
            match round.end.take() {
                Some(End::Cancelled) => return Some(self.cancel()),
                Some(End::Failed(error)) => return Some(Relayed::Done(self.fail(&error))),
                None => {}
            }
            let (max, since) = self.rounds.as_ref().and_then(|rounds| rounds.clock)?;
            let is_open = round.answers.iter().any(Option::is_none);
            let next = tokio::select! {
                biased;
                () = self.ticket.cancelled() => Next::End(End::Cancelled),
                given = round.coming.recv(), if is_open => match given {
                    Some((at, given)) => Next::Given(at, given),
                    // Everything that could answer is gone.
                    None => Next::Given(round.answers.iter().position(Option::is_none).unwrap_or(0), Given::Nobody),
                },
                () = sleep_until(since + max) => {
                    Next::End(End::Failed(CallError::Failed(Failure::Deadline { setting: "max", after: max })))
                }
                () = sleep_until(round.again), if !is_open => Next::Again,
            };
            match next {
                Next::End(end) => round.finish(&self.mux, self.client.key, end),
                Next::Given(at, given) => match self.mux.answer(&self.route, &round.wanted.inputs[at].method, given) {
                    Ok(answer) => round.answers[at] = Some(answer),
                    Err(unmet) => round.finish(&self.mux, self.client.key, End::Failed(unmet.into())),
                },
                Next::Again => self.call_again(),
            }
        }
    }

    fn call_again(&mut self) {
        let Stage::Round(round) = std::mem::replace(&mut self.stage, Stage::Over) else { return };
        let params = self.rounds.as_ref().and_then(|rounds| rounds.params.as_ref());
        let params = params.map_or(Raw::EMPTY_OBJECT, |params| Raw::parse(params).expect("they have been read before"));
        let params = round.wanted.answered(params, round.answers.iter().flatten());
        self.stage = Stage::Asked(Some(params.into()));
    }
}

impl Round {
    /// Takes back what is still asked; then the call ends so.
    fn finish(&mut self, mux: &Inner, client: ClientKey, end: End) {
        self.told.extend(self.ids.drain(..).filter_map(|id| mux.asks.withdraw(client, id)));
        self.end = Some(end);
    }
}

impl Inner {
    /// What the shard is told of a question.
    fn answer(&self, route: &Route, method: &str, given: Given) -> Result<Bytes, Unmet> {
        match given {
            Given::Result(result) => Ok(result),
            Given::NoRoom => Err(Unmet::NoRoom),
            Given::Nobody => self.politely(route, method),
            Given::Error(code) => polite::answer(method)
                .map_err(|_| Unmet::Refused { method: method.into(), code: code.unwrap_or_default() }),
        }
    }

    /// The answer in the place of a client that gives none, if there is a polite one.
    fn politely(&self, route: &Route, method: &str) -> Result<Bytes, Unmet> {
        if let Some(shard) = self.world.borrow().shard(&route.shard) {
            shard.stats.count_declined();
        }
        polite::answer(method).map_err(|_| Unmet::Nobody(method.into()))
    }
}
