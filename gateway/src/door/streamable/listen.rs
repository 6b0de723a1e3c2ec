//! The GET stream of a legacy session: it hears that lists have changed, and is otherwise silent.
//!
//! Invariant: it ends only with the client, its session or the gateway. Clients open a stream that was ended again and
//! again, every second (research: Open WebUI).

use std::collections::VecDeque;
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::headers::{self, Accept};
use super::reply::has_priming;
use super::resume::resume;
use super::{Door, session};
use crate::door::body::{self, EVENT_STREAM, Source};
use crate::door::call::{Answering, Asked};
use crate::door::event::COMMENT_LINE;
use crate::door::listeners::Listening;
use crate::door::refusal::Refused;
use crate::door::replay::{Kind, Reading};
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
    if let Some(resumed) = resume(door, key, &mux, headers).await? {
        return Ok(resumed);
    }
    let place = stream_place(door, key)?;
    // From here on a DELETE closes the stream; one that came while this waited for the view has found none to close.
    super::session(door, headers, version)?;
    let missed = if session.from_elsewhere { all_changed().collect() } else { VecDeque::new() };
    let source = Told::new(mux.changes(key), missed);
    let (reading, _) = door.replay.begin(key, Kind::Listen, source, None);
    let start = if has_priming(revision) { reading.priming() } else { COMMENT_LINE };
    Ok(place.body(VecDeque::from([start]), reading))
}

/// A place among the streams of the session and of all sessions.
pub(super) fn stream_place(door: &Door, key: ClientKey) -> Result<Place, Refused> {
    let permit = door.streams.take(1)?;
    let most = door.settings.limits.streams_per_session;
    let listening = door.listeners.open(key, most).ok_or_else(|| {
        let message = format!("this session has {most} streams open already");
        Refused::new(StatusCode::CONFLICT, Fault::new(code::INVALID_REQUEST, message))
    })?;
    Ok(Place { listening, stop: door.tasks.stop().clone(), comment: door.settings.times.comment, _permit: permit })
}

/// What a session is told outside of its calls, one message at a time. It has no end.
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

/// What an open stream holds and watches.
pub(super) struct Place {
    listening: Listening,
    stop: CancellationToken,
    comment: Duration,
    _permit: OwnedSemaphorePermit,
}

impl Place {
    /// The stream that reads from `reading`.
    pub(super) fn body(self, opening: VecDeque<Bytes>, reading: Reading) -> Response {
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
        let Place { listening, stop, comment, .. } = &self.place;
        tokio::select! {
            biased;
            () = stop.cancelled() => None,
            () = listening.closed.cancelled() => None,
            pieces = self.reading.next() => pieces,
            () = sleep(*comment) => Some(VecDeque::from([COMMENT_LINE])),
        }
    }
}
