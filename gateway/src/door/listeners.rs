//! Which sessions have streams open, and which of them gives way.
//!
//! Invariant: the newest stream of a session is served. With one more than the bound the oldest ends: it is most likely the one
//! whose client is gone without a word, which the system takes a minute to notice, and a client that is refused comes back
//! twice and never again (the SDKs of TypeScript and Python). A session that is deleted has no stream left.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use crate::door::budget::Budget;
use crate::door::refusal::Refused;
use crate::mux::ClientKey;

/// The open streams of all sessions.
#[derive(Debug, Default)]
pub(crate) struct Listeners(Mutex<Sessions>);

#[derive(Debug, Default)]
struct Sessions {
    open: HashMap<ClientKey, Streams>,
    next: u64,
}

#[derive(Debug, Default)]
struct Streams {
    /// The oldest first.
    open: VecDeque<Open>,
    closed: CancellationToken,
}

#[derive(Debug)]
struct Open {
    number: u64,
    /// The number of the stream in the replay, once it is known.
    stream: Option<u64>,
    replaced: CancellationToken,
    permit: OwnedSemaphorePermit,
}

/// One open stream; it is off the list when this is dropped.
#[derive(Debug)]
pub(crate) struct Listening {
    listeners: Arc<Listeners>,
    key: ClientKey,
    number: u64,
    /// Cancelled when the session is deleted.
    pub(crate) closed: CancellationToken,
    /// Cancelled when a newer stream has this one's place.
    pub(crate) replaced: CancellationToken,
}

impl Listeners {
    /// Opens a stream. It has the place of the connection that reads the same `stream`, if there is one, else that of the oldest
    /// stream if the session has `most` of them, else a new one of `places`.
    ///
    /// # Errors
    /// There is none left.
    pub(crate) fn open(
        self: &Arc<Self>,
        key: ClientKey,
        stream: Option<u64>,
        most: usize,
        places: &Budget,
    ) -> Result<Listening, Refused> {
        let mut sessions = self.lock();
        let older = sessions.open.get_mut(&key).and_then(|streams| streams.give_way(stream, most));
        let permit = match older {
            Some(older) => {
                older.replaced.cancel();
                older.permit
            }
            None => places.take(1)?,
        };
        let number = sessions.next;
        sessions.next += 1;
        let streams = sessions.open.entry(key).or_default();
        let (closed, replaced) = (streams.closed.clone(), CancellationToken::new());
        streams.open.push_back(Open { number, stream, replaced: replaced.clone(), permit });
        Ok(Listening { listeners: Arc::clone(self), key, number, closed, replaced })
    }

    /// Closes every stream of a session.
    pub(crate) fn close(&self, key: ClientKey) {
        if let Some(streams) = self.lock().open.get(&key) {
            streams.closed.cancel();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Sessions> {
        self.0.lock().expect("nothing panics while it holds this lock")
    }
}

impl Streams {
    /// Takes the one off the list whose place the next one gets.
    fn give_way(&mut self, stream: Option<u64>, most: usize) -> Option<Open> {
        let same = stream.and_then(|stream| self.open.iter().position(|open| open.stream == Some(stream)));
        let oldest = (self.open.len() >= most).then_some(0);
        self.open.remove(same.or(oldest)?)
    }
}

impl Listening {
    /// It reads this stream of the replay.
    pub(crate) fn reads(&self, stream: u64) {
        let mut sessions = self.listeners.lock();
        let open = sessions.open.get_mut(&self.key).into_iter().flat_map(|streams| &mut streams.open);
        for open in open.filter(|open| open.number == self.number) {
            open.stream = Some(stream);
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        if let Entry::Occupied(mut entry) = self.listeners.lock().open.entry(self.key) {
            entry.get_mut().open.retain(|open| open.number != self.number);
            if entry.get().open.is_empty() {
                entry.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: ClientKey = ClientKey(1);
    const OTHER: ClientKey = ClientKey(2);

    struct Rig {
        listeners: Arc<Listeners>,
        places: Budget,
    }

    impl Rig {
        fn new(places: usize) -> Self {
            Self { listeners: Arc::default(), places: Budget::new(places, "open GET streams", "--max-streams") }
        }

        /// A session has two streams at most.
        fn open(&self, key: ClientKey, stream: Option<u64>) -> Listening {
            self.listeners.open(key, stream, 2, &self.places).unwrap()
        }
    }

    fn replaced<const N: usize>(streams: [&Listening; N]) -> [bool; N] {
        streams.map(|stream| stream.replaced.is_cancelled())
    }

    #[test]
    fn the_oldest_stream_of_a_full_session_gives_its_place_to_the_newest() {
        let rig = Rig::new(3);
        let (first, second, other) = (rig.open(KEY, None), rig.open(KEY, None), rig.open(OTHER, None));
        let third = rig.open(KEY, None);
        assert_eq!(replaced([&first, &second, &third, &other]), [true, false, false, false]);
        drop(first);
        let fourth = rig.open(KEY, None);
        assert_eq!(replaced([&second, &third, &fourth]), [true, false, false], "one that was replaced frees no place");
        drop(third);
        let fifth = rig.open(KEY, None);
        assert_eq!(replaced([&fourth, &fifth, &other]), [false; 3], "one that has ended does");
        assert!(rig.listeners.open(ClientKey(3), None, 2, &rig.places).is_err(), "all three places are taken");
        drop((second, fourth, fifth, other));
        assert!(rig.listeners.lock().open.is_empty());
        assert!(rig.places.take(3).is_ok());
    }

    #[test]
    fn who_reads_a_stream_on_has_the_place_of_who_read_it_before() {
        let rig = Rig::new(2);
        let (oldest, broken) = (rig.open(KEY, None), rig.open(KEY, None));
        oldest.reads(7);
        broken.reads(8);
        let resumed = rig.open(KEY, Some(8));
        assert_eq!(replaced([&oldest, &broken, &resumed]), [false, true, false]);
        let again = rig.open(KEY, Some(8));
        assert_eq!(replaced([&oldest, &resumed, &again]), [false, true, false]);
        let foreign = rig.listeners.open(OTHER, Some(8), 2, &rig.places);
        assert!(foreign.is_err() && !again.replaced.is_cancelled(), "no stream of another session gives way");
    }

    #[test]
    fn closing_a_session_ends_its_streams_and_leaves_nothing() {
        let rig = Rig::new(2);
        let (ended, other) = (rig.open(KEY, None), rig.open(OTHER, None));
        rig.listeners.close(KEY);
        assert!(ended.closed.is_cancelled() && !other.closed.is_cancelled());
        drop((ended, other));
        assert!(rig.listeners.lock().open.is_empty());
    }
}
