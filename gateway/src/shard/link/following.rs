//! What one child has been told to report on, and what it reports (2025-11-25, server/resources).
//!
//! Invariant: what a client had it told is noted when it has answered, what the gateway tells it at once, so that whoever
//! compares that with what clients follow finds the difference.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::json;

use super::{Call, Caller, Deadlines, Link, Refused};
use crate::shard::followed::{Audience, Feed, Followed, Standing};
use crate::wire::{Raw, read_object, request};

/// What a link knows of subscriptions.
#[derive(Debug)]
pub(crate) struct Following {
    shard: Arc<str>,
    audience: Audience,
    feed: Feed,
    told: Mutex<BTreeMap<String, Told>>,
}

/// What a child that was told of a resource has said to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// Nothing yet.
    Open,
    Agreed,
    Refused,
}

impl Following {
    /// For a child of `shard` that serves `audience`; nothing has been told yet.
    pub(crate) fn new(shard: &str, audience: Audience, feed: Feed) -> Self {
        Self { shard: shard.into(), audience, feed, told: Mutex::default() }
    }

    fn touch(&self, uri: &str) {
        self.feed.touch(&self.shard, self.audience, uri);
    }

    pub(super) fn feed(&self) -> &Feed {
        &self.feed
    }

    pub(super) fn wishes<'f>(&self, followed: &'f Followed) -> BTreeMap<&'f str, Standing> {
        followed.wishes(&self.shard, self.audience)
    }

    /// Forgets what nobody wants any more; gives what the child has refused of the rest.
    pub(super) fn forget_all_but(&self, wishes: &BTreeMap<&str, Standing>) -> BTreeSet<String> {
        let mut told = self.told();
        told.retain(|uri, _| wishes.contains_key(uri.as_str()));
        let refused = told.iter().filter(|(_, said)| **said == Told::Refused);
        refused.map(|(uri, _)| uri.clone()).collect()
    }

    /// The child is told of `uri`, unless it has been before.
    pub(super) fn begin(&self, uri: &str) {
        self.told().entry(uri.to_owned()).or_insert(Told::Open);
    }

    fn told(&self) -> MutexGuard<'_, BTreeMap<String, Told>> {
        self.told.lock().expect("no code that can panic runs under this lock")
    }
}

/// A difference that a child is told.
#[derive(Debug)]
pub(crate) struct Due {
    /// What it is to report on from now on, unless it is told to stop, and whether anybody has had it before.
    pub(crate) begins: Option<(String, Standing)>,
    pub(crate) call: Result<Call, Refused>,
}

impl Link {
    /// The child has agreed to report on `uri`.
    pub(crate) fn has_subscribed(&self, uri: &str) {
        self.following().told().insert(uri.to_owned(), Told::Agreed);
    }

    /// The child has agreed to report on `uri` no more.
    pub(crate) fn has_unsubscribed(&self, uri: &str) {
        self.following().told().remove(uri);
    }

    /// What the child has said to `uri`, of which the gateway has told it. Nothing happens if that has been taken back.
    pub(crate) fn has_said(&self, uri: &str, said: Told) {
        if let Some(told) = self.following().told().get_mut(uri) {
            *told = said;
        }
    }

    /// Lets those who wish a resource know what the child has said to it.
    pub(crate) fn settle_told(&self) {
        let Following { shard, audience, feed, .. } = self.following();
        let settled: Vec<_> = {
            let followed = feed.followed.borrow();
            let wishes = followed.wishes(shard, *audience);
            let told = self.following().told();
            let said = told.iter().filter(|(uri, said)| **said != Told::Open && wishes.contains_key(uri.as_str()));
            // Who keeps it may stand beside one who wishes it.
            let wished = said.filter(|(uri, _)| followed.is_wished(shard, uri, *audience));
            wished.map(|(uri, said)| (uri.clone(), *said)).collect()
        };
        if settled.is_empty() {
            return;
        }
        feed.followed.send_modify(|followed| {
            for (uri, said) in &settled {
                match said {
                    Told::Agreed => followed.agree(shard, uri, *audience),
                    Told::Open | Told::Refused => followed.refuse(shard, uri, *audience),
                }
            }
        });
    }

    /// Tells the child at most `most` of the differences between what it was told and what clients follow, each to be
    /// answered `within` this time. What a client asks after that stands behind it.
    pub(crate) fn tell_due(&self, most: usize, within: Duration) -> Vec<Due> {
        let Following { shard, audience, feed, .. } = self.following();
        // Held until all is queued, so that no client can come or go in between.
        let followed = feed.followed.borrow();
        let wishes = followed.wishes(shard, *audience);
        let mut told = self.following().told();
        // What it never agreed to it need not be told to stop.
        told.retain(|uri, said| *said != Told::Refused || wishes.contains_key(uri.as_str()));
        let is_to_be_told = |standing: Standing| matches!(standing, Standing::Kept | Standing::Wished);
        let kept = wishes.iter().filter(|(uri, standing)| is_to_be_told(**standing) && !told.contains_key(**uri));
        let missing = kept.map(|(uri, standing)| ((*uri).to_owned(), Some(*standing)));
        let needless = told.keys().filter(|uri| !wishes.contains_key(uri.as_str())).map(|uri| (uri.clone(), None));
        let due: Vec<_> = missing.chain(needless).take(most).collect();
        let ask = |(uri, standing): (String, Option<Standing>)| {
            let method = if standing.is_some() { "resources/subscribe" } else { "resources/unsubscribe" };
            let params = json!({"uri": uri}).to_string();
            let number = self.next_number();
            let line = request(number, method, Some(params.as_bytes()));
            // It counts as told whatever becomes of it: one that refuses is not asked again.
            match standing {
                Some(_) => drop(told.insert(uri.clone(), Told::Open)),
                None => drop(told.remove(&uri)),
            }
            let call = self.call(number, line, Caller::GATEWAY, Deadlines { call: within, max: within });
            Due { begins: standing.map(|standing| (uri, standing)), call }
        };
        due.into_iter().map(ask).collect()
    }

    /// A resource may have changed without a word of the child.
    pub(crate) fn touch(&self, uri: &str) {
        self.following().touch(uri);
    }

    /// Whether the child is to report on anything.
    pub(crate) fn is_followed(&self) -> bool {
        let Following { shard, audience, feed, .. } = self.following();
        !feed.followed.borrow().wishes(shard, *audience).is_empty()
    }

    /// The feed that the child's subscriptions come from.
    pub(crate) fn feed(&self) -> &Feed {
        &self.following().feed
    }

    pub(super) fn take_updated(&self, params: Option<Raw<'_>>) {
        if self.following().audience == Audience::Nobody {
            // Another child follows the resource for all clients and says the same.
            return tracing::debug!("an update that another child of the shard reports");
        }
        let uri = params.and_then(|params| read_object(params, &["uri"]).ok()).and_then(|[uri]| uri?.string());
        match uri {
            Some(uri) => self.touch(&uri),
            None => self.0.heritage.stats.count_stray(),
        }
    }

    pub(super) fn following(&self) -> &Following {
        &self.0.limits.following
    }
}
