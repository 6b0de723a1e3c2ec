//! The calls that a client can cancel by their request ids (2025-11-25, basic/utilities/cancellation).
//!
//! Invariant: an entry lives exactly as long as its [`Ticket`].

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

use super::client::ClientKey;
use crate::wire::{Fault, Id, code};

type Key = (ClientKey, String);

/// All calls under way.
#[derive(Debug, Default)]
pub(super) struct Calls(Mutex<HashMap<Key, CancellationToken>>);

/// The place of one call in the register.
#[derive(Debug)]
pub(super) struct Ticket {
    calls: Arc<Calls>,
    key: Key,
    cancelled: CancellationToken,
}

impl Calls {
    /// Enters a call.
    ///
    /// # Errors
    /// The client has a call with this id under way.
    pub(super) fn enter(self: &Arc<Self>, client: ClientKey, id: Id<'_>) -> Result<Ticket, Fault> {
        let key = (client, id.key());
        let cancelled = CancellationToken::new();
        match self.lock().entry(key.clone()) {
            Entry::Occupied(_) => {
                let message = format!("request id {} is in use by a request under way", id.as_str());
                Err(Fault::new(code::INVALID_REQUEST, message))
            }
            Entry::Vacant(vacant) => {
                vacant.insert(cancelled.clone());
                Ok(Ticket { calls: Arc::clone(self), key, cancelled })
            }
        }
    }

    pub(super) fn cancel(&self, client: ClientKey, id: &str) {
        if let Some(call) = self.lock().get(&(client, id.to_owned())) {
            call.cancel();
        }
    }

    pub(super) fn cancel_all(&self, client: ClientKey) {
        self.lock().iter().filter(|((owner, _), _)| *owner == client).for_each(|(_, call)| call.cancel());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, CancellationToken>> {
        self.0.lock().expect("no code that can panic runs under this lock")
    }
}

impl Ticket {
    /// Ready when the client has cancelled the call.
    pub(super) fn cancelled(&self) -> WaitForCancellationFuture<'_> {
        self.cancelled.cancelled()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.calls.lock().remove(&self.key);
    }
}
