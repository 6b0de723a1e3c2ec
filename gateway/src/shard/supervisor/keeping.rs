//! What is kept up while a child serves: its roster, its log level, its limits, and whether anybody needs it.
//!
//! Invariant: none of these ends a life but by saying that it is over.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::Supervisor;
use crate::shard::Role;
use crate::shard::fetch::{self, Within};
use crate::shard::handshake::{self, Greeting};
use crate::shard::link::{LINGER, Link};
use crate::shard::roster::{List, Offered, Roster};
use crate::wire::Era;

/// Between two fetches of changed lists, for shards that say so without end.
const PAUSE: Duration = Duration::from_millis(100);

impl Supervisor {
    /// Fetches what the shard, by any of its children, says has changed, for as long as the one lives that is asked. Resources
    /// and their templates, of which it speaks in one word, are learnt at once, so that clients are told once. Never returns.
    pub(super) async fn keep_roster(&self, link: &Link, era: Era) {
        if matches!(self.setup.role, Role::Member(_)) {
            return std::future::pending().await;
        }
        loop {
            self.ties.marks.changed().await;
            let changed = self.ties.marks.take();
            for lists in changed.chunk_by(|one, next| (*one, *next) == (List::Resources, List::Templates)) {
                let mut fetched = Vec::new();
                for list in lists {
                    let within = Within::from_now(self.spec().timeouts.start);
                    fetched.push((*list, fetch::offered(link, era, *list, within).await));
                }
                self.learn(|known| {
                    let Some(known) = known else { return };
                    let mut roster = (*known.roster).clone();
                    for (list, offered) in fetched {
                        let before = known.roster.list(list);
                        let generation = before.generation + 1;
                        let offered = Offered { generation, ..offered.or_what_was(before) };
                        roster.lists[list as usize] = Arc::new(offered);
                    }
                    known.roster = Arc::new(roster);
                });
            }
            sleep(PAUSE).await;
        }
    }

    /// Returns when one of the shard's other children says that a list has changed, which this one is to fetch.
    pub(super) async fn listed_anew(&self) {
        match self.pool {
            Some(_) => self.ties.marks.changed().await,
            None => std::future::pending().await,
        }
    }

    /// Tells a legacy shard the most verbose wish of all clients, before anybody calls it.
    pub(super) async fn tell_level(&self, link: &Link, roster: &Roster) {
        if roster.era() == Era::Legacy && roster.declares("logging") {
            link.takes_levels(self.spec().timeouts.start);
        }
        self.tell_wish(link).await;
    }

    /// Tells it what has changed since; also when no call wants more than that any longer. Never returns.
    pub(super) async fn keep_level(&self, link: &Link) {
        let mut wish = self.setup.level.clone();
        loop {
            wish.mark_unchanged();
            self.tell_wish(link).await;
            // Nobody wishes anything any more once the mux is gone.
            let _ = timeout(LINGER, wish.changed()).await;
        }
    }

    async fn tell_wish(&self, link: &Link) {
        let wish = *self.setup.level.borrow();
        if let Some(asked) = link.tell_level(wish) {
            // Whatever it answers: a level that a shard will not take changes nothing for the calls.
            let _ = asked.done().await;
        }
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

    /// A child that is not of one session goes by the rules of its pool.
    fn is_dismissed_when_idle(&self) -> bool {
        matches!(&self.setup.role, Role::Member(ties) if ties.owner.is_none())
    }

    /// Returns when nobody has called for `idle_stop`, nor follows a resource; then the link takes no more calls.
    pub(super) async fn idle(&self, link: &Link) {
        let mut spec = self.spec.clone();
        let mut followed = link.feed().followed.subscribe();
        loop {
            followed.mark_unchanged();
            let stays = link.is_followed() || self.is_dismissed_when_idle();
            let patience = spec.borrow_and_update().idle_stop.filter(|_| !stays);
            if patience.is_some_and(|patience| link.refuse_if_idle(patience)) {
                return;
            }
            let over = link.idle_since().unwrap_or_else(Instant::now) + patience.unwrap_or_default();
            tokio::select! {
                changed = spec.changed() => if changed.is_err() {
                    return std::future::pending().await;
                },
                _ = followed.changed() => {}
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
