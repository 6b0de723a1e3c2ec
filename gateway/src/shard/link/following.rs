//! What one child has been told to report on, and what it reports (2025-11-25, server/resources).
//!
//! Invariant: what a client had it told is noted when it has answered, what the gateway tells it at once, so that whoever
//! compares that with what clients follow finds the difference.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::json;

use super::{Call, Caller, Deadlines, Link, Refused};
use crate::shard::followed::{Audience, Feed, Standing};
use crate::wire::{Raw, read_object, request};

/// What a link knows of subscriptions.
#[derive(Debug)]
pub(crate) struct Following {
    shard: Arc<str>,
    audience: Audience,
    feed: Feed,
    told: Mutex<BTreeSet<String>>,
}

impl Following {
    /// For a child of `shard` that serves `audience`; nothing has been told yet.
    pub(crate) fn new(shard: &str, audience: Audience, feed: Feed) -> Self {
        Self { shard: shard.into(), audience, feed, told: Mutex::default() }
    }

    fn touch(&self, uri: &str) {
        self.feed.touch(&self.shard, self.audience, uri);
    }

    fn told(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.told.lock().expect("no code that can panic runs under this lock")
    }
}

/// A difference that a child is told.
#[derive(Debug)]
pub(crate) struct Due {
    /// What it is to report on from now on, unless it is told to stop.
    pub(crate) begins: Option<String>,
    pub(crate) call: Result<Call, Refused>,
}

impl Link {
    /// The child has agreed to report on `uri`.
    pub(crate) fn has_subscribed(&self, uri: &str) {
        self.following().told().insert(uri.to_owned());
    }

    /// The child has agreed to report on `uri` no more.
    pub(crate) fn has_unsubscribed(&self, uri: &str) {
        self.following().told().remove(uri);
    }

    /// Tells the child at most `most` of the differences between what it was told and what clients follow, each to be
    /// answered `within` this time. What a client asks after that stands behind it.
    pub(crate) fn tell_due(&self, most: usize, within: Duration) -> Vec<Due> {
        let Following { shard, audience, feed, .. } = self.following();
        // Held until all is queued, so that no client can come or go in between.
        let followed = feed.followed.borrow();
        let wishes = followed.wishes(shard, *audience);
        let mut told = self.following().told();
        let kept = wishes.iter().filter(|(_, standing)| **standing == Standing::Kept).map(|(uri, _)| *uri);
        let missing = kept.filter(|uri| !told.contains(*uri)).map(|uri| ("resources/subscribe", uri.to_owned()));
        let needless = told.iter().filter(|uri| !wishes.contains_key(uri.as_str()));
        let needless = needless.map(|uri| ("resources/unsubscribe", uri.clone()));
        let due: Vec<_> = missing.chain(needless).take(most).collect();
        let ask = |(method, uri): (&str, String)| {
            let params = json!({"uri": uri}).to_string();
            let number = self.next_number();
            let line = request(number, method, Some(params.as_bytes()));
            // It counts as told whatever becomes of it: one that refuses is not asked again.
            let begins = if told.remove(&uri) { None } else { Some(uri) };
            told.extend(begins.clone());
            let call = self.call(number, line, Caller::GATEWAY, Deadlines { call: within, max: within });
            Due { begins, call }
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

    fn following(&self) -> &Following {
        &self.0.limits.following
    }
}
