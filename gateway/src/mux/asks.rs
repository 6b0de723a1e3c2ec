//! What shards have asked clients and not been answered (2025-11-25, client/sampling, client/elicitation, client/roots).
//!
//! Invariant (DESIGN D13): an answer is accepted once, and only from the session that was asked. What leaves the register
//! without an answer is declined at the shard, which then finishes politely.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tokio::time::Instant;

use super::client::ClientKey;
use crate::shard::link::{Ask, Link};
use crate::wire::{Edit, Id, Meta, Params, Raw, Response, notification, request, splice};

/// How many questions one client is asked at once, and all of them together. The oldest whose call is over makes room, and
/// without one a new question is declined.
const OF_ONE: usize = 64;
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

#[derive(Debug)]
struct Asked {
    client: ClientKey,
    link: Link,
    ask: Ask,
    /// The call has come to its end. The shard may still want to know. When that was, or the session was listening last.
    late: Option<Instant>,
}

impl Asks {
    /// Puts a question of a shard to a client: its id, and the whole request, on one line. `None` if the client has too many
    /// already; then it has been declined.
    pub(super) fn open(&self, client: ClientKey, link: &Link, ask: &Ask) -> Option<(u64, Bytes)> {
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
                link.decline(ask);
                return None;
            }
        }
        open.latest += 1;
        let id = open.latest;
        open.asks.insert(id, Asked { client, link: link.clone(), ask: ask.clone(), late: None });
        drop(open);
        if let Some(Asked { link, ask, .. }) = late {
            link.decline(&ask);
        }
        Some((id, message(id, ask).into()))
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
        unheard.iter().for_each(|(_, asked)| asked.link.decline(&asked.ask));
    }

    /// The answer of a client.
    pub(super) fn respond(&self, client: ClientKey, response: &Response<'_>) {
        let id = response.id.and_then(Id::ours);
        match id.and_then(|id| self.take(client, id)) {
            Some(asked) => asked.link.pass_on(&asked.ask, response.outcome),
            None => tracing::debug!(id = response.id.map(Id::as_str), "an answer that nobody waits for"),
        }
    }

    /// How far a client has come with its answer, for the shard that asked for it (2025-11-25, basic/utilities/progress).
    pub(super) fn progress(&self, client: ClientKey, params: Option<Raw<'_>>) {
        let Some(params) = params else { return };
        let Some(id) = params.get("progressToken").and_then(Raw::unsigned) else { return };
        let open = self.lock();
        let Some(asked) = open.asks.get(&id).filter(|asked| asked.client == client) else { return };
        let question = asked.ask.params.as_ref().and_then(|params| Raw::parse(params).ok());
        if let Some(token) = question.and_then(token) {
            let mut told = Vec::new();
            splice(params, &[Edit::Set("progressToken", token.as_str())], &mut told);
            asked.link.notify("notifications/progress", Some(&told));
        }
    }

    /// The shard has taken its question back: what the client is told, on one line.
    pub(super) fn take_back(&self, client: ClientKey, link: &Link, key: &str, reason: Option<&Bytes>) -> Option<Bytes> {
        let id = {
            let mut open = self.lock();
            let is_it = |asked: &Asked| asked.client == client && *asked.ask.key == *key && asked.link.is(link);
            let id = open.asks.iter().find(|(_, asked)| is_it(asked)).map(|(id, _)| *id)?;
            open.asks.remove(&id);
            id
        };
        let mut params = format!(r#"{{"requestId":{id}"#).into_bytes();
        if let Some(reason) = reason {
            params.extend_from_slice(br#","reason":"#);
            params.extend_from_slice(reason);
        }
        params.push(b'}');
        Some(notification("notifications/cancelled", Some(&params)).into())
    }

    /// Nobody will answer this: the shard is told so. Nothing happens if somebody has.
    pub(super) fn give_up(&self, client: ClientKey, id: u64) {
        if let Some(asked) = self.take(client, id) {
            asked.link.decline(&asked.ask);
        }
    }

    /// The session is over.
    pub(super) fn end(&self, client: ClientKey) {
        let over: Vec<_> = self.lock().asks.extract_if(|_, asked| asked.client == client).collect();
        over.iter().for_each(|(_, asked)| asked.link.decline(&asked.ask));
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

/// The question as the client gets it: our id, and the same number for its progress if the shard wants to hear of that.
fn message(id: u64, ask: &Ask) -> Vec<u8> {
    let params = ask.params.as_ref().and_then(|params| Raw::parse(params).ok());
    if let Some(params) = params
        && token(params).is_some()
        && let Some(meta) = params.get("_meta")
    {
        let number = json!(id).to_string();
        let (mut told, mut written) = (Vec::new(), Vec::new());
        splice(meta, &[Edit::Set("progressToken", &number)], &mut told);
        let told = String::from_utf8(told).expect("pieces of JSON text are UTF-8");
        splice(params, &[Edit::Set("_meta", &told)], &mut written);
        return request(id, &ask.method, Some(&written));
    }
    request(id, &ask.method, ask.params.as_deref())
}

fn token(params: Raw<'_>) -> Option<Raw<'_>> {
    let Meta { progress_token, .. } = Params::read(Some(params)).ok()?.meta;
    progress_token
}

#[cfg(test)]
mod tests;
