//! The calls that a client can cancel by their request ids (2025-11-25, basic/utilities/cancellation).
//!
//! Invariant: an entry lives exactly as long as its [`Ticket`].

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Poll, Waker};

use super::client::ClientKey;
use crate::shard::link::Link;
use crate::tasks::wait_in;
use crate::wire::{Fault, Id, code};

type Key = (ClientKey, String);

/// All calls under way.
#[derive(Debug, Default)]
pub(super) struct Calls(Mutex<HashMap<Key, Arc<Cancel>>>);

/// The place of one call in the register.
#[derive(Debug)]
pub(super) struct Ticket {
    calls: Arc<Calls>,
    key: Key,
    cancel: Arc<Cancel>,
}

/// The way to one call.
#[derive(Debug, Default)]
struct Cancel(Mutex<Stage>);

#[derive(Debug, Default)]
struct Stage {
    is_asked: bool,
    /// Why, if the client said so.
    reason: Option<Box<str>>,
    /// The link that has taken the call, and its number there.
    taken: Option<(Link, u64)>,
    /// Whoever carries the call.
    waker: Option<Waker>,
}

impl Cancel {
    /// Whoever carries the call notices in time; but from now on the shard must not get what it has not got yet.
    fn carry_out(&self, reason: Option<&str>) {
        /// Longer reasons are cut, in characters.
        const LONGEST: usize = 512;
        let mut stage = self.lock();
        stage.is_asked = true;
        stage.reason = reason.map(|reason| reason.chars().take(LONGEST).collect::<String>().into());
        if let Some(waker) = stage.waker.take() {
            waker.wake();
        }
        if let Some((link, number)) = &stage.taken {
            link.withdraw(*number);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Stage> {
        self.0.lock().expect("no code that can panic runs under this lock")
    }
}

impl Calls {
    /// Enters a call.
    ///
    /// # Errors
    /// The client has a call with this id under way.
    pub(super) fn enter(self: &Arc<Self>, client: ClientKey, id: Id<'_>) -> Result<Ticket, Fault> {
        let key = (client, id.key());
        let cancel = Arc::<Cancel>::default();
        match self.lock().entry(key.clone()) {
            Entry::Occupied(_) => {
                let message = format!("request id {} is in use by a request under way", id.as_str());
                Err(Fault::new(code::INVALID_REQUEST, message))
            }
            Entry::Vacant(vacant) => {
                vacant.insert(Arc::clone(&cancel));
                Ok(Ticket { calls: Arc::clone(self), key, cancel })
            }
        }
    }

    pub(super) fn cancel(&self, client: ClientKey, id: &str, reason: Option<&str>) {
        if let Some(call) = self.lock().get(&(client, id.to_owned())) {
            call.carry_out(reason);
        }
    }

    pub(super) fn cancel_all(&self, client: ClientKey) {
        self.lock()
            .iter()
            .filter(|((owner, _), _)| *owner == client)
            .for_each(|(_, call)| call.carry_out(Some("the session is over")));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Arc<Cancel>>> {
        self.0.lock().expect("no code that can panic runs under this lock")
    }
}

impl Ticket {
    /// Ready when the client has cancelled the call. For one waiter at a time; safe to cancel.
    pub(super) fn cancelled(&self) -> impl Future<Output = ()> + '_ {
        poll_fn(|context| {
            let mut stage = self.cancel.lock();
            if stage.is_asked {
                return Poll::Ready(());
            }
            wait_in(&mut stage.waker, context);
            Poll::Pending
        })
    }

    /// Why the client has cancelled the call.
    pub(super) fn reason(&self) -> Box<str> {
        self.cancel.lock().reason.clone().unwrap_or_else(|| "the client has cancelled it".into())
    }

    /// Tells which link has taken the call.
    pub(super) fn taken(&self, link: &Link, number: u64) {
        self.cancel.lock().taken = Some((link.clone(), number));
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.calls.lock().remove(&self.key);
    }
}

#[cfg(test)]
mod tests;
