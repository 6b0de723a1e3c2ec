//! For whom a child is, and what all sessions with children of their own share.
//!
//! Invariant: a session is an opaque key here; what its child says outside of calls is handed down a bounded queue and
//! never waits for anybody.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::shard::link::{Ask, Elicited, Link};
use crate::wire::{Capabilities, Level};

/// How many messages of all sessions' children wait to be carried on.
const MAIL: usize = 1024;
/// How many sessions that are over are remembered, so that a call of theirs that is late gets no child.
const OVER: usize = 1024;

/// Who wants a child for a call.
#[derive(Debug, Clone, Copy)]
pub enum Tenant {
    /// A legacy session, which has a child of its own where `instances: per_session` says so.
    Session {
        /// Its key.
        client: u128,
        /// What it wants to hear.
        level: Option<Level>,
        /// What it can be asked.
        asks: Capabilities,
    },
    /// A client without a session: each call stands alone.
    Passing,
}

/// Whose a child is that belongs to one session.
#[derive(Debug, Clone)]
pub struct Owner {
    pub(crate) client: u128,
    pub(crate) asks: Capabilities,
    /// What it wants to hear.
    pub(crate) level: watch::Receiver<Option<Level>>,
    pub(crate) post: Sender<Mail>,
}

/// What the child of one session says with no call under way.
#[derive(Debug)]
pub struct Mail {
    /// The session.
    pub client: u128,
    /// The child.
    pub link: Link,
    /// What it says.
    pub said: Unclaimed,
}

/// A message that belongs to no call.
#[derive(Debug)]
pub enum Unclaimed {
    /// The `params` of a `notifications/message`, with its level if it is still to be seen whether the session hears that.
    Log(Option<Level>, Bytes),
    /// Any other notification.
    Notice {
        /// Its method.
        method: Box<str>,
        /// Its parameters.
        params: Option<Bytes>,
    },
    /// A request; to be answered as those in calls are.
    Ask(Ask),
    /// A request was taken back.
    AskCancelled {
        /// See [`Ask::key`].
        key: Box<str>,
        /// What the shard says why, JSON text.
        reason: Option<Bytes>,
    },
}

impl Owner {
    /// Whether the session, as of now, hears log messages of this level.
    pub(crate) fn hears(&self, level: Level) -> bool {
        self.level.borrow().is_none_or(|least| level >= least)
    }

    /// Hands a message on; gives it back if too many wait.
    pub(crate) fn post(&self, link: &Link, said: Unclaimed) -> Result<(), Unclaimed> {
        let mail = Mail { client: self.client, link: link.clone(), said };
        self.post.try_send(mail).map_err(|error| error.into_inner().said)
    }
}

/// What all sessions with children of their own share: how many there may be, who listens, and the way of what they are
/// told. Cheap to clone.
#[derive(Debug, Clone)]
pub struct OwnChildren(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limit: usize,
    places: Arc<Semaphore>,
    streams: Mutex<HashMap<u128, usize>>,
    /// The sessions that have ended last.
    over: Mutex<VecDeque<u128>>,
    post: Sender<Mail>,
    elicited: Elicited,
}

/// While it lives, its session has an open stream.
#[derive(Debug)]
pub struct Present {
    own: OwnChildren,
    client: u128,
}

impl OwnChildren {
    /// With room for `limit` children of sessions; and where arrives what they say outside of calls.
    pub fn new(limit: usize) -> (Self, Receiver<Mail>) {
        let (post, mail) = mpsc::channel(MAIL);
        let places = Arc::new(Semaphore::new(limit));
        let (streams, over, elicited) = (Mutex::default(), Mutex::default(), Elicited::default());
        let shared = Shared { limit, places, streams, over, post, elicited };
        (Self(Arc::new(shared)), mail)
    }

    /// Tells that a stream to the session is open.
    pub fn arrive(&self, client: u128) -> Present {
        *self.streams().entry(client).or_default() += 1;
        Present { own: self.clone(), client }
    }

    /// The session is over, and its key is never used again: no call of it gets a child from now on.
    pub fn end(&self, client: u128) {
        self.0.elicited.end(client);
        let mut over = self.over();
        over.push_back(client);
        if over.len() > OVER {
            over.pop_front();
        }
    }

    pub(super) fn is_over(&self, client: u128) -> bool {
        self.over().contains(&client)
    }

    /// Whether a stream to the session is open.
    pub fn is_present(&self, client: u128) -> bool {
        self.streams().contains_key(&client)
    }

    pub(super) fn limit(&self) -> usize {
        self.0.limit
    }

    pub(super) fn take_place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0.places).try_acquire_owned().ok()
    }

    pub(crate) fn post(&self) -> Sender<Mail> {
        self.0.post.clone()
    }

    pub(crate) fn elicited(&self) -> Elicited {
        self.0.elicited.clone()
    }

    fn over(&self) -> MutexGuard<'_, VecDeque<u128>> {
        self.0.over.lock().expect("no code that can panic runs under this lock")
    }

    fn streams(&self) -> MutexGuard<'_, HashMap<u128, usize>> {
        self.0.streams.lock().expect("no code that can panic runs under this lock")
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        let mut streams = self.own.streams();
        if let Some(open) = streams.get_mut(&self.client) {
            *open -= 1;
            if *open == 0 {
                streams.remove(&self.client);
            }
        }
    }
}
