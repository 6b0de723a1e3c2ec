//! The events that clients may ask for again.
//!
//! Invariant (DESIGN D7): no session has more than its share, all together no more than the limit. What gives way first is
//! what a client has most likely got already.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::mux::ClientKey;

/// How many bytes are kept for one session.
pub(crate) const OF_SESSION: usize = 1024 * 1024;
/// How long a stream is kept after its end, and one that nobody reads.
pub(crate) const KEPT_FOR: Duration = Duration::from_secs(60);
/// What a stream and an event take beside their bytes.
const STREAM: usize = 1024;
const EVENT: usize = 64;
/// So many streams that are not there any more, and as many again as there are, wait for the time to forget them.
const IN_VAIN: usize = 1024;

/// What is kept of all streams; `T` is whatever continues one.
#[derive(Debug)]
pub(super) struct Shelf<T> {
    sessions: HashMap<ClientKey, Session<T>>,
    bytes: usize,
    limit: usize,
    /// The oldest first, since all are kept equally long. One that was taken up again stands here in vain.
    expiring: VecDeque<(Instant, ClientKey, u64)>,
    /// How many of those stood there when none did so in vain.
    in_earnest: usize,
}

#[derive(Debug)]
struct Session<T> {
    /// By number: the oldest first.
    streams: BTreeMap<u64, Kept<T>>,
    bytes: usize,
}

#[derive(Debug)]
struct Kept<T> {
    stream: T,
    events: VecDeque<(u64, Bytes)>,
    bytes: usize,
    /// The place of the latest event, kept or not.
    latest: u64,
    rest: Option<(Rest, Instant)>,
}

/// Why nothing more comes on a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// Its end has gone out to a client that read it.
    Told,
    /// Its end came when no client read it.
    Waiting,
    /// It has no end, but its client has left.
    Left,
}

/// What followed an event.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct After {
    pub(super) events: VecDeque<Bytes>,
    /// How many others there were.
    pub(super) lost: u64,
    /// Nothing will follow.
    pub(super) is_all: bool,
}

impl<T> Shelf<T> {
    /// With room for `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { sessions: HashMap::new(), bytes: 0, limit, expiring: VecDeque::new(), in_earnest: 0 }
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// A stream begins. Its number is higher than those of all before it.
    pub(super) fn begin(&mut self, key: ClientKey, number: u64, stream: T) {
        // An answer that waits gives way only here: else a client that leaves call after call would keep all of them.
        while self.bytes + STREAM > self.limit && self.remove_oldest() {}
        while !self.make_room(key, number, STREAM) && self.remove_resting(key) {}
        let session = self.sessions.entry(key).or_insert_with(|| Session { streams: BTreeMap::new(), bytes: 0 });
        let kept = Kept { stream, events: VecDeque::new(), bytes: STREAM, latest: 0, rest: None };
        session.streams.insert(number, kept);
        session.bytes += STREAM;
        self.bytes += STREAM;
    }

    /// Keeps an event. False if there is no room for it.
    pub(super) fn keep(&mut self, key: ClientKey, number: u64, place: u64, event: &Bytes) -> bool {
        if self.make_room(key, number, EVENT + event.len()) {
            self.put(key, number, place, event.clone());
            return true;
        }
        if let Some(kept) = self.kept_mut(key, number) {
            kept.latest = place;
        }
        false
    }

    /// Keeps an event whether there is room for it or not; it has to be small, and the last of its stream.
    pub(super) fn put(&mut self, key: ClientKey, number: u64, place: u64, event: Bytes) {
        let size = EVENT + event.len();
        let Some(session) = self.sessions.get_mut(&key) else { return };
        let Some(kept) = session.streams.get_mut(&number) else { return };
        kept.events.push_back((place, event));
        kept.latest = place;
        kept.bytes += size;
        session.bytes += size;
        self.bytes += size;
    }

    /// A stream rests from now on, and is forgotten in a while. Gives when, if nothing else is to be forgotten earlier.
    pub(super) fn rest(&mut self, key: ClientKey, number: u64, rest: Rest, now: Instant) -> Option<Instant> {
        let until = now + KEPT_FOR;
        self.kept_mut(key, number)?.rest = Some((rest, until));
        if self.expiring.len() > 2 * self.in_earnest + IN_VAIN {
            self.tidy();
        }
        self.expiring.push_back((until, key, number));
        (self.expiring.len() == 1).then_some(until)
    }

    /// A client has come back for a stream; one without an end does not rest any more.
    pub(super) fn take_up(&mut self, key: ClientKey, number: u64) {
        if let Some(kept) = self.kept_mut(key, number) {
            kept.rest = kept.rest.filter(|(rest, _)| *rest != Rest::Left);
        }
    }

    pub(super) fn stream(&self, key: ClientKey, number: u64) -> Option<&T> {
        Some(&self.sessions.get(&key)?.streams.get(&number)?.stream)
    }

    /// What followed the event at `place`. An answer that goes out has been told.
    pub(super) fn after(&mut self, key: ClientKey, number: u64, place: u64) -> After {
        let Some(kept) = self.kept_mut(key, number) else { return After { is_all: true, ..After::default() } };
        if let Some((rest @ Rest::Waiting, _)) = &mut kept.rest {
            *rest = Rest::Told;
        }
        let events: VecDeque<_> =
            kept.events.iter().filter(|(at, _)| *at > place).map(|(_, event)| event.clone()).collect();
        let is_all = kept.rest.is_some_and(|(rest, _)| rest != Rest::Left);
        After { lost: kept.latest.saturating_sub(place) - events.len() as u64, events, is_all }
    }

    /// The streams of a session on which something may still come and which somebody reads.
    pub(super) fn read_now(&self, key: ClientKey) -> impl Iterator<Item = &T> {
        let streams = self.sessions.get(&key).into_iter().flat_map(|session| session.streams.values());
        streams.filter(|kept| kept.rest.is_none()).map(|kept| &kept.stream)
    }

    pub(super) fn forget(&mut self, key: ClientKey) {
        if let Some(session) = self.sessions.remove(&key) {
            self.bytes -= session.bytes;
        }
    }

    pub(super) fn remove(&mut self, key: ClientKey, number: u64) {
        let Some(session) = self.sessions.get_mut(&key) else { return };
        let Some(kept) = session.streams.remove(&number) else { return };
        session.bytes -= kept.bytes;
        self.bytes -= kept.bytes;
        if session.streams.is_empty() {
            self.sessions.remove(&key);
        }
    }

    /// Forgets what has rested long enough, and gives when the next one will have.
    pub(super) fn expire(&mut self, now: Instant) -> Option<Instant> {
        while let Some((until, ..)) = self.expiring.front() {
            if *until > now {
                return Some(*until);
            }
            self.remove_oldest();
        }
        None
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new(self.limit);
    }

    /// Whether `size` more bytes fit, once what may give way has done so.
    fn make_room(&mut self, key: ClientKey, number: u64, size: usize) -> bool {
        if size > OF_SESSION.min(self.limit) {
            return false;
        }
        while self.sessions.get(&key).is_some_and(|session| session.bytes + size > OF_SESSION) {
            let gives_way = |kept: &Kept<T>| matches!(kept.rest, Some((Rest::Told | Rest::Left, _)));
            let streams = &self.sessions[&key].streams;
            match streams.iter().find(|(_, kept)| gives_way(kept)).map(|(number, _)| *number) {
                Some(rests) => self.remove(key, rests),
                None if self.drop_first(key, number) => {}
                None => return false,
            }
        }
        while self.bytes + size > self.limit {
            if !self.remove_oldest() && !self.drop_first(key, number) {
                return false;
            }
        }
        true
    }

    /// Drops the first event of a stream.
    fn drop_first(&mut self, key: ClientKey, number: u64) -> bool {
        let Some(session) = self.sessions.get_mut(&key) else { return false };
        let Some(kept) = session.streams.get_mut(&number) else { return false };
        let Some((_, event)) = kept.events.pop_front() else { return false };
        let size = EVENT + event.len();
        kept.bytes -= size;
        session.bytes -= size;
        self.bytes -= size;
        true
    }

    /// Removes the oldest stream of a session on which nothing more comes.
    fn remove_resting(&mut self, key: ClientKey) -> bool {
        let Some(session) = self.sessions.get(&key) else { return false };
        let resting = session.streams.iter().find(|(_, kept)| kept.rest.is_some()).map(|(number, _)| *number);
        if let Some(number) = resting {
            self.remove(key, number);
        }
        resting.is_some()
    }

    /// Leaves out what stands in vain among that which is to be forgotten.
    fn tidy(&mut self) {
        let sessions = &self.sessions;
        let rest_of = |key: &ClientKey, number: &u64| sessions.get(key)?.streams.get(number)?.rest;
        self.expiring.retain(|(until, key, number)| rest_of(key, number).is_some_and(|(_, at)| at == *until));
        self.in_earnest = self.expiring.len();
    }

    /// Removes what has rested longest.
    fn remove_oldest(&mut self) -> bool {
        let Some((until, key, number)) = self.expiring.pop_front() else { return false };
        if self.kept_mut(key, number).is_some_and(|kept| kept.rest.is_some_and(|(_, at)| at == until)) {
            self.remove(key, number);
        }
        true
    }

    fn kept_mut(&mut self, key: ClientKey, number: u64) -> Option<&mut Kept<T>> {
        self.sessions.get_mut(&key)?.streams.get_mut(&number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ClientKey = ClientKey(1);
    const B: ClientKey = ClientKey(2);

    fn shelf(limit: usize) -> Shelf<()> {
        Shelf::new(limit)
    }

    fn event(size: usize) -> Bytes {
        Bytes::from(vec![b'x'; size])
    }

    /// How many events followed, how many are lost, and whether that is all.
    fn after(shelf: &mut Shelf<()>, key: ClientKey, number: u64, place: u64) -> (usize, u64, bool) {
        let after = shelf.after(key, number, place);
        (after.events.len(), after.lost, after.is_all)
    }

    #[test]
    fn a_client_gets_what_followed_on_that_stream_and_nothing_else() {
        let mut shelf = shelf(usize::MAX);
        shelf.begin(A, 1, ());
        shelf.begin(A, 2, ());
        for place in 1..=3 {
            assert!(shelf.keep(A, 1, place, &Bytes::from(format!("one {place}"))));
        }
        assert!(shelf.keep(A, 2, 1, &event(1)));
        assert_eq!(shelf.after(A, 1, 1).events, ["one 2", "one 3"]);
        assert_eq!(after(&mut shelf, A, 1, 3), (0, 0, false));
        assert_eq!(after(&mut shelf, B, 1, 1), (0, 0, true));
        assert!(shelf.stream(B, 1).is_none() && shelf.stream(A, 2).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn what_rests_is_forgotten_in_time_unless_it_is_taken_up() {
        let mut shelf = shelf(usize::MAX);
        let start = Instant::now();
        for (number, rest) in [(1, Rest::Told), (2, Rest::Left), (3, Rest::Left)] {
            shelf.begin(A, number, ());
            let first = shelf.rest(A, number, rest, start);
            assert_eq!(first.is_some(), number == 1);
        }
        shelf.take_up(A, 3);
        assert_eq!(shelf.expire(start), Some(start + KEPT_FOR));
        assert_eq!(shelf.expire(start + KEPT_FOR), None);
        assert!(shelf.stream(A, 1).is_none() && shelf.stream(A, 2).is_none() && shelf.stream(A, 3).is_some());
        shelf.forget(A);
        assert_eq!((shelf.bytes, shelf.sessions.len()), (0, 0));
    }

    #[test]
    fn a_full_session_loses_first_what_was_told_then_the_oldest_of_its_stream_and_never_a_waiting_answer() {
        let mut shelf = shelf(usize::MAX);
        let now = Instant::now();
        for (number, rest) in [(1, Rest::Waiting), (2, Rest::Told)] {
            shelf.begin(A, number, ());
            assert!(shelf.keep(A, number, 1, &event(OF_SESSION / 4)));
            shelf.rest(A, number, rest, now);
        }
        shelf.begin(A, 3, ());
        for place in 1..=4 {
            assert!(shelf.keep(A, 3, place, &event(OF_SESSION / 5)), "{place}");
        }
        assert!(shelf.stream(A, 2).is_none(), "it was told");
        assert_eq!(after(&mut shelf, A, 3, 0), (3, 1, false));
        assert_eq!(after(&mut shelf, A, 1, 0), (1, 0, true));
        assert!(!shelf.keep(A, 3, 5, &event(OF_SESSION)));
        assert_eq!(after(&mut shelf, A, 3, 0), (3, 2, false));
        assert_eq!(after(&mut shelf, A, 3, 4), (0, 1, false));
    }

    #[test]
    fn all_sessions_together_have_a_limit_and_the_oldest_gives_way() {
        let mut shelf = shelf(100_000);
        for (key, number) in [(A, 1), (B, 2)] {
            shelf.begin(key, number, ());
            assert!(shelf.keep(key, number, 1, &event(40_000)));
        }
        shelf.rest(A, 1, Rest::Waiting, Instant::now());
        assert!(shelf.keep(B, 2, 2, &event(40_000)));
        assert!(shelf.stream(A, 1).is_none());
        assert!(shelf.keep(B, 2, 3, &event(40_000)));
        assert_eq!(after(&mut shelf, B, 2, 0), (2, 1, false));
        assert!(!shelf.keep(A, 9, 1, &event(100_000)));
        shelf.put(B, 2, 5, event(90));
        assert_eq!(shelf.bytes, shelf.sessions[&B].bytes);
    }

    #[test]
    fn a_client_that_leaves_call_after_call_keeps_no_more_than_its_share() {
        let mut shelf = shelf(usize::MAX);
        let now = Instant::now();
        for number in 0..4_000 {
            shelf.begin(A, number, ());
            shelf.put(A, number, 1, event(300));
            shelf.rest(A, number, Rest::Waiting, now);
        }
        assert!(shelf.bytes <= OF_SESSION + STREAM, "{} bytes", shelf.bytes);
        assert!(shelf.stream(A, 3_999).is_some() && shelf.stream(A, 0).is_none());
        let kept = shelf.sessions[&A].streams.len();
        assert!(shelf.expiring.len() <= 3 * kept + IN_VAIN, "{} for {kept} streams", shelf.expiring.len());
    }

    #[test]
    fn without_any_memory_nothing_that_rests_is_kept() {
        let mut shelf = shelf(0);
        for number in 0..100 {
            shelf.begin(ClientKey(number), 0, ());
            shelf.rest(ClientKey(number), 0, Rest::Waiting, Instant::now());
        }
        assert_eq!(shelf.sessions.len(), 1);
    }
}
