//! Which resources clients follow, and which of them shards say have changed (2025-11-25, server/resources).
//!
//! Invariant (DESIGN D13): state in two watches. What is followed travels down to the supervisors, what was touched travels
//! up; both are bounded, and who writes waits for nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::watch;

/// How many resources one session follows at most.
pub const OF_ONE: usize = 1024;
/// How many all of them follow together.
pub const OF_ALL: usize = 16_384;
/// Longer uris cannot be followed, in bytes.
pub const LONGEST: usize = 2048;
/// How many touched resources wait by name; of more only the followed resources that they belong to are kept.
const TOUCHED: usize = 4096;
/// A uri with more parts belongs to none of the resources that begin like it.
const PARTS: usize = 64;

/// For whom one process of a shard serves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Audience {
    /// All clients: it keeps whatever they follow.
    #[default]
    Everybody,
    /// Single calls: another process of the shard keeps what is followed.
    Nobody,
    /// One session, by its opaque key: it keeps what that follows.
    Session(u128),
    /// Whoever listens without a session: the sessions have processes of their own.
    Listeners,
}

impl Audience {
    /// Whether the process serves this session, or who listens under this key.
    fn includes(self, session: u128) -> bool {
        match self {
            Self::Everybody => true,
            Self::Nobody => false,
            Self::Session(only) => session == only,
            Self::Listeners => is_listener(session),
        }
    }
}

/// What the keys of those who listen without a session begin with. Those of sessions are random.
const LISTENERS: u128 = u64::MAX as u128;

/// The key of the listener of this number, in the place of a session's.
pub(crate) fn listener(number: u64) -> u128 {
    LISTENERS << 64 | u128::from(number)
}

/// Whether it is one.
pub(crate) fn is_listener(session: u128) -> bool {
    session >> 64 == LISTENERS
}

/// Why a resource cannot be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfollowed {
    /// The session has enough.
    #[error("this session has {OF_ONE} subscriptions, which is the most; unsubscribe from some")]
    OfOne,
    /// All together have.
    #[error("the sessions here have {OF_ALL} subscriptions together, which is the most; try again later")]
    OfAll,
    /// Its uri is too long.
    #[error("a uri of {0} bytes cannot be subscribed to; the limit is {LONGEST}")]
    Overlong(usize),
}

/// How far a client has come with a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It has asked its shard.
    Asked,
    /// The same, but the shard was told to stop meanwhile: whatever it says, it must be told anew.
    Doubted,
    /// It wants the shard to be asked by whoever keeps its process; the first verdict decides.
    Wished,
    /// The shard has agreed: whatever process the shard has must know of it.
    Kept,
    /// It has asked the shard to forget it.
    Leaving,
}

/// Who follows what: by shard, uri and session.
#[derive(Debug, Default)]
pub struct Followed(BTreeMap<Key, Standing>);

/// A resource that a shard says has changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Touch {
    /// The shard.
    pub shard: Arc<str>,
    /// Whose business it is.
    pub audience: Audience,
    /// The resource.
    pub uri: String,
}

/// The two ways between the mux and the shards. Cheap to clone; all clones are the same.
#[derive(Debug, Clone)]
pub struct Feed {
    /// The mux writes it.
    pub(crate) followed: watch::Sender<Followed>,
    /// The shards add to it, the mux empties it.
    pub(crate) touched: watch::Sender<BTreeSet<Touch>>,
}

impl Default for Feed {
    fn default() -> Self {
        Self { followed: watch::Sender::new(Followed::default()), touched: watch::Sender::new(BTreeSet::new()) }
    }
}

impl Feed {
    /// Notes what a shard says of a resource, if anybody follows it or one that it belongs to.
    pub(crate) fn touch(&self, shard: &Arc<str>, audience: Audience, uri: &str) {
        let Some(root) = self.followed.borrow().root(shard, uri) else {
            return tracing::debug!(shard = &**shard, "nobody follows the resource that was updated");
        };
        self.touched.send_if_modified(|touched| {
            let is_full = touched.len() >= TOUCHED || uri.len() > LONGEST;
            let uri = if is_full { root } else { uri.to_owned() };
            touched.insert(Touch { shard: Arc::clone(shard), audience, uri })
        });
    }

    /// Takes all that was touched.
    pub(crate) fn take_touched(&self) -> BTreeSet<Touch> {
        let mut taken = BTreeSet::new();
        self.touched.send_if_modified(|touched| {
            std::mem::swap(touched, &mut taken);
            false
        });
        taken
    }
}

impl Followed {
    /// Notes that a session has asked for a resource; one that is kept already stays so.
    pub(crate) fn ask(&mut self, shard: &Arc<str>, uri: &str, session: u128) -> Result<(), Unfollowed> {
        if uri.len() > LONGEST {
            return Err(Unfollowed::Overlong(uri.len()));
        }
        let key = (Arc::clone(shard), uri.to_owned(), session);
        if !self.0.contains_key(&key) {
            if self.0.keys().filter(|(_, _, other)| *other == session).count() >= OF_ONE {
                return Err(Unfollowed::OfOne);
            }
            if self.0.len() >= OF_ALL {
                return Err(Unfollowed::OfAll);
            }
        }
        let standing = self.0.entry(key).or_insert(Standing::Asked);
        if *standing == Standing::Leaving {
            *standing = Standing::Asked;
        }
        Ok(())
    }

    /// Notes that a listener, which follows nothing yet, wishes these resources of these shards: all or none.
    pub(crate) fn wish(&mut self, resources: &[(Arc<str>, String)], listener: u128) -> Result<(), Unfollowed> {
        if let Some((_, uri)) = resources.iter().find(|(_, uri)| uri.len() > LONGEST) {
            return Err(Unfollowed::Overlong(uri.len()));
        }
        if self.0.len() + resources.len() > OF_ALL {
            return Err(Unfollowed::OfAll);
        }
        let keys = resources.iter().map(|(shard, uri)| (Arc::clone(shard), uri.clone(), listener));
        self.0.extend(keys.map(|key| (key, Standing::Wished)));
        Ok(())
    }

    /// The process that serves `audience` has agreed: who has wished it has it.
    pub(crate) fn agree(&mut self, shard: &Arc<str>, uri: &str, audience: Audience) {
        let (from, to) = whole(shard, uri);
        let wished = self.0.range_mut(from..=to).filter(|(key, standing)| is_wished(key, **standing, audience));
        wished.for_each(|(_, standing)| *standing = Standing::Kept);
    }

    /// It has refused: who has wished it has not got it.
    pub(crate) fn refuse(&mut self, shard: &Arc<str>, uri: &str, audience: Audience) {
        let (from, to) = whole(shard, uri);
        drop(self.0.extract_if(from..=to, |key, standing| is_wished(key, *standing, audience)).collect::<Vec<_>>());
    }

    /// Whether anybody whom the process that serves `audience` serves wishes the resource.
    pub(crate) fn is_wished(&self, shard: &Arc<str>, uri: &str, audience: Audience) -> bool {
        let (from, to) = whole(shard, uri);
        self.0.range(from..=to).any(|(key, standing)| is_wished(key, *standing, audience))
    }

    /// How far a session, or a listener, has come with a resource.
    pub(crate) fn standing(&self, shard: &Arc<str>, uri: &str, session: u128) -> Option<Standing> {
        self.0.get(&(Arc::clone(shard), uri.to_owned(), session)).copied()
    }

    /// The shard has agreed. Gives how far the session had come with it; nothing happens if that is over.
    pub(crate) fn keep(&mut self, shard: &Arc<str>, uri: &str, session: u128) -> Option<Standing> {
        let standing = self.0.get_mut(&(Arc::clone(shard), uri.to_owned(), session))?;
        Some(std::mem::replace(standing, Standing::Kept))
    }

    /// The shard was told to stop: who has asked meanwhile may have been before that.
    pub(crate) fn doubt(&mut self, shard: &Arc<str>, uri: &str) {
        let (from, to) = whole(shard, uri);
        let asked = self.0.range_mut(from..=to).filter(|(_, standing)| **standing == Standing::Asked);
        asked.for_each(|(_, standing)| *standing = Standing::Doubted);
    }

    pub(crate) fn set(&mut self, shard: &Arc<str>, uri: &str, session: u128, standing: Standing) {
        self.0.insert((Arc::clone(shard), uri.to_owned(), session), standing);
    }

    /// Forgets it if the session has come only so far with it.
    pub(crate) fn forget_if(&mut self, shard: &Arc<str>, uri: &str, session: u128, so_far: &[Standing]) {
        let key = (Arc::clone(shard), uri.to_owned(), session);
        if self.0.get(&key).is_some_and(|standing| so_far.contains(standing)) {
            self.0.remove(&key);
        }
    }

    pub(crate) fn forget(&mut self, shard: &Arc<str>, uri: &str, session: u128) {
        self.0.remove(&(Arc::clone(shard), uri.to_owned(), session));
    }

    /// True if there was anything to forget.
    pub(crate) fn forget_session(&mut self, session: u128) -> bool {
        let before = self.0.len();
        self.0.retain(|(_, _, other), _| *other != session);
        self.0.len() != before
    }

    /// All that follow anything, each once.
    pub(crate) fn sessions(&self) -> BTreeSet<u128> {
        self.0.keys().map(|(_, _, session)| *session).collect()
    }

    /// Who follows this very resource.
    pub(crate) fn followers(&self, shard: &Arc<str>, uri: &str) -> impl Iterator<Item = (u128, Standing)> {
        let (from, to) = whole(shard, uri);
        self.0.range(from..=to).map(|((_, _, session), standing)| (*session, *standing))
    }

    /// The shards whose resources of this uri a session follows.
    pub(crate) fn shards_of(&self, session: u128, uri: &str) -> impl Iterator<Item = &Arc<str>> {
        let keys = self.0.keys().filter(move |(_, other, follower)| *follower == session && other == uri);
        keys.map(|(shard, _, _)| shard)
    }

    /// Who is to hear that a resource was touched, each with what it follows: the resource itself, or one that it belongs to.
    pub(crate) fn hearers(&self, touch: &Touch) -> BTreeMap<u128, String> {
        let mut hearers = BTreeMap::new();
        for root in roots(&touch.uri) {
            let followers = self.followers(&touch.shard, root).map(|(session, _)| session);
            for session in followers.filter(|session| touch.audience.includes(*session)) {
                hearers.entry(session).or_insert_with(|| root.to_owned());
            }
        }
        hearers
    }

    /// What a process that serves `audience` is to keep, and what it may keep because somebody is about to come or go.
    pub(crate) fn wishes(&self, shard: &Arc<str>, audience: Audience) -> BTreeMap<&str, Standing> {
        let from = (Arc::clone(shard), String::new(), 0);
        let of_shard = self.0.range(from..).take_while(|((other, _, _), _)| other == shard);
        let mine = of_shard.filter(|((_, _, session), _)| audience.includes(*session));
        let mut wishes = BTreeMap::new();
        for ((_, uri, _), standing) in mine {
            let wish = wishes.entry(&**uri).or_insert(*standing);
            if *standing == Standing::Kept || *standing == Standing::Wished && *wish != Standing::Kept {
                *wish = *standing;
            }
        }
        wishes
    }

    /// What somebody follows of `shard` that `uri` is or belongs to, the nearest first.
    fn root(&self, shard: &Arc<str>, uri: &str) -> Option<String> {
        roots(uri).find(|root| self.followers(shard, root).next().is_some()).map(ToOwned::to_owned)
    }
}

type Key = (Arc<str>, String, u128);

/// From the first to the last that may follow a resource.
fn whole(shard: &Arc<str>, uri: &str) -> (Key, Key) {
    ((Arc::clone(shard), uri.to_owned(), 0), (Arc::clone(shard), uri.to_owned(), u128::MAX))
}

fn is_wished((_, _, session): &Key, standing: Standing, audience: Audience) -> bool {
    standing == Standing::Wished && audience.includes(*session)
}

/// A uri and the beginnings of it that may name what it belongs to, the longest first.
fn roots(uri: &str) -> impl Iterator<Item = &str> {
    let ends = uri.rmatch_indices(['/', '?', '#']).take(PARTS);
    let beginnings = ends.flat_map(|(at, _)| [at + 1, at]).filter(|end| (1..uri.len()).contains(end));
    std::iter::once(uri).chain(beginnings.map(|end| &uri[..end])).filter(|root| root.len() <= LONGEST)
}

#[cfg(test)]
mod tests;
