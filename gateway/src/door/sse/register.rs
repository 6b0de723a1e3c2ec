//! The open sessions of the HTTP+SSE door.
//!
//! Invariant: a session is found by an id that nobody can guess, and only as long as its stream is open.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::door::connection::Connection;
use crate::door::key::random;

type Open = HashMap<Arc<str>, Arc<Connection>>;

/// All of them.
#[derive(Default)]
pub(crate) struct Register(Arc<Mutex<Open>>);

/// The place of one session in the register; it is off the list when this is dropped.
pub(super) struct Entered {
    open: Arc<Mutex<Open>>,
    id: Arc<str>,
}

impl Register {
    /// Enters a client under a new id.
    pub(super) fn enter(&self, client: Connection) -> Entered {
        let id: Arc<str> = format!("{:032x}", u128::from_le_bytes(random())).into();
        lock(&self.0).insert(Arc::clone(&id), Arc::new(client));
        Entered { open: Arc::clone(&self.0), id }
    }

    /// The client of a session.
    pub(super) fn find(&self, id: &str) -> Option<Arc<Connection>> {
        lock(&self.0).get(id).cloned()
    }
}

impl Entered {
    /// Under which the session is found.
    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let client = lock(&self.open).remove(&self.id);
        // Its own end needs no lock of this one.
        drop(client);
    }
}

fn lock(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().expect("nothing panics while it holds this lock")
}
