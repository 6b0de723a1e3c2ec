//! The elicitations by URL that children have announced (2025-11-25, client/elicitation): whom one concerns that is complete.
//!
//! Invariant: an elicitation belongs to the child that announced it and to the sessions that it was announced to, so that
//! word of its end reaches those and no other. What is remembered of a child is forgotten with it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::{Caller, Link};
use crate::wire::{Capabilities, Fault, Notification, Raw, code, read_object};

/// How many elicitations are remembered of one session, and of all together; of more the oldest is forgotten.
const OF_ONE: usize = 64;
const OF_ALL: usize = 4096;
/// For so long one is remembered.
const LIFETIME: Duration = Duration::from_hours(24);
/// One with a longer id is not remembered, in bytes.
const LONGEST_ID: usize = 1024;

/// All that are remembered. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Elicited(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    children: AtomicU64,
    open: Mutex<Open>,
}

/// By the child, the child's id for it, and the session; each since when.
type Open = BTreeMap<(u64, Box<str>, u128), Instant>;

/// Those of one child.
#[derive(Debug)]
pub(super) struct OfChild {
    all: Elicited,
    child: u64,
}

impl Elicited {
    /// The place for what one more child announces.
    pub(super) fn child(&self) -> OfChild {
        OfChild { all: self.clone(), child: self.0.children.fetch_add(1, Ordering::Relaxed) }
    }

    /// The session is over.
    pub(crate) fn end(&self, client: u128) {
        self.lock().retain(|(_, _, owner), _| *owner != client);
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().expect("no code that can panic runs under this lock")
    }
}

impl OfChild {
    fn announce(&self, client: u128, id: &str) {
        if id.len() > LONGEST_ID {
            return;
        }
        let mut open = self.all.lock();
        open.retain(|_, since| since.elapsed() < LIFETIME);
        let key = (self.child, id.into(), client);
        open.remove(&key);
        let is_full = open.keys().filter(|(_, _, owner)| *owner == client).count() >= OF_ONE;
        if is_full || open.len() >= OF_ALL {
            let may_go = open.iter().filter(|((_, _, owner), _)| !is_full || *owner == client);
            let oldest = may_go.min_by_key(|(_, since)| **since).map(|(key, _)| key.clone());
            oldest.map(|key| open.remove(&key));
        }
        open.insert(key, Instant::now());
    }

    /// Those whom the end of one concerns; they are told once.
    fn complete(&self, id: &str) -> Vec<u128> {
        let mut open = self.all.lock();
        let of_it = (self.child, id.into(), u128::MIN)..=(self.child, id.into(), u128::MAX);
        let told: Vec<_> = open.extract_if(of_it, |_, _| true).collect();
        told.into_iter().filter(|(_, since)| since.elapsed() < LIFETIME).map(|((_, _, client), _)| client).collect()
    }
}

impl Drop for OfChild {
    fn drop(&mut self) {
        self.all.lock().retain(|(child, _, _), _| *child != self.child);
    }
}

impl Link {
    /// A client is asked this; it may be to send its person to a URL.
    pub(super) fn note_elicitation(&self, client: u128, needed: Option<Capabilities>, params: Option<Raw<'_>>) {
        if needed == Some(Capabilities::ELICITATION_URL)
            && let Some(id) = params.and_then(id_of)
        {
            self.0.elicited.announce(client, &id);
        }
    }

    /// The answer to a call may be that the caller's person must go to some URLs before.
    pub(super) fn note_required(&self, caller: &Caller, error: Raw<'_>) {
        if caller.asks.has(Capabilities::ELICITATION_URL)
            && Fault::code_of(error) == Some(code::URL_ELICITATION_REQUIRED)
            && let Some(required) = error.get("data").and_then(|data| data.get("elicitations"))
        {
            let ids = required.elements().take(OF_ONE).filter_map(id_of);
            ids.for_each(|id| self.0.elicited.announce(caller.client, &id));
        }
    }

    /// Tells those whom it concerns that an elicitation is complete; false if nobody is known.
    pub(super) fn take_complete(&self, line: &Bytes, notification: &Notification<'_>) -> bool {
        let Some(id) = notification.params.and_then(id_of) else { return false };
        let clients = self.0.elicited.complete(&id);
        clients.iter().for_each(|client| self.tell(line, *client, notification));
        !clients.is_empty()
    }
}

fn id_of(elicitation: Raw<'_>) -> Option<Cow<'_, str>> {
    let [id] = read_object(elicitation, &["elicitationId"]).ok()?;
    id?.string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_was_told_of_an_elicitation_by_this_child_hears_of_its_end_and_once() {
        let all = Elicited::default();
        let (one, other) = (all.child(), all.child());
        one.announce(7, "a");
        one.announce(8, "a");
        one.announce(8, "b");
        other.announce(9, "a");
        assert_eq!(one.complete("unheard of"), []);
        assert_eq!(one.complete("a"), [7, 8]);
        assert_eq!(one.complete("a"), []);
        all.end(8);
        assert_eq!(one.complete("b"), []);
        drop(other);
        assert!(all.lock().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn of_too_many_elicitations_the_oldest_of_the_session_is_forgotten_and_each_after_a_while() {
        let all = Elicited::default();
        let child = all.child();
        child.announce(8, "before");
        for number in 0..=OF_ONE {
            tokio::time::advance(Duration::from_secs(1)).await;
            child.announce(7, &number.to_string());
        }
        child.announce(7, &"x".repeat(LONGEST_ID + 1));
        assert_eq!((child.complete("0"), child.complete("1"), child.complete("before")), (vec![], vec![7], vec![8]));
        for client in 100..100 + OF_ALL as u128 {
            child.announce(client, "many");
        }
        assert_eq!(all.lock().len(), OF_ALL);
        assert_eq!(child.complete("2"), [], "it was the oldest of all");
        tokio::time::advance(LIFETIME).await;
        assert_eq!(child.complete("many"), []);
    }
}
