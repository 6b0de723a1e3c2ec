//! Keeps the child's subscriptions equal to what clients follow, over restarts and swaps (DESIGN D4).
//!
//! Invariant: each difference is told once; a child that refuses is not asked again before it is another one.

use tokio::time::timeout;

use super::Supervisor;
use crate::shard::link::{Caller, Deadlines, Due, Link};
use crate::shard::roster::Roster;
use crate::wire::{Era, request};

/// How many subscriptions a child is told at once.
const AT_ONCE: usize = 64;

impl Supervisor {
    /// Tells a new child, before anybody calls it, of all that is followed; what takes too long is told later.
    pub(super) async fn tell_followed(&self, link: &Link, roster: &Roster) {
        if roster.era() == Era::Legacy {
            let _ = timeout(self.spec().timeouts.start, self.tell_differences(link)).await;
        }
    }

    /// Tells the child what has changed since, for as long as it lives.
    pub(super) async fn keep_followed(&self, link: &Link, roster: &Roster) {
        let mut followed = link.feed().followed.subscribe();
        // 2026-07-28 has no such requests.
        while roster.era() == Era::Legacy {
            self.tell_differences(link).await;
            if followed.changed().await.is_err() {
                break;
            }
        }
        std::future::pending::<()>().await;
    }

    async fn tell_differences(&self, link: &Link) {
        let limit = self.spec().timeouts.start;
        loop {
            let due = link.due(AT_ONCE);
            if due.is_empty() {
                return;
            }
            let ask = |due: &Due| {
                let params = serde_json::json!({"uri": due.uri()}).to_string();
                let number = link.next_number();
                let line = request(number, due.method(), Some(params.as_bytes()));
                link.call(number, line, Caller::GATEWAY, Deadlines { call: limit, max: limit })
            };
            let asked: Vec<_> = due.iter().map(ask).collect();
            for (due, asked) in due.iter().zip(asked) {
                if let Ok(call) = asked {
                    // Whatever it answers: clients were told when they asked, and it is not asked again.
                    let _ = call.done().await;
                }
                match due {
                    Due::Subscribe(uri) => link.has_subscribed(uri),
                    Due::Unsubscribe(uri) => link.has_unsubscribed(uri),
                }
            }
        }
    }
}
