//! Which sessions have a stream open that hears of changes.
//!
//! Invariant: of several streams of one session with one view only the newest speaks, because a client must not get one
//! message twice (2025-11-25, basic/transports, "Multiple Connections"); when it closes, the one before it speaks again.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio_util::sync::CancellationToken;

use crate::mux::{ClientKey, View};

/// The open streams of all sessions.
#[derive(Debug, Default)]
pub(crate) struct Listeners(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    sessions: HashMap<ClientKey, Streams>,
    next: u64,
}

#[derive(Debug, Default)]
struct Streams {
    open: Vec<(u64, View)>,
    closed: CancellationToken,
}

/// One open stream; it is off the list when this is dropped.
#[derive(Debug)]
pub(crate) struct Listening {
    listeners: Arc<Listeners>,
    key: ClientKey,
    number: u64,
    view: View,
    /// Cancelled when the session is deleted.
    pub(crate) closed: CancellationToken,
}

impl Listeners {
    /// `None` if the session has `most` streams open already.
    pub(crate) fn open(self: &Arc<Self>, key: ClientKey, view: &View, most: usize) -> Option<Listening> {
        let mut open = self.lock();
        let number = open.next;
        open.next += 1;
        let streams = open.sessions.entry(key).or_default();
        if streams.open.len() >= most {
            return None;
        }
        streams.open.push((number, view.clone()));
        let closed = streams.closed.clone();
        Some(Listening { listeners: Arc::clone(self), key, number, view: view.clone(), closed })
    }

    /// Closes every stream of a session.
    pub(crate) fn close(&self, key: ClientKey) {
        if let Some(streams) = self.lock().sessions.remove(&key) {
            streams.closed.cancel();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.lock().expect("nothing panics while it holds this lock")
    }
}

impl Listening {
    /// Whether this stream carries what the session is to hear.
    pub(crate) fn speaks(&self) -> bool {
        let open = self.listeners.lock();
        let streams = open.sessions.get(&self.key);
        let newest = streams.and_then(|streams| streams.open.iter().rfind(|(_, view)| *view == self.view));
        newest.is_some_and(|(number, _)| *number == self.number)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        if let Entry::Occupied(mut entry) = self.listeners.lock().sessions.entry(self.key) {
            entry.get_mut().open.retain(|(number, _)| *number != self.number);
            if entry.get().open.is_empty() {
                entry.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_stream_of_a_session_speaks_and_no_other() {
        let listeners = Arc::new(Listeners::default());
        let open = |key| listeners.open(ClientKey(key), &View::All, 2);
        let first = open(1).unwrap();
        let other = open(2).unwrap();
        let second = open(1).unwrap();
        assert!(open(1).is_none());
        assert_eq!([first.speaks(), second.speaks(), other.speaks()], [false, true, true]);
        drop(second);
        assert!(first.speaks());
        drop((first, other));
        assert!(listeners.lock().sessions.is_empty());
    }

    #[test]
    fn streams_of_a_session_that_see_different_shards_all_speak() {
        let listeners = Arc::new(Listeners::default());
        let open = |view: &View| listeners.open(ClientKey(1), view, 4).unwrap();
        let (all, older, newer) = (open(&View::All), open(&View::alone("a")), open(&View::alone("a")));
        assert_eq!([all.speaks(), older.speaks(), newer.speaks()], [true, false, true]);
        drop((newer, all));
        assert!(older.speaks());
    }

    #[test]
    fn closing_a_session_ends_its_streams_and_leaves_nothing() {
        let listeners = Arc::new(Listeners::default());
        let ended = listeners.open(ClientKey(1), &View::All, 2).unwrap();
        let other = listeners.open(ClientKey(2), &View::All, 2).unwrap();
        listeners.close(ClientKey(1));
        assert!(ended.closed.is_cancelled() && !other.closed.is_cancelled());
        drop((ended, other));
        assert!(listeners.lock().sessions.is_empty());
    }
}
