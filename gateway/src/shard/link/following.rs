//! What one child has been told to report on, and what it reports (2025-11-25, server/resources).
//!
//! Invariant: what it was told is noted when it has answered, so that whoever compares that with what clients follow tells
//! it the difference and nothing twice.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

use super::Link;
use crate::shard::followed::{Audience, Feed, Standing};
use crate::wire::{Raw, read_object};

/// What a link knows of subscriptions.
#[derive(Debug)]
pub(crate) struct Following {
    shard: Arc<str>,
    audience: Audience,
    feed: Feed,
    told: Mutex<BTreeSet<String>>,
}

/// What a child must still be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Due {
    Subscribe(String),
    Unsubscribe(String),
}

impl Due {
    pub(crate) fn method(&self) -> &'static str {
        match self {
            Self::Subscribe(_) => "resources/subscribe",
            Self::Unsubscribe(_) => "resources/unsubscribe",
        }
    }

    pub(crate) fn uri(&self) -> &str {
        match self {
            Self::Subscribe(uri) | Self::Unsubscribe(uri) => uri,
        }
    }
}

impl Following {
    /// For a child of `shard` that serves `audience`; nothing has been told yet.
    pub(crate) fn new(shard: &str, audience: Audience, feed: Feed) -> Self {
        Self { shard: shard.into(), audience, feed, told: Mutex::default() }
    }

    fn told(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.told.lock().expect("no code that can panic runs under this lock")
    }
}

impl Link {
    /// The child has agreed to report on `uri`, or was asked to and will not be asked again.
    pub(crate) fn has_subscribed(&self, uri: &str) {
        self.following().told().insert(uri.to_owned());
    }

    /// The child has agreed to report on `uri` no more, or was asked to and will not be asked again.
    pub(crate) fn has_unsubscribed(&self, uri: &str) {
        self.following().told().remove(uri);
    }

    /// At most `most` differences between what the child was told and what clients follow.
    pub(crate) fn due(&self, most: usize) -> Vec<Due> {
        let Following { shard, audience, feed, .. } = self.following();
        let followed = feed.followed.borrow();
        let wishes = followed.wishes(shard, *audience);
        let told = self.following().told();
        let kept = wishes.iter().filter(|(_, standing)| **standing == Standing::Kept).map(|(uri, _)| *uri);
        let missing = kept.filter(|uri| !told.contains(*uri)).map(|uri| Due::Subscribe(uri.to_owned()));
        let needless = told.iter().filter(|uri| !wishes.contains_key(uri.as_str())).cloned().map(Due::Unsubscribe);
        missing.chain(needless).take(most).collect()
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
        let uri = params.and_then(|params| read_object(params, &["uri"]).ok()).and_then(|[uri]| uri?.string());
        match uri {
            Some(uri) => self.feed().touch(&self.following().shard, self.following().audience, &uri),
            None => self.0.heritage.stats.count_stray(),
        }
    }

    fn following(&self) -> &Following {
        &self.0.limits.following
    }
}
