//! What is kept up while a child serves: its roster, its log level, its limits, and whether anybody needs it.
//!
//! Invariant: none of these ends a life but by saying that it is over.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::Supervisor;
use crate::shard::fetch::{self, Within};
use crate::shard::handshake::{self, Greeting};
use crate::shard::link::{Caller, Deadlines, Link};
use crate::shard::roster::{Offered, Roster};
use crate::wire::{Era, Level, request};

/// Between two fetches of changed lists, for shards that say so without end.
const PAUSE: Duration = Duration::from_millis(100);

impl Supervisor {
    /// Fetches what the shard says has changed, for as long as it lives.
    pub(super) async fn keep_roster(&self, link: &Link, era: Era) {
        loop {
            for list in link.changed().await {
                let within = Within::from_now(self.spec().timeouts.start);
                let offered = fetch::offered(link, era, list, within).await;
                self.learn(|known| {
                    let Some(known) = known else { return };
                    let before = known.roster.list(list);
                    let generation = before.generation + 1;
                    let offered = Offered { generation, ..offered.or_what_was(before) };
                    let mut roster = (*known.roster).clone();
                    roster.lists[list as usize] = Arc::new(offered);
                    known.roster = Arc::new(roster);
                });
            }
            sleep(PAUSE).await;
        }
    }

    /// Tells a legacy shard the most verbose wish of all clients, before anybody calls it.
    pub(super) async fn tell_level(&self, link: &Link, roster: &Roster) -> Option<Level> {
        let level = *self.setup.level.borrow();
        if let Some(level) = level
            && roster.era() == Era::Legacy
            && roster.declares("logging")
        {
            let params = serde_json::json!({"level": level.as_str()}).to_string();
            let number = link.next_number();
            let line = request(number, "logging/setLevel", Some(params.as_bytes()));
            let limit = self.spec().timeouts.start;
            if let Ok(call) = link.call(number, line, Caller::GATEWAY, Deadlines { call: limit, max: limit }) {
                // Whatever it answers: a level that a shard will not take changes nothing for the calls.
                let _ = call.done().await;
            }
        }
        level
    }

    pub(super) async fn keep_level(&self, link: &Link, roster: &Roster, mut heard: Option<Level>) {
        let mut wish = self.setup.level.clone();
        while wish.wait_for(|level| *level != heard).await.is_ok() {
            heard = self.tell_level(link, roster).await;
        }
        std::future::pending::<()>().await;
    }

    /// A review of the file may change what the link bears; the child need not know. Never returns.
    pub(super) async fn keep_limits(&self, link: &Link) {
        let mut spec = self.spec.clone();
        loop {
            let now = Arc::clone(&spec.borrow_and_update());
            link.limit(now.limits.in_flight, now.limits.message);
            link.review_roots(&now.roots);
            if spec.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// Returns when nobody has called for `idle_stop`; then the link takes no more calls.
    pub(super) async fn idle(&self, link: &Link) {
        let mut spec = self.spec.clone();
        loop {
            let patience = spec.borrow_and_update().idle_stop;
            if patience.is_some_and(|patience| link.refuse_if_idle(patience)) {
                return;
            }
            let over = link.idle_since().unwrap_or_else(Instant::now) + patience.unwrap_or_default();
            tokio::select! {
                changed = spec.changed() => if changed.is_err() {
                    return std::future::pending().await;
                },
                () = sleep_until(over), if patience.is_some() => {}
            }
        }
    }
}

/// Ready if a shard that was silent when asked turns out to be modern after all.
pub(super) async fn until_modern(greeting: &mut Greeting) {
    if let Some(discover) = &mut greeting.discover
        && handshake::turned_out_modern(discover).await
    {
        return;
    }
    std::future::pending::<()>().await;
}
