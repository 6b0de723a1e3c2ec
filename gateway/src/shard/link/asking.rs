//! What the shard asks and has not been answered.
//!
//! Invariant: each request of the shard is answered at most once, whoever comes first; one that the shard has taken back is
//! not answered at all. How many wait is bounded.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;

use super::mailbox::Mailbox;
use super::{Ask, Event, Link};
use crate::config::Instances;
use crate::shard::polite;
use crate::shard::pool::Unclaimed;
use crate::wire::{Capabilities, Fault, Id, Outcome, Params, Raw, Request, error_response, result_response};

/// How many requests of one shard wait for clients at once; more are answered as if there were no client.
const ASKS: usize = 64;
/// A request with a longer id is not kept for a client, in bytes: ids are not counted as results in memory.
const LONGEST_ID: usize = 1024;

/// The requests of the shard that wait for a client, by their ids.
#[derive(Debug, Default)]
pub(super) struct Asking(Mutex<HashMap<String, Asked>>);

/// Who has been asked.
#[derive(Debug, Clone)]
enum Asked {
    /// Whoever made this call.
    Caller(Arc<Mailbox>),
    /// The session whose child it is, outside of its calls.
    Owner,
}

/// What a shard is told that asks for roots, and whether a client may be asked instead.
#[derive(Debug)]
pub(crate) struct Roots {
    instances: Instances,
    /// The result for the shard.
    own: Mutex<Bytes>,
}

impl Roots {
    /// Those of the file, for a shard with this sharing.
    pub(crate) fn new(instances: Instances, roots: &[String]) -> Self {
        Self { instances, own: Mutex::new(result(roots)) }
    }

    fn own(&self) -> MutexGuard<'_, Bytes> {
        self.own.lock().expect("no code that can panic runs under this lock")
    }
}

fn result(roots: &[String]) -> Bytes {
    let roots: Vec<_> = roots.iter().map(|uri| serde_json::json!({"uri": uri})).collect();
    serde_json::json!({"roots": roots}).to_string().into()
}

impl Link {
    /// Answers a request of the shard with what the client said, byte for byte, unless it has been answered or the shard has
    /// taken it back.
    pub fn pass_on(&self, ask: &Ask, outcome: Outcome<'_>) {
        if self.settle(&ask.key) {
            let message = match outcome {
                Outcome::Result(result) => result_response(&ask.id, Bytes::copy_from_slice(result.as_str().as_bytes())),
                Outcome::Error(error) => error_response(&ask.id, error.as_str()),
            };
            self.control_message(&message);
        }
    }

    /// Answers a request of the shard as if there were no client.
    pub fn decline(&self, ask: &Ask) {
        if self.settle(&ask.key) {
            self.0.heritage.stats.count_declined();
            self.answer_request(&ask.id, self.own_answer(&ask.method));
        }
    }

    /// What the shard hears from now on when it asks for roots. It is told if they are others than before.
    pub(crate) fn review_roots(&self, roots: &[String]) {
        let roots = result(roots);
        let before = std::mem::replace(&mut *self.0.limits.roots.own(), roots.clone());
        if before != roots {
            self.notify("notifications/roots/list_changed", None);
        }
    }

    pub(super) fn take_request(&self, line: &Bytes, request: &Request<'_>) {
        if request.method == "ping" {
            return self.answer_request(request.id.as_str(), Ok(Bytes::from_static(b"{}")));
        }
        let needed = Capabilities::needed(&request.method, request.params);
        // A shared shard's roots are its file's: measured, servers take the answer for all their clients.
        let is_own = needed == Some(Capabilities::ROOTS) && self.0.limits.roots.instances == Instances::Shared;
        let owner = self.task_owner(request.params);
        let is_kept = !is_own && request.id.as_str().len() <= LONGEST_ID;
        let asked = needed.filter(|_| is_kept).and_then(|needed| self.asked(needed, owner));
        let key = request.id.key();
        let params = request.params.map(|params| self.part(line, params));
        let (Some((asked, client)), None | Some(Some(_))) = (asked, &params) else {
            return self.answer_myself(request);
        };
        if !self.ask(&key, &asked) {
            return self.answer_myself(request);
        }
        let ask = Ask {
            id: request.id.as_str().into(),
            key: key.into(),
            method: (*request.method).into(),
            params: params.flatten(),
            client,
        };
        self.0.heritage.stats.count_asked();
        self.note_elicitation(client, needed, request.params);
        match asked {
            Asked::Caller(mailbox) => {
                if let Err(ask) = mailbox.put(ask) {
                    self.decline(&ask);
                }
            }
            Asked::Owner => {
                if let Some(Err(Unclaimed::Ask(ask))) = self.post(Unclaimed::Ask(ask)) {
                    self.decline(&ask);
                }
            }
        }
    }

    /// The only client that can be asked: on one of its calls, else, if the child is its own, outside of them.
    fn asked(&self, needed: Capabilities, owner: Option<u128>) -> Option<(Asked, u128)> {
        let caller =
            self.table().ask_candidate(needed, owner).map(|entry| (entry.mailbox.clone(), entry.caller.client));
        if let Some((mailbox, client)) = caller {
            return Some((Asked::Caller(mailbox), client));
        }
        let owner = self.0.ties.owner.as_ref().filter(|owner| owner.asks.has(needed))?;
        Some((Asked::Owner, owner.client))
    }

    /// Hands what belongs to no call to the session whose child this is, if it is one's.
    pub(super) fn post(&self, said: Unclaimed) -> Option<Result<(), Unclaimed>> {
        Some(self.0.ties.owner.as_ref()?.post(self, said))
    }

    /// The shard needs no answer any more. Where the reason finds no room in memory it is left out.
    pub(super) fn take_back(&self, line: &Bytes, params: Option<Raw<'_>>) {
        let id = Params::read(params).ok().and_then(|params| Id::read(params.request_id?));
        let Some(id) = id else { return self.0.heritage.stats.count_stray() };
        let key = id.key();
        let Some(asked) = self.forget(&key) else { return self.end_listening(id) };
        let reason = params.and_then(|params| params.get("reason")).and_then(|reason| self.part(line, reason));
        match asked {
            Asked::Caller(mailbox) => {
                mailbox.push(Event::AskCancelled { key: key.into(), reason });
                mailbox.settle();
            }
            // If too many messages wait, the client's answer finds nobody, as it may at any time.
            Asked::Owner => drop(self.post(Unclaimed::AskCancelled { key: key.into(), reason })),
        }
    }

    fn answer_myself(&self, request: &Request<'_>) {
        tracing::debug!(method = &*request.method, "no single client can be asked");
        if request.method != "roots/list" {
            self.0.heritage.stats.count_declined();
        }
        self.answer_request(request.id.as_str(), self.own_answer(&request.method));
    }

    fn own_answer(&self, method: &str) -> Result<Bytes, Fault> {
        if method == "roots/list" { Ok(self.0.limits.roots.own().clone()) } else { polite::answer(method) }
    }

    /// Notes that a client is asked; false if that cannot be.
    fn ask(&self, key: &str, asked: &Asked) -> bool {
        let mut asking = self.0.asking.lock();
        let has_room = asking.len() < ASKS && !asking.contains_key(key);
        if has_room {
            asking.insert(key.to_owned(), asked.clone());
            if let Asked::Caller(mailbox) = asked {
                mailbox.ask();
            }
        }
        has_room
    }

    /// True for the one who may answer.
    fn settle(&self, key: &str) -> bool {
        let asked = self.forget(key);
        if let Some(Asked::Caller(mailbox)) = &asked {
            mailbox.settle();
        }
        asked.is_some()
    }

    fn forget(&self, key: &str) -> Option<Asked> {
        let (asked, is_last) = {
            let mut asking = self.0.asking.lock();
            (asking.remove(key)?, asking.is_empty())
        };
        if let Some(settled) = self.0.ties.settled.as_ref().filter(|_| is_last) {
            settled.notify_one();
        }
        Some(asked)
    }
}

impl Asking {
    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Asked>> {
        self.0.lock().expect("no code that can panic runs under this lock")
    }
}
