//! `subscriptions/listen`: what a modern client hears outside of its calls (2026-07-28, basic/patterns/subscriptions).
//!
//! Invariants: the acknowledgement is the first that is told, and what it leaves out is not told; each message names the
//! request by its id as the client wrote it. Nothing queues up for one that does not read: a list has changed or it has not,
//! a resource was updated or it was not. Whoever drops it follows nothing any more.

mod filter;
mod tasks;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use serde_json::json;
use tokio::time::Instant;

use self::filter::Filter;
use self::tasks::Tasks;
use super::calls::Ticket;
use super::changes::{Lists, list_changed};
use super::client::{Client, ClientKey};
use super::following::AGREEING;
use super::inbox::Ear;
use super::relay::Relayed;
use super::rewrite::edited;
use super::route;
use super::subscriptions::Resource;
use super::task_ids::Holder;
use super::{Answer, Inner, Mux};
use crate::shard::followed;
use crate::wire::{Edit, Fault, Meta, Params, Raw, Request, code, notification, result_response, takes_tasks};

/// How many one connection may have open.
const OF_ONE: usize = 64;

/// How many requests each client has open. Over HTTP each request is a client of its own, and the door counts the streams.
#[derive(Debug, Default)]
pub(super) struct Listens(Mutex<HashMap<ClientKey, usize>>);

/// The place of one request; free when this is dropped.
#[derive(Debug)]
struct Place {
    mux: Arc<Inner>,
    client: ClientKey,
}

/// One `subscriptions/listen`. It goes on until it is ended, cancelled or dropped.
#[derive(Debug)]
pub struct Listening {
    mux: Arc<Inner>,
    /// The client's id of the request, JSON text.
    id: Box<str>,
    ticket: Ticket,
    news: News,
    waiting: VecDeque<Bytes>,
    is_over: bool,
    _place: Place,
}

/// Where its messages come from.
#[derive(Debug)]
struct News {
    /// Stands for the request wherever a session's key would: two requests of one client hear of different things.
    key: ClientKey,
    /// What is left for that key is told too.
    ear: Ear,
    lists: Lists,
    filter: Filter,
    /// The resources that the filter names, with their shards, until those have agreed or refused.
    wished: Option<Wished>,
    tasks: Tasks,
}

#[derive(Debug)]
struct Wished {
    resources: Vec<Resource>,
    until: Instant,
}

impl Listens {
    fn enter(mux: &Arc<Inner>, client: ClientKey) -> Result<Place, Fault> {
        let mut open = mux.listens.lock();
        let count = open.entry(client).or_default();
        if *count >= OF_ONE {
            let message = format!(
                "this connection has {OF_ONE} `subscriptions/listen` open, which is the most; cancel some, or ask for more in one"
            );
            return Err(Fault::new(code::INTERNAL, message));
        }
        *count += 1;
        Ok(Place { mux: Arc::clone(mux), client })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ClientKey, usize>> {
        self.0.lock().expect("nothing panics while it holds this lock")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Entry::Occupied(mut entry) = self.mux.listens.lock().entry(self.client) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }
}

impl Mux {
    /// Begins what a client asks for with `subscriptions/listen`. Nobody is waited for but a first start.
    pub(super) async fn listen(
        &self,
        client: &Client,
        request: &Request<'_>,
        params: &Params<'_>,
    ) -> Result<Listening, Fault> {
        static LATEST: AtomicU64 = AtomicU64::new(0);
        // Before anything is waited for, so that a cancellation right behind the request finds it.
        let ticket = self.inner.calls.enter(client.key, request.id)?;
        let filter = Filter::read(params.notifications)?;
        let place = Listens::enter(&self.inner, client.key)?;
        let resources = self.with_their_shards(client, &filter).await;
        let tasks = self.listened_tasks(client, &filter, &params.meta).await?;
        let key = ClientKey(followed::listener(LATEST.fetch_add(1, Ordering::Relaxed)));
        // Open before anything is wished: who has no stream open gives way to others.
        let (ear, lists) = (self.inner.inboxes.open(key, &self.view), Lists::new(&self.inner.world, &self.view));
        let wished = Wished { resources: resources.clone(), until: Instant::now() + AGREEING };
        let listening = Listening {
            mux: Arc::clone(&self.inner),
            id: request.id.as_str().into(),
            ticket,
            news: News { key, ear, lists, filter, wished: Some(wished), tasks },
            waiting: VecDeque::new(),
            is_over: false,
            _place: place,
        };
        self.inner.subscriptions.wish(key, &resources)?;
        Ok(listening)
    }

    /// The tasks of the filter that the client has, each asked for at its child. Where nobody runs tasks they mean nothing.
    async fn listened_tasks(&self, client: &Client, filter: &Filter, meta: &Meta<'_>) -> Result<Tasks, Fault> {
        if !filter.tasks.is_empty() && !takes_tasks(meta) && self.settled().await.has_task_extension() {
            return Err(route::undeclared());
        }
        Ok(Tasks::begin(&self.inner, &self.view, Holder::of(client), &filter.tasks))
    }

    /// The resources of the filter that shards of this view have which can report on them.
    async fn with_their_shards(&self, client: &Client, filter: &Filter) -> Vec<Resource> {
        if filter.resources.is_empty() {
            return Vec::new();
        }
        let catalogue = self.settled().await;
        let scope = self.scope(&catalogue, client);
        let world = Arc::clone(&self.inner.world.borrow());
        let can_report = |shard: &Arc<str>| {
            let known = world.shard(shard).map(|shard| shard.known.clone());
            known.is_some_and(|known| {
                known.borrow().as_ref().is_some_and(|known| known.roster.declares_that("resources", "subscribe"))
            })
        };
        let owned = filter.resources.iter().filter(|uri| uri.len() <= followed::LONGEST);
        let owned = owned.filter_map(|uri| Some((route::resource_owner(&scope, uri)?, uri.clone())));
        owned.filter(|(shard, _)| can_report(shard)).collect()
    }
}

impl Listening {
    /// The client's id of the request, JSON text.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What is told next: only ever notices, and after the client has cancelled it [`Relayed::Cancelled`]. Safe to cancel.
    pub async fn next(&mut self) -> Relayed {
        loop {
            if self.is_over {
                return Relayed::Cancelled;
            }
            if let Some(message) = self.waiting.pop_front() {
                return Relayed::Notice(message);
            }
            let told = tokio::select! {
                biased;
                () = self.ticket.cancelled() => None,
                told = self.news.next(&self.mux) => Some(told),
            };
            match told {
                None => self.is_over = true,
                Some(told) => self.waiting = told.iter().map(|message| stamped(message, &self.id)).collect(),
            }
        }
    }

    /// Ends it: what the client is told if the gateway, and not the client, ends it.
    pub fn end(&mut self) -> Answer {
        self.is_over = true;
        Answer { body: result_response(&self.id, listened(&self.id)), code: None }
    }
}

impl News {
    /// What there is to tell, at least one message. Never ends; safe to cancel.
    async fn next(&mut self, mux: &Inner) -> Vec<Bytes> {
        if let Some(wished) = &self.wished {
            mux.subscriptions.decided(self.key, &wished.resources, wished.until).await;
            self.filter.tasks = self.tasks.agreed().await;
            let resources = self.wished.take().map(|wished| wished.resources).unwrap_or_default();
            let world = Arc::clone(&mux.world.borrow());
            let key = self.key.0;
            let is_to_come = |shard: &str| world.shard(shard).is_some_and(|shard| !shard.reports_to(key));
            self.filter.resources = mux.subscriptions.settle(self.key, &resources, is_to_come);
            return vec![acknowledged(&self.filter)];
        }
        loop {
            self.ear.listen();
            let mut messages = self.ear.messages();
            messages.extend(mux.subscriptions.updated(self.key, |_| true));
            if !messages.is_empty() {
                return messages;
            }
            tokio::select! {
                () = self.ear.woken() => {}
                told = self.tasks.next(mux) => return vec![told],
                kinds = self.lists.changed() => {
                    let wanted = kinds.into_iter().filter(|kind| self.filter.lists.contains(kind));
                    let messages: Vec<_> = wanted.map(list_changed).collect();
                    if !messages.is_empty() {
                        return messages;
                    }
                }
            }
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.mux.subscriptions.forget(self.news.key);
        self.mux.inboxes.forget(self.news.key);
    }
}

fn acknowledged(filter: &Filter) -> Bytes {
    let params = json!({"notifications": filter.honoured()}).to_string();
    notification("notifications/subscriptions/acknowledged", Some(params.as_bytes())).into()
}

/// The result that says that a request has come to its end. `id` is JSON text.
pub fn listened(id: &str) -> Bytes {
    format!(r#"{{"resultType":"complete","_meta":{{"{}":{id}}}}}"#, Meta::SUBSCRIPTION_ID).into()
}

/// A notification that names the request with this id, a JSON text.
fn stamped(message: &Bytes, id: &str) -> Bytes {
    let set = |object: Raw<'_>, key: &str, value: &str| edited(object, &[Edit::Set(key, value)]);
    let message = Raw::parse(message).expect("it has been written, or read, here");
    let params = message.get("params").unwrap_or(Raw::EMPTY_OBJECT);
    let meta = set(params.get("_meta").unwrap_or(Raw::EMPTY_OBJECT), Meta::SUBSCRIPTION_ID, id);
    set(message, "params", &set(params, "_meta", &meta)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_the_request_and_keeps_every_other_byte() {
        let check = |message: &'static str, id: &str, expected: &str| {
            assert_eq!(stamped(&Bytes::from_static(message.as_bytes()), id), expected);
        };
        let id = r#""io.modelcontextprotocol/subscriptionId":"#;
        check(r#"{"method":"x"}"#, "7.0", &format!(r#"{{"method":"x","params":{{"_meta":{{{id}7.0}}}}}}"#));
        check(
            r#"{"method":"x","params":{"uri":"a","n": 1e5,"_meta":{"z":1}}}"#,
            r#""l\u0031""#,
            &format!(r#"{{"method":"x","params":{{"uri":"a","n": 1e5,"_meta":{{"z":1,{id}"l\u0031"}}}}}}"#),
        );
    }
}
