//! Which sessions have streams open, and how many.
//!
//! Invariant: a session that is deleted has no stream left. Which of several streams tells what, the mux decides.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio_util::sync::CancellationToken;

use crate::mux::ClientKey;

/// The open streams of all sessions.
#[derive(Debug, Default)]
pub(crate) struct Listeners(Mutex<HashMap<ClientKey, Streams>>);

#[derive(Debug, Default)]
struct Streams {
    open: usize,
    closed: CancellationToken,
}

/// One open stream; it is off the list when this is dropped.
#[derive(Debug)]
pub(crate) struct Listening {
    listeners: Arc<Listeners>,
    key: ClientKey,
    /// Cancelled when the session is deleted.
    pub(crate) closed: CancellationToken,
}

impl Listeners {
    /// `None` if the session has `most` streams open already.
    pub(crate) fn open(self: &Arc<Self>, key: ClientKey, most: usize) -> Option<Listening> {
        let mut sessions = self.lock();
        let streams = sessions.entry(key).or_default();
        if streams.open >= most {
            return None;
        }
        streams.open += 1;
        Some(Listening { listeners: Arc::clone(self), key, closed: streams.closed.clone() })
    }

    /// Closes every stream of a session.
    pub(crate) fn close(&self, key: ClientKey) {
        if let Some(streams) = self.lock().get(&key) {
            streams.closed.cancel();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ClientKey, Streams>> {
        self.0.lock().expect("nothing panics while it holds this lock")
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        if let Entry::Occupied(mut entry) = self.listeners.lock().entry(self.key) {
            entry.get_mut().open -= 1;
            if entry.get().open == 0 {
                entry.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_has_so_many_streams_and_no_more() {
        let listeners = Arc::new(Listeners::default());
        let open = |key| listeners.open(ClientKey(key), 2);
        let (first, second, other) = (open(1).unwrap(), open(1).unwrap(), open(2).unwrap());
        assert!(open(1).is_none());
        drop(first);
        let third = open(1).unwrap();
        assert!(open(1).is_none());
        drop((second, third, other));
        assert!(listeners.lock().is_empty());
    }

    #[test]
    fn closing_a_session_ends_its_streams_and_leaves_nothing() {
        let listeners = Arc::new(Listeners::default());
        let ended = listeners.open(ClientKey(1), 2).unwrap();
        let other = listeners.open(ClientKey(2), 2).unwrap();
        listeners.close(ClientKey(1));
        assert!(ended.closed.is_cancelled() && !other.closed.is_cancelled());
        drop((ended, other));
        assert!(listeners.lock().is_empty());
    }
}
