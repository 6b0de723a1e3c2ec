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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Audience {
    /// All clients: it keeps whatever they follow.
    #[default]
    Everybody,
    /// Single calls: another process of the shard keeps what is followed.
    Nobody,
    /// One session, by its opaque key: it keeps what that follows.
    Session(u128),
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
    /// The shard has agreed: whatever process the shard has must know of it.
    Kept,
    /// It has asked the shard to forget it.
    Leaving,
}

/// Who follows what: by shard, uri and session.
#[derive(Debug, Default)]
pub struct Followed(BTreeMap<(Arc<str>, String, u128), Standing>);

/// A resource that a shard says has changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Touch {
    /// The shard.
    pub shard: Arc<str>,
    /// The only session whose business it is, if there is one.
    pub session: Option<u128>,
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
        let session = if let Audience::Session(session) = audience { Some(session) } else { None };
        let Some(root) = self.followed.borrow().root(shard, uri) else {
            return tracing::debug!(shard = &**shard, "nobody follows the resource that was updated");
        };
        self.touched.send_if_modified(|touched| {
            let is_full = touched.len() >= TOUCHED || uri.len() > LONGEST;
            let uri = if is_full { root } else { uri.to_owned() };
            touched.insert(Touch { shard: Arc::clone(shard), session, uri })
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

    /// The shard has agreed. Nothing happens if the session is over.
    pub(crate) fn keep(&mut self, shard: &Arc<str>, uri: &str, session: u128) {
        if let Some(standing) = self.0.get_mut(&(Arc::clone(shard), uri.to_owned(), session)) {
            *standing = Standing::Kept;
        }
    }

    pub(crate) fn set(&mut self, shard: &Arc<str>, uri: &str, session: u128, standing: Standing) {
        self.0.insert((Arc::clone(shard), uri.to_owned(), session), standing);
    }

    /// Forgets it if the session has come only so far with it.
    pub(crate) fn forget_if(&mut self, shard: &Arc<str>, uri: &str, session: u128, standing: Standing) {
        let key = (Arc::clone(shard), uri.to_owned(), session);
        if self.0.get(&key) == Some(&standing) {
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
        let from = (Arc::clone(shard), uri.to_owned(), 0);
        let to = (Arc::clone(shard), uri.to_owned(), u128::MAX);
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
            for session in followers.filter(|session| touch.session.is_none_or(|only| only == *session)) {
                hearers.entry(session).or_insert_with(|| root.to_owned());
            }
        }
        hearers
    }

    /// What a process that serves `audience` is to keep, and what it may keep because somebody is about to come or go.
    pub(crate) fn wishes(&self, shard: &Arc<str>, audience: Audience) -> BTreeMap<&str, Standing> {
        let from = (Arc::clone(shard), String::new(), 0);
        let of_shard = self.0.range(from..).take_while(|((other, _, _), _)| other == shard);
        let mine = of_shard.filter(|((_, _, session), _)| match audience {
            Audience::Everybody => true,
            Audience::Nobody => false,
            Audience::Session(only) => *session == only,
        });
        let mut wishes = BTreeMap::new();
        for ((_, uri, _), standing) in mine {
            let wish = wishes.entry(&**uri).or_insert(*standing);
            if *standing == Standing::Kept {
                *wish = Standing::Kept;
            }
        }
        wishes
    }

    /// What somebody follows of `shard` that `uri` is or belongs to, the nearest first.
    fn root(&self, shard: &Arc<str>, uri: &str) -> Option<String> {
        roots(uri).find(|root| self.followers(shard, root).next().is_some()).map(ToOwned::to_owned)
    }
}

/// A uri and the beginnings of it that may name what it belongs to, the longest first.
fn roots(uri: &str) -> impl Iterator<Item = &str> {
    let ends = uri.rmatch_indices(['/', '?', '#']).take(PARTS);
    let beginnings = ends.flat_map(|(at, _)| [at + 1, at]).filter(|end| (1..uri.len()).contains(end));
    std::iter::once(uri).chain(beginnings.map(|end| &uri[..end])).filter(|root| root.len() <= LONGEST)
}

#[cfg(test)]
mod tests;
