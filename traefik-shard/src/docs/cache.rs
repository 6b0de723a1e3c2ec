//! What was fetched, kept in memory for a while.
//!
//! The bytes of all pages together never exceed the limit. Time is an argument, so that nothing
//! here waits and a test needs no clock.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::Instant;
use url::Url;

use crate::docs::catalogue::Catalogue;
use crate::docs::fetch::{Fault, Validators};

/// How long a refusal of the site is remembered.
const REFUSAL: Duration = Duration::from_secs(60);
/// How long a failure of the network is remembered: just enough that those who wait fail together.
const OUTAGE: Duration = Duration::from_secs(3);
/// How many entries of each kind are kept, whatever their size.
const ENTRIES: usize = 2048;

/// What an address holds.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Page(Arc<str>),
    Catalogue(Arc<Catalogue>),
}

impl Content {
    /// The catalogue counts nothing: there is one at most, and it must not push out the pages.
    fn bytes(&self) -> usize {
        match self {
            Self::Page(text) => text.len(),
            Self::Catalogue(_) => 0,
        }
    }
}

/// One thing that was fetched.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) content: Content,
    /// Where the redirects led to.
    pub(crate) url: Url,
    pub(crate) validators: Validators,
    /// When the site last said that this is right.
    pub(crate) fetched_at: OffsetDateTime,
}

#[derive(Debug)]
struct Entry {
    kept: Kept,
    fresh_until: Instant,
    used: u64,
}

/// What the cache knows of an address.
#[derive(Debug)]
pub(crate) enum Known {
    Fresh(Kept),
    /// It must be asked for again; the old one serves if that fails.
    Expired(Kept),
    /// It failed a moment ago.
    Failed(Fault, Option<Kept>),
    Nothing,
}

/// The cache.
#[derive(Debug)]
pub(crate) struct Cache {
    limit: usize,
    bytes: usize,
    uses: u64,
    entries: HashMap<Url, Entry>,
    failures: HashMap<Url, (Fault, Instant)>,
    /// No connection to the site at all: then every address fails at once instead of one by one.
    outage: Option<(Fault, Instant)>,
}

impl Cache {
    /// An empty one for `limit` bytes of pages.
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, bytes: 0, uses: 0, entries: HashMap::new(), failures: HashMap::new(), outage: None }
    }

    /// Looks an address up.
    pub(crate) fn look(&mut self, url: &Url, now: Instant) -> Known {
        self.uses += 1;
        let uses = self.uses;
        let entry = self.entries.get_mut(url);
        let found = entry.map(|entry| {
            entry.used = uses;
            (entry.kept.clone(), entry.fresh_until > now)
        });
        let failed = self.failures.get(url).or(self.outage.as_ref()).filter(|(_, until)| *until > now);
        match (found, failed) {
            (Some((kept, true)), _) => Known::Fresh(kept),
            (found, Some((fault, _))) => Known::Failed(fault.clone(), found.map(|(kept, _)| kept)),
            (Some((kept, false)), None) => Known::Expired(kept),
            (None, None) => Known::Nothing,
        }
    }

    /// Keeps what came. What does not fit at all is not kept; what fits pushes out the least used.
    pub(crate) fn keep(&mut self, url: &Url, kept: Kept, now: Instant, fresh_for: Duration) {
        self.remove(url);
        self.failures.remove(url);
        self.outage = None;
        let bytes = kept.content.bytes();
        if bytes > self.limit {
            return;
        }
        while self.bytes + bytes > self.limit || self.entries.len() >= ENTRIES {
            let oldest = self.entries.iter().filter(|(_, entry)| matches!(entry.kept.content, Content::Page(_)));
            let Some(oldest) = oldest.min_by_key(|(_, entry)| entry.used).map(|(url, _)| url.clone()) else { break };
            self.remove(&oldest);
        }
        self.bytes += bytes;
        self.uses += 1;
        self.entries.insert(url.clone(), Entry { kept, fresh_until: now + fresh_for, used: self.uses });
    }

    /// Remembers that it failed. What the site no longer has is forgotten.
    pub(crate) fn fail(&mut self, url: &Url, fault: Fault, now: Instant) {
        if fault == Fault::NotFound {
            self.remove(url);
        }
        if matches!(fault, Fault::Unreachable(_)) {
            self.outage = Some((fault, now + OUTAGE));
            return;
        }
        self.failures.retain(|_, (_, until)| *until > now);
        if self.failures.len() < ENTRIES {
            let remembered = if fault.is_of_the_network() { OUTAGE } else { REFUSAL };
            self.failures.insert(url.clone(), (fault, now + remembered));
        }
    }

    fn remove(&mut self, url: &Url) {
        if let Some(entry) = self.entries.remove(url) {
            self.bytes -= entry.kept.content.bytes();
        }
    }
}

#[cfg(test)]
mod tests;
