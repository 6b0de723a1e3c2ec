//! The GET stream of a legacy session: it hears that lists have changed, and is otherwise silent.
//!
//! Invariant: it ends only with the client, its session or the gateway, or when the session opens one more than it may have.
//! Clients open a stream that was ended again and again, every second (research: Open WebUI).

use std::collections::VecDeque;
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::headers::{self, Accept};
use super::reply::has_priming;
use super::resume;
use super::{Door, session};
use crate::door::body::{self, EVENT_STREAM, Source};
use crate::door::call::{Answering, Asked};
use crate::door::event::COMMENT_LINE;
use crate::door::listeners::Listening;
use crate::door::refusal::Refused;
use crate::door::replay::{Kind, Reading, Resumed};
use crate::mux::{Changes, ClientKey, Relayed, View, all_changed};
use crate::wire::{Fault, code};

/// Who comes without a session is a person more often than a client.
const EXPLANATION: &str = "no `Mcp-Session-Id` header: a GET opens the stream of a session, and a session begins with a POST \
    of `initialize`; this is the address to give to MCP clients, a browser shows a page here, and `/health` tells of all \
    shards";

/// Opens the stream.
pub(super) async fn get(door: &Door, view: View, headers: &HeaderMap) -> Result<Response, Refused> {
    let version = headers::single(headers, &headers::PROTOCOL_VERSION)?;
    headers::check_has_sessions(headers, version)?;
    if Accept::read(headers)? == Accept::Json {
        let fault = Fault::new(code::INVALID_REQUEST, "a GET is answered with `text/event-stream` only");
        return Err(Refused::new(StatusCode::NOT_ACCEPTABLE, fault));
    }
    if !headers.contains_key(headers::SESSION_ID) {
        return Err(Refused::invalid(EXPLANATION));
    }
    let session = session(door, headers, version)?;
    let (key, revision) = (session.client.key, session.client.revision);
    let mux = door.mux.at(view).await?;
    let last = resume::last_event(headers)?;
    if let Some(resumed) = resume::call(door, key, &mux, last.as_ref()).await? {
        return Ok(resumed);
    }
    let last = last.filter(|last| last.kind == Kind::Listen);
    let place = Place::take(door, key, last.as_ref().map(|last| last.stream))?;
    // From here on a DELETE closes the stream; one that came while this waited for the view has found none to close.
    super::session(door, headers, version)?;
    if let Some(last) = last {
        let source = || Told::new(mux.changes(key), VecDeque::new());
        if let Some(Resumed::Going(opening, reading)) = door.replay.resume(key, &last, source).await {
            return Ok(place.body(opening, reading));
        }
    }
    let missed = if session.from_elsewhere { all_changed().collect() } else { VecDeque::new() };
    let source = Told::new(mux.changes(key), missed);
    let (reading, _) = door.replay.begin(key, Kind::Listen, source, None);
    place.listening.reads(reading.stream());
    let start = if has_priming(revision) { reading.priming() } else { COMMENT_LINE };
    Ok(place.body(VecDeque::from([start]), reading))
}

/// What a session is told outside of its calls, one message at a time. It has no end. What it has not told when it is dropped
/// is left for the other streams of the session.
pub(super) struct Told {
    waiting: VecDeque<Bytes>,
    changes: Changes,
}

impl Told {
    /// Tells what is `waiting` first.
    pub(super) fn new(changes: Changes, waiting: VecDeque<Bytes>) -> Self {
        Self { waiting, changes }
    }
}

impl Answering for Told {
    async fn next(&mut self) -> Relayed {
        loop {
            if let Some(message) = self.waiting.pop_front() {
                return Relayed::Notice(message);
            }
            self.waiting = self.changes.next().await.into();
        }
    }

    fn asked(&self) -> Asked {
        Asked::Nothing
    }

    fn go_alone(&mut self) {}
}

impl Drop for Told {
    fn drop(&mut self) {
        self.changes.put_back(std::mem::take(&mut self.waiting));
    }
}

/// What an open stream holds and watches.
struct Place {
    listening: Listening,
    stop: CancellationToken,
    comment: Duration,
}

impl Place {
    /// A place among the streams of the session and of all sessions. One that still reads `stream` gives way.
    fn take(door: &Door, key: ClientKey, stream: Option<u64>) -> Result<Self, Refused> {
        let most = door.settings.limits.streams_per_session;
        let listening = door.listeners.open(key, stream, most, &door.streams)?;
        Ok(Self { listening, stop: door.tasks.stop().clone(), comment: door.settings.times.comment })
    }

    /// The stream that reads from `reading`.
    fn body(self, opening: VecDeque<Bytes>, reading: Reading) -> Response {
        let opening = Some(opening).filter(|opening| !opening.is_empty());
        body::live(EVENT_STREAM, Listen { opening, reading, place: self })
    }
}

struct Listen {
    opening: Option<VecDeque<Bytes>>,
    reading: Reading,
    place: Place,
}

impl Source for Listen {
    async fn next(&mut self) -> Option<VecDeque<Bytes>> {
        if let Some(opening) = self.opening.take() {
            return Some(opening);
        }
        let Place { listening, stop, comment } = &self.place;
        tokio::select! {
            biased;
            () = stop.cancelled() => None,
            () = listening.closed.cancelled() => None,
            // What it has not told yet, the other streams of the session tell.
            () = listening.replaced.cancelled() => None,
            pieces = self.reading.next() => pieces,
            () = sleep(*comment) => Some(VecDeque::from([COMMENT_LINE])),
        }
    }
}

#[cfg(test)]
mod tests;
