//! Who follows which resources, and who must still be told that one was updated (2025-11-25, server/resources).
//!
//! Invariant: a shard is asked by the first client and told to stop by the last; in between clients share its reports.
//! Updates are dirty uris, no queue.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

use super::client::ClientKey;
use super::inbox::Inboxes;
use crate::config::Instances;
use crate::shard::followed::{Audience, Feed, Followed, Standing, Touch, Unfollowed};
use crate::shard::link::Link;
use crate::wire::{Fault, code, notification};

/// A session that has had no stream open for so long follows nothing any more.
const DEAF: Duration = Duration::from_mins(10);
/// How often that is looked after.
const ROUND: Duration = Duration::from_mins(1);
/// How many updated resources of one session wait by name; of more only what it follows itself is kept.
const DIRTY: usize = 256;

/// A resource of a shard.
pub(super) type Resource = (Arc<str>, String);

/// What all sessions follow.
#[derive(Debug)]
pub(super) struct Subscriptions {
    feed: Feed,
    inboxes: Arc<Inboxes>,
    /// What sessions have not been told yet.
    dirty: Mutex<HashMap<ClientKey, BTreeSet<Resource>>>,
}

/// What becomes of a request about a subscription.
#[derive(Debug)]
pub(super) enum Course {
    /// Others follow the resource, so the shard need not know.
    Settled,
    /// The shard answers it.
    AskShard(Pending),
}

/// A `resources/subscribe` or `resources/unsubscribe` on its way. Dropped without [`Pending::agreed`] the first has come to
/// nothing; the second counts in any case.
#[derive(Debug)]
pub(super) struct Pending {
    subscriptions: Arc<Subscriptions>,
    resource: Resource,
    client: ClientKey,
    /// [`Standing::Asked`] or [`Standing::Leaving`].
    standing: Standing,
}

impl Subscriptions {
    pub(super) fn new(feed: Feed, inboxes: Arc<Inboxes>) -> Self {
        Self { feed, inboxes, dirty: Mutex::default() }
    }

    /// Notes that `client` is about to ask `shard` for a resource.
    ///
    /// # Errors
    /// It follows too many, or all clients together do, or the uri is too long.
    pub(super) fn subscribe(
        self: &Arc<Self>,
        client: ClientKey,
        shard: &Arc<str>,
        uri: &str,
    ) -> Result<Pending, Fault> {
        let ask = |followed: &mut Followed| followed.ask(shard, uri, client.0);
        let mut asked = self.change(ask);
        if asked == Err(Unfollowed::OfAll) && self.make_room(client) {
            asked = self.change(ask);
        }
        asked.map_err(|unfollowed| Fault::new(code::INVALID_PARAMS, unfollowed.to_string()))?;
        Ok(self.pending(client, shard, uri, Standing::Asked))
    }

    /// Notes that `client` leaves a resource of `shard`, whose processes serve clients like this.
    pub(super) fn unsubscribe(
        self: &Arc<Self>,
        client: ClientKey,
        shard: &Arc<str>,
        uri: &str,
        instances: Instances,
    ) -> Course {
        let is_last = self.change(|followed| {
            let others = followed.followers(shard, uri).any(|(session, standing)| {
                session != client.0 && standing != Standing::Leaving && instances != Instances::PerSession
            });
            if others {
                followed.forget(shard, uri, client.0);
            } else if followed.followers(shard, uri).any(|(session, _)| session == client.0) {
                followed.set(shard, uri, client.0, Standing::Leaving);
            }
            !others
        });
        if is_last {
            return Course::AskShard(self.pending(client, shard, uri, Standing::Leaving));
        }
        self.clean(client, uri);
        Course::Settled
    }

    /// Notes that a listener wishes these resources; the shards' supervisors ask for them.
    ///
    /// # Errors
    /// All clients together follow too many.
    pub(super) fn wish(&self, listener: ClientKey, resources: &[Resource]) -> Result<(), Fault> {
        if resources.is_empty() {
            return Ok(());
        }
        let wish = |followed: &mut Followed| followed.wish(resources, listener.0);
        let mut wished = self.change(wish);
        while wished == Err(Unfollowed::OfAll) && self.make_room(listener) {
            wished = self.change(wish);
        }
        wished.map_err(|unfollowed| Fault::new(code::INVALID_PARAMS, unfollowed.to_string()))
    }

    /// The same for one more resource of a session. One that it follows already it goes on following.
    ///
    /// # Errors
    /// It follows too many, or all clients together do, or the uri is too long.
    pub(super) fn wish_also(&self, client: ClientKey, (shard, uri): &Resource) -> Result<(), Fault> {
        let wish = |followed: &mut Followed| {
            followed.ask(shard, uri, client.0)?;
            if followed.standing(shard, uri, client.0) == Some(Standing::Asked) {
                followed.set(shard, uri, client.0, Standing::Wished);
            }
            Ok(())
        };
        let mut wished = self.change(wish);
        if wished == Err(Unfollowed::OfAll) && self.make_room(client) {
            wished = self.change(wish);
        }
        wished.map_err(|unfollowed| Fault::new(code::INVALID_PARAMS, unfollowed.to_string()))
    }

    /// A session follows a resource no more; the shard's supervisor sees to the rest.
    pub(super) fn leave(&self, client: ClientKey, shard: &Arc<str>, uri: &str) {
        self.change(|followed| followed.forget(shard, uri, client.0));
        self.clean(client, uri);
    }

    /// Waits until the shards have decided on what a listener wishes, but no longer than `until`. Safe to cancel.
    pub(super) async fn decided(&self, listener: ClientKey, resources: &[Resource], until: Instant) {
        let mut followed = self.feed.followed.subscribe();
        let is_wished = |followed: &Followed, (shard, uri): &Resource| {
            followed.standing(shard, uri, listener.0) == Some(Standing::Wished)
        };
        let decided = followed.wait_for(|followed| !resources.iter().any(|resource| is_wished(followed, resource)));
        // Whether it came to that, the standings say.
        let _ = timeout_at(until, decided).await;
    }

    /// Gives what of it the listener follows from now on: what was agreed to, and what a shard is still to come to; the rest of
    /// what is not decided counts as refused.
    pub(super) fn settle(
        &self,
        listener: ClientKey,
        resources: &[Resource],
        is_to_come: impl Fn(&str) -> bool,
    ) -> BTreeSet<String> {
        if resources.is_empty() {
            return BTreeSet::new();
        }
        let granted = self.change(|followed| {
            let mut followed_now = BTreeSet::new();
            for (shard, uri) in resources {
                match followed.standing(shard, uri, listener.0) {
                    None => continue,
                    Some(Standing::Wished) if is_to_come(shard) => {
                        followed.set(shard, uri, listener.0, Standing::Kept);
                    }
                    Some(Standing::Wished) => {
                        followed.forget(shard, uri, listener.0);
                        continue;
                    }
                    Some(_) => {}
                }
                followed_now.insert(uri.clone());
            }
            followed_now
        });
        // A refused resource may have been reported on before its shard refused it.
        self.clean(listener, "");
        granted
    }

    /// Whether the client follows this resource, or is about to.
    pub(super) fn follows(&self, client: ClientKey, shard: &Arc<str>, uri: &str) -> bool {
        self.feed.followed.borrow().standing(shard, uri, client.0).is_some()
    }

    /// The shard whose resource of this uri the client follows.
    pub(super) fn shard_of(&self, client: ClientKey, uri: &str, sees: impl Fn(&str) -> bool) -> Option<Arc<str>> {
        let followed = self.feed.followed.borrow();
        let mut shards = followed.shards_of(client.0, uri).filter(|shard| sees(shard));
        shards.next().cloned()
    }

    /// The messages for what was updated and `speaks` for its shard says that this is told now.
    pub(super) fn updated(&self, client: ClientKey, speaks: impl Fn(&str) -> bool) -> Vec<Bytes> {
        let mut dirty = self.dirty();
        let Some(resources) = dirty.get_mut(&client) else { return Vec::new() };
        let told: Vec<Resource> = resources.extract_if(.., |(shard, _)| speaks(shard)).collect();
        if resources.is_empty() {
            dirty.remove(&client);
        }
        // Two shards may have resources of one uri; the client knows no difference.
        let uris: BTreeSet<String> = told.into_iter().map(|(_, uri)| uri).collect();
        uris.iter().map(|uri| message(uri)).collect()
    }

    /// The session is over.
    pub(super) fn forget(&self, client: ClientKey) {
        self.feed.followed.send_if_modified(|followed| followed.forget_session(client.0));
        self.dirty().remove(&client);
    }

    /// Carries what shards say to the sessions concerned, and lets go of those that do not listen. Never ends.
    pub(super) async fn run(self: Arc<Self>) {
        let mut touched = self.feed.touched.subscribe();
        let mut rounds = interval(ROUND);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut deaf = HashMap::new();
        loop {
            tokio::select! {
                _ = touched.changed() => self.feed.take_touched().iter().for_each(|touch| self.spread(touch)),
                _ = rounds.tick() => self.forget_deaf(&mut deaf),
            }
        }
    }

    fn spread(&self, touch: &Touch) {
        // Borrowed until all is noted, so that a session that ends meanwhile leaves nothing behind.
        let followed = self.feed.followed.borrow();
        for (session, root) in followed.hearers(touch) {
            let client = ClientKey(session);
            {
                let mut dirty = self.dirty();
                let resources = dirty.entry(client).or_default();
                let uri = if resources.len() < DIRTY { touch.uri.clone() } else { root };
                resources.insert((Arc::clone(&touch.shard), uri));
            }
            self.inboxes.wake(client);
        }
    }

    /// `deaf` holds since when sessions that follow something have had no stream.
    fn forget_deaf(&self, deaf: &mut HashMap<ClientKey, Instant>) {
        let sessions = self.feed.followed.borrow().sessions();
        let now = Instant::now();
        let unheard = sessions.into_iter().map(ClientKey).filter(|client| !self.inboxes.is_heard(*client));
        let mut still: HashMap<_, _> =
            unheard.map(|client| (client, deaf.get(&client).copied().unwrap_or(now))).collect();
        for (client, _) in still.extract_if(|_, since| now.duration_since(*since) >= DEAF) {
            tracing::debug!(client = client.0, "a session that does not listen follows nothing any more");
            self.forget(client);
        }
        *deaf = still;
    }

    /// Lets go of any other session that does not listen.
    fn make_room(&self, client: ClientKey) -> bool {
        let sessions = self.feed.followed.borrow().sessions();
        let mut others = sessions.into_iter().map(ClientKey).filter(|other| *other != client);
        let unheard = others.find(|other| !self.inboxes.is_heard(*other));
        unheard.inspect(|other| self.forget(*other)).is_some()
    }

    /// Forgets updates that the client has not been told of and that it does not follow any more.
    fn clean(&self, client: ClientKey, left: &str) {
        let followed = self.feed.followed.borrow();
        let mut dirty = self.dirty();
        let Some(resources) = dirty.get_mut(&client) else { return };
        resources.retain(|(shard, uri)| {
            let touch = Touch { shard: Arc::clone(shard), audience: Audience::Session(client.0), uri: uri.clone() };
            !uri.starts_with(left) || !followed.hearers(&touch).is_empty()
        });
        if resources.is_empty() {
            dirty.remove(&client);
        }
    }

    fn pending(self: &Arc<Self>, client: ClientKey, shard: &Arc<str>, uri: &str, standing: Standing) -> Pending {
        let resource = (Arc::clone(shard), uri.to_owned());
        Pending { subscriptions: Arc::clone(self), resource, client, standing }
    }

    /// Changes what is followed; the supervisors look whether it concerns them.
    fn change<T>(&self, change: impl FnOnce(&mut Followed) -> T) -> T {
        let mut outcome = None;
        self.feed.followed.send_modify(|followed| outcome = Some(change(followed)));
        outcome.expect("the closure has run")
    }

    fn dirty(&self) -> MutexGuard<'_, HashMap<ClientKey, BTreeSet<Resource>>> {
        self.dirty.lock().expect("no code that can panic runs under this lock")
    }
}

impl Pending {
    /// The shard has agreed, on this link.
    pub(super) fn agreed(self, link: &Link) {
        let (shard, uri) = &self.resource;
        // What the shard was told is noted before its supervisor can compare.
        self.subscriptions.change(|followed| {
            if self.standing == Standing::Leaving {
                link.has_unsubscribed(uri);
                followed.doubt(shard, uri);
            } else if followed.keep(shard, uri, self.client.0) != Some(Standing::Doubted) {
                // Also if the session is over by now: then the shard is told to stop.
                link.has_subscribed(uri);
            }
        });
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let (shard, uri) = &self.resource;
        let so_far: &[Standing] = match self.standing {
            Standing::Leaving => &[Standing::Leaving],
            _ => &[Standing::Asked, Standing::Doubted],
        };
        self.subscriptions.change(|followed| followed.forget_if(shard, uri, self.client.0, so_far));
        self.subscriptions.clean(self.client, uri);
    }
}

fn message(uri: &str) -> Bytes {
    let params = json!({"uri": uri}).to_string();
    notification("notifications/resources/updated", Some(params.as_bytes())).into()
}

#[cfg(test)]
mod tests;
