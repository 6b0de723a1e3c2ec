//! What shards have asked clients and not been answered (2025-11-25, client/sampling, client/elicitation, client/roots).
//!
//! Invariant (DESIGN D13): an answer is accepted once, and only from the session that was asked. What leaves the register
//! without an answer is declined where it was asked: at the shard, which then finishes politely, or in the round of a call.

mod slot;

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tokio::time::Instant;

pub(super) use self::slot::{Given, Slot};
use super::client::ClientKey;
use super::rewrite::edited;
use crate::shard::link::{Ask, Link};
use crate::wire::{Capabilities, Edit, Id, Meta, Outcome, Params, Raw, Response, notification, request, splice};

/// How many questions one client is asked at once, and all of them together. The oldest whose call is over makes room, and
/// without one a new question is declined.
pub(super) const OF_ONE: usize = 64;
const OF_ALL: usize = 4096;
/// A question whose call is over is declined when its session has had no stream open for so long.
const PATIENCE: Duration = Duration::from_mins(1);

/// All questions that are open.
#[derive(Debug, Default)]
pub(super) struct Asks(Mutex<Open>);

#[derive(Debug)]
struct Open {
    /// By the id under which the client knows it.
    asks: HashMap<u64, Asked>,
    latest: u64,
}

/// Sessions outlive the process: an answer to what an earlier one asked must not be taken for another.
impl Default for Open {
    fn default() -> Self {
        Self { asks: HashMap::new(), latest: RandomState::new().build_hasher().finish() >> 32 }
    }
}

/// Who wants to know.
#[derive(Debug)]
enum Asker {
    /// A shard, by a request of its own.
    Shard(Link, Ask),
    /// The round of a call whose shard has answered that it needs this first.
    Round(Slot),
}

impl Asker {
    fn pass_on(&self, outcome: Outcome<'_>) {
        match self {
            Self::Shard(link, ask) => link.pass_on(ask, outcome),
            Self::Round(slot) => slot.pass_on(outcome),
        }
    }

    fn decline(&self) {
        match self {
            Self::Shard(link, ask) => link.decline(ask),
            Self::Round(slot) => slot.decline(),
        }
    }

    fn question(&self) -> (&str, Option<&Bytes>) {
        match self {
            Self::Shard(_, ask) => (&ask.method, ask.params.as_ref()),
            Self::Round(slot) => (&slot.method, slot.params.as_ref()),
        }
    }
}

#[derive(Debug)]
struct Asked {
    client: ClientKey,
    asker: Asker,
    /// The call has come to its end. The shard may still want to know. When that was, or the session was listening last.
    late: Option<Instant>,
}

impl Asks {
    /// Puts a question of a shard to a client: its id, and the whole request, on one line. `None` if the client has too many
    /// already; then it has been declined.
    pub(super) fn open(&self, client: ClientKey, link: &Link, ask: &Ask) -> Option<(u64, Bytes)> {
        self.put(client, Asker::Shard(link.clone(), ask.clone()))
    }

    /// The same for a question of a round.
    pub(super) fn open_in_round(&self, client: ClientKey, slot: Slot) -> Option<(u64, Bytes)> {
        self.put(client, Asker::Round(slot))
    }

    fn put(&self, client: ClientKey, asker: Asker) -> Option<(u64, Bytes)> {
        let mut open = self.lock();
        let of_client = open.asks.values().filter(|asked| asked.client == client).count();
        let mut late = None;
        if of_client >= OF_ONE || open.asks.len() >= OF_ALL {
            let is_any = of_client < OF_ONE;
            let oldest =
                open.asks.iter().filter(|(_, asked)| asked.late.is_some() && (is_any || asked.client == client));
            let oldest = oldest.map(|(id, _)| *id).min();
            late = oldest.and_then(|id| open.asks.remove(&id));
            if late.is_none() {
                drop(open);
                asker.decline();
                return None;
            }
        }
        open.latest += 1;
        let id = open.latest;
        let told = message(id, &asker);
        open.asks.insert(id, Asked { client, asker, late: None });
        drop(open);
        if let Some(Asked { asker, .. }) = late {
            asker.decline();
        }
        Some((id, told.into()))
    }

    /// The call in which these were asked has its answer.
    pub(super) fn outlived(&self, ids: &[u64]) {
        let mut open = self.lock();
        for id in ids {
            if let Some(asked) = open.asks.get_mut(id) {
                asked.late = Some(Instant::now());
            }
        }
    }

    /// Declines the questions whose calls are over and that nobody has been there to hear for a while.
    pub(super) fn tire(&self, is_heard: impl Fn(ClientKey) -> bool) {
        let now = Instant::now();
        let unheard: Vec<_> = {
            let mut open = self.lock();
            for asked in open.asks.values_mut().filter(|asked| asked.late.is_some() && is_heard(asked.client)) {
                asked.late = Some(now);
            }
            let is_tired = |asked: &Asked| asked.late.is_some_and(|since| now.duration_since(since) >= PATIENCE);
            open.asks.extract_if(|_, asked| is_tired(asked)).collect()
        };
        unheard.iter().for_each(|(_, asked)| asked.asker.decline());
    }

    /// The answer of a client.
    pub(super) fn respond(&self, client: ClientKey, response: &Response<'_>) {
        let id = response.id.and_then(Id::ours);
        match id.and_then(|id| self.take(client, id)) {
            Some(asked) => asked.asker.pass_on(response.outcome),
            None => tracing::debug!(id = response.id.map(Id::as_str), "an answer that nobody waits for"),
        }
    }

    /// How far a client has come with its answer, for the shard that asked for it (2025-11-25, basic/utilities/progress). In
    /// a round no request waits that could be told.
    pub(super) fn progress(&self, client: ClientKey, params: Option<Raw<'_>>) {
        let Some(params) = params else { return };
        let Some(id) = params.get("progressToken").and_then(Raw::unsigned) else { return };
        let open = self.lock();
        let Some(asked) = open.asks.get(&id).filter(|asked| asked.client == client) else { return };
        let Asker::Shard(link, ask) = &asked.asker else { return };
        let question = ask.params.as_ref().and_then(|params| Raw::parse(params).ok());
        if let Some(token) = question.and_then(token) {
            let mut told = Vec::new();
            splice(params, &[Edit::Set("progressToken", token.as_str())], &mut told);
            link.notify("notifications/progress", Some(&told));
        }
    }

    /// The shard has taken its question back: what the client is told, on one line.
    pub(super) fn take_back(&self, client: ClientKey, link: &Link, key: &str, reason: Option<&Bytes>) -> Option<Bytes> {
        let id = {
            let mut open = self.lock();
            let is_it = |asker: &Asker| matches!(asker, Asker::Shard(at, ask) if *ask.key == *key && at.is(link));
            let id =
                open.asks.iter().find(|(_, asked)| asked.client == client && is_it(&asked.asker)).map(|(id, _)| *id)?;
            open.asks.remove(&id);
            id
        };
        Some(taken_back(id, reason.map(|reason| &**reason)))
    }

    /// Nobody wants to know this any more: what the client is told, on one line. `None` if it has been answered.
    pub(super) fn withdraw(&self, client: ClientKey, id: u64) -> Option<Bytes> {
        self.take(client, id)?;
        Some(taken_back(id, Some(br#""the call that needed the answer is over""#)))
    }

    /// Nobody will answer this: the shard is told so. Nothing happens if somebody has.
    pub(super) fn give_up(&self, client: ClientKey, id: u64) {
        if let Some(asked) = self.take(client, id) {
            asked.asker.decline();
        }
    }

    /// The session is over.
    pub(super) fn end(&self, client: ClientKey) {
        let over: Vec<_> = self.lock().asks.extract_if(|_, asked| asked.client == client).collect();
        over.iter().for_each(|(_, asked)| asked.asker.decline());
    }

    fn take(&self, client: ClientKey, id: u64) -> Option<Asked> {
        let mut open = self.lock();
        open.asks.get(&id).filter(|asked| asked.client == client)?;
        open.asks.remove(&id)
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.lock().expect("no code that can panic runs under this lock")
    }
}

/// The question as the client gets it: our id, and the same number for its progress if the shard wants to hear of that. In
/// the modern era the way to a URL has no id, which clients of the legacy era need.
fn message(id: u64, asker: &Asker) -> Vec<u8> {
    let (method, params) = asker.question();
    let Some(read) = params.and_then(|params| Raw::parse(params).ok()) else {
        return request(id, method, params.map(|params| &**params));
    };
    let (number, text) = (json!(id).to_string(), json!(id.to_string()).to_string());
    let mut edits = Vec::with_capacity(2);
    let meta = token(read).and_then(|_| read.get("_meta"));
    let meta = meta.map(|meta| edited(meta, &[Edit::Set("progressToken", &number)]));
    edits.extend(meta.as_deref().map(|meta| Edit::Set("_meta", meta)));
    let is_to_url = Capabilities::needed(method, Some(read)) == Some(Capabilities::ELICITATION_URL);
    if is_to_url && matches!(asker, Asker::Round(_)) && read.get("elicitationId").is_none() {
        edits.push(Edit::Set("elicitationId", &text));
    }
    request(id, method, Some(edited(read, &edits).as_bytes()))
}

/// What tells a client that a question is taken back; `reason` is JSON text.
fn taken_back(id: u64, reason: Option<&[u8]>) -> Bytes {
    let mut params = format!(r#"{{"requestId":{id}"#).into_bytes();
    if let Some(reason) = reason {
        params.extend_from_slice(br#","reason":"#);
        params.extend_from_slice(reason);
    }
    params.push(b'}');
    notification("notifications/cancelled", Some(&params)).into()
}

fn token(params: Raw<'_>) -> Option<Raw<'_>> {
    let Meta { progress_token, .. } = Params::read(Some(params)).ok()?.meta;
    progress_token
}

#[cfg(test)]
mod tests;
