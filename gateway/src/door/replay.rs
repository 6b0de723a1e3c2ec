//! Streams of legacy sessions that outlive their connections: a client whose connection broke reads on where it was
//! (2025-11-25, basic/transports, "Resumability and Redelivery").
//!
//! Invariant: a stream is found within its session only, and what a client gets of it follows the event that it names. A
//! call whose client left is carried on, and what comes of it is kept, for a while and within bounds.

mod event_id;
mod shelf;
mod track;

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use serde_json::json;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, sleep_until};

use crate::door::call::Answering;
use crate::door::event::{notice, numbered, numbered_pieces, priming};
use crate::door::key::random;
use crate::mux::{ClientKey, Relayed};
use crate::tasks::Tasks;
use crate::wire::{Chunks, Fault, code, notification};

use event_id::Name;
pub(crate) use event_id::{EventId, Kind};
use shelf::{KEPT_FOR, OF_SESSION, Rest, Shelf};
use track::{Carriage, Track, Turn};

/// How many calls whose clients left are carried on so that these may come back.
const AWAY: usize = 256;
/// Larger answers are not copied on their way out.
const COPIED: usize = 8 * 1024;

/// All streams that can be read on.
pub(crate) struct Replay {
    shelf: Mutex<Shelf<Arc<Track>>>,
    latest: AtomicU64,
    away: Arc<Semaphore>,
    /// Something is to be forgotten.
    rests: Notify,
    tasks: Tasks,
}

/// A client that reads a stream. Dropped before the end, it leaves a call to be carried on, and a stream of its session to
/// wait for it.
pub(crate) struct Reading {
    replay: Arc<Replay>,
    track: Arc<Track>,
    turn: Turn,
    is_over: bool,
}

/// What a client that has come back gets.
pub(crate) enum Resumed {
    /// What followed, and the stream goes on.
    Going(VecDeque<Bytes>, Reading),
    /// What followed, and that is all.
    Ended(VecDeque<Bytes>),
}

enum Step {
    Event(Bytes),
    /// Nothing follows these pieces.
    End(VecDeque<Bytes>),
}

impl Replay {
    /// A register that keeps `limit` bytes at most. It forgets by a task of `tasks`.
    pub(crate) fn start(limit: usize, tasks: &Tasks) -> Arc<Self> {
        let replay = Arc::new(Self {
            shelf: Mutex::new(Shelf::new(limit)),
            // The ids of an earlier process must not meet a stream of this one.
            latest: AtomicU64::new(u64::from_le_bytes(random()) >> 1),
            away: Arc::new(Semaphore::new(AWAY)),
            rests: Notify::new(),
            tasks: tasks.clone(),
        });
        tasks.spawn(Arc::clone(&replay).forget_in_time());
        replay
    }

    /// Begins a stream. `first` is a message that its source has yielded already; it comes back as an event.
    pub(crate) fn begin<A: Answering>(
        self: &Arc<Self>,
        key: ClientKey,
        kind: Kind,
        source: A,
        first: Option<Bytes>,
    ) -> (Reading, Option<Bytes>) {
        let number = self.latest.fetch_add(1, Ordering::Relaxed);
        let place = u64::from(first.is_some());
        let track = Arc::new(Track::new(key, number, kind, source, place));
        let turn = track.take_turn();
        let first = first.map(|message| numbered(&track.name.at(place), &message.into()));
        let mut shelf = self.shelf();
        shelf.begin(key, number, Arc::clone(&track));
        if let Some(event) = &first {
            shelf.keep(key, number, place, event);
        }
        drop(shelf);
        (Reading { replay: Arc::clone(self), track, turn, is_over: false }, first)
    }

    /// Reads on behind the event `id`; whoever reads the stream now reads no more. `source` is where a stream of the session
    /// goes on whose own one was given back. `None` if the session has no such stream.
    pub(crate) async fn resume<A: Answering>(
        self: &Arc<Self>,
        key: ClientKey,
        id: &EventId,
        source: impl FnOnce() -> A,
    ) -> Option<Resumed> {
        let track = self.shelf().stream(key, id.stream).filter(|track| track.kind == id.kind).cloned()?;
        let turn = track.take_turn();
        // Whoever has the turn leaves the stream to be carried on, also if he hangs up while he waits here.
        let mut reading = Reading { replay: Arc::clone(self), track, turn, is_over: false };
        let track = Arc::clone(&reading.track);
        let mut carriage = track.carriage().await;
        let mut shelf = self.shelf();
        shelf.take_up(key, id.stream);
        let after = shelf.after(key, id.stream, id.place);
        let lost = Some(after.lost).filter(|lost| *lost > 0).map(|lost| missing(lost, shelf.limit()));
        drop(shelf);
        let mut events = after.events;
        if let Some(lost) = lost {
            events.push_front(notice(lost));
        }
        if after.is_all {
            reading.is_over = true;
            return Some(Resumed::Ended(events));
        }
        if carriage.source.is_none() && track.kind == Kind::Listen {
            carriage.source = Some(Box::new(source()));
        }
        drop(carriage);
        Some(Resumed::Going(events, reading))
    }

    /// Forgets the streams of a session that is over.
    pub(crate) fn forget(&self, key: ClientKey) {
        self.shelf().forget(key);
    }

    /// What comes next on a stream; `rest` is what it means if that is its end. Safe to cancel.
    async fn step(&self, track: &Track, rest: Rest) -> Step {
        let mut carriage = track.carriage().await;
        let Carriage { source, place } = &mut *carriage;
        let Some(running) = source else { return Step::End(VecDeque::new()) };
        let relayed = running.next().await;
        *place += 1;
        let (key, number) = (track.key, track.number);
        match relayed {
            Relayed::Notice(message) => {
                let event = numbered(&track.name.at(*place), &message.into());
                self.shelf().keep(key, number, *place, &event);
                Step::Event(event)
            }
            Relayed::Cancelled => {
                *source = None;
                self.rest(track, rest);
                Step::End(VecDeque::new())
            }
            Relayed::Done(answer) => {
                *source = None;
                let told = self.keep_answer(track, *place, answer.body);
                self.rest(track, rest);
                Step::End(told)
            }
        }
    }

    /// Keeps an answer, or says in its place why it is not kept. Gives the answer as an event.
    fn keep_answer(&self, track: &Track, place: u64, answer: Chunks) -> VecDeque<Bytes> {
        let (key, number, id, size) = (track.key, track.number, track.name.end(place), answer.len());
        let copy = (size <= OF_SESSION).then(|| numbered(&id, &answer));
        let mut shelf = self.shelf();
        if !copy.as_ref().is_some_and(|copy| shelf.keep(key, number, place, copy)) {
            let fault = Fault::new(code::INTERNAL, too_large(size, shelf.limit()));
            shelf.put(key, number, place, numbered(&id, &track.asked.failed(&fault)));
        }
        drop(shelf);
        match copy {
            Some(copy) if size <= COPIED => VecDeque::from([copy]),
            _ => numbered_pieces(&id, answer),
        }
    }

    /// Carries on a call whose client has left, until the client comes back or the call ends. What shards ask meanwhile
    /// waits for the client, but not for ever.
    async fn carry(self: Arc<Self>, track: Arc<Track>, mut turn: Turn, place: OwnedSemaphorePermit) {
        let mut patience = pin!(sleep(KEPT_FOR));
        let mut is_patient = true;
        loop {
            tokio::select! {
                biased;
                () = turn.is_over() => break,
                () = &mut patience, if is_patient => {
                    is_patient = false;
                    track.go_alone();
                }
                step = self.step(&track, Rest::Waiting) => if let Step::End(_) = step { break },
            }
        }
        drop(place);
    }

    fn rest(&self, track: &Track, rest: Rest) {
        if self.shelf().rest(track.key, track.number, rest, Instant::now()).is_some() {
            self.rests.notify_one();
        }
    }

    async fn forget_in_time(self: Arc<Self>) {
        let forget = async {
            loop {
                let next = self.shelf().expire(Instant::now());
                match next {
                    Some(next) => sleep_until(next).await,
                    None => self.rests.notified().await,
                }
            }
        };
        self.tasks.stop().run_until_cancelled(forget).await;
        self.shelf().clear();
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf<Arc<Track>>> {
        self.shelf.lock().expect("no code that can panic runs under this lock")
    }
}

impl Reading {
    /// The event from which a client can resume that has had no other.
    pub(crate) fn priming(&self) -> Bytes {
        priming(&self.track.name.at(0))
    }

    /// Which stream it is; none of its session has the same number.
    pub(crate) fn stream(&self) -> u64 {
        self.track.number
    }

    /// What comes next; `None` at the end, and when another reader has taken the stream. Safe to cancel.
    pub(crate) async fn next(&mut self) -> Option<VecDeque<Bytes>> {
        if self.is_over {
            return None;
        }
        let step = tokio::select! {
            biased;
            () = self.turn.is_over() => Step::End(VecDeque::new()),
            step = self.replay.step(&self.track, Rest::Told) => step,
        };
        match step {
            Step::Event(event) => Some(VecDeque::from([event])),
            Step::End(pieces) => {
                self.is_over = true;
                Some(pieces).filter(|pieces| !pieces.is_empty())
            }
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if self.is_over || !self.turn.is_mine() {
            return;
        }
        let (replay, track) = (&self.replay, &self.track);
        if track.kind == Kind::Listen {
            let listens = |other: &&Arc<Track>| other.kind == Kind::Listen && other.number != track.number;
            if replay.shelf().read_now(track.key).any(|other| listens(&other)) {
                // Another stream of the session tells what this one would have told.
                track.give_back();
            }
            return replay.rest(track, Rest::Left);
        }
        match Arc::clone(&replay.away).try_acquire_owned() {
            Ok(place) => {
                let turn = track.take_turn();
                let carried = Arc::clone(replay).carry(Arc::clone(track), turn, place);
                replay.tasks.spawn_until_stop(carried);
            }
            Err(_full) => {
                tracing::warn!(limit = AWAY, "too many clients left their calls; what comes of one more is not kept");
                replay.shelf().remove(track.key, track.number);
                track.give_back();
            }
        }
    }
}

/// The event that answers a request whose stream is gone; nothing follows it.
pub(crate) fn gone(id: &EventId, request: &str) -> Bytes {
    let message = format!(
        "the stream of this request is not kept any more, and its answer with it: that is so {KEPT_FOR:?} after its end, \
         after a restart of the gateway, and when newer ones take its place (a session has {OF_SESSION} bytes, all have \
         `--max-replay-memory`); what was asked for may have been done"
    );
    let answer = Fault::new(code::INTERNAL, message).response(request);
    numbered(&Name::new(Kind::Call, id.stream, None).end(id.place.saturating_add(1)), &answer)
}

fn too_large(size: usize, limit: usize) -> String {
    format!(
        "the answer of {size} bytes came, but its client was not there to read it and there is no room to keep it: \
         {OF_SESSION} bytes are kept for a session, and {limit} for all of them (`--max-replay-memory`); \
         what was asked for has been done"
    )
}

fn missing(count: u64, limit: usize) -> Bytes {
    let data = format!(
        "{count} messages that came while nobody read this stream were not kept: {OF_SESSION} bytes are kept for a \
         session, and {limit} for all of them (`--max-replay-memory`)"
    );
    let params = json!({"level": "warning", "logger": "mcp-gateway", "data": data}).to_string();
    notification("notifications/message", Some(params.as_bytes())).into()
}

#[cfg(test)]
mod tests;
