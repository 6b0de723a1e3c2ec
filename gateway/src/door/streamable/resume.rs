//! A stream that a client can read on after its connection broke, and the GET with which it does.
//!
//! Invariant: a client that comes back gets what followed the event that it names, on that stream and no other. One whose
//! stream is gone is told so as far as its id tells what it waits for, and gets a fresh stream if not.

use std::collections::VecDeque;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::sleep;

use super::listen::Told;
use super::{Door, headers};
use crate::door::body::{self, EVENT_STREAM, Source};
use crate::door::event::COMMENT_LINE;
use crate::door::refusal::Refused;
use crate::door::replay::{EventId, Kind, Reading, Resumed, gone};
use crate::mux::{ClientKey, Mux};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The body of an answer that can be read on elsewhere.
pub(super) struct Resumable {
    opening: Option<VecDeque<Bytes>>,
    reading: Reading,
    comment: Duration,
    _permit: OwnedSemaphorePermit,
}

impl Resumable {
    pub(super) fn new(
        opening: VecDeque<Bytes>,
        reading: Reading,
        comment: Duration,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        let opening = Some(opening).filter(|opening| !opening.is_empty());
        Self { opening, reading, comment, _permit: permit }
    }
}

impl Source for Resumable {
    async fn next(&mut self) -> Option<VecDeque<Bytes>> {
        if let Some(opening) = self.opening.take() {
            return Some(opening);
        }
        tokio::select! {
            biased;
            pieces = self.reading.next() => pieces,
            () = sleep(self.comment) => Some(VecDeque::from([COMMENT_LINE])),
        }
    }
}

/// The last event that the client has got, if it names one that can be of ours.
pub(super) fn last_event(headers: &HeaderMap) -> Result<Option<EventId>, Refused> {
    Ok(headers::single(headers, &LAST_EVENT_ID)?.and_then(EventId::parse))
}

/// Answers a GET that names an event of a call; `None` if it is to have a stream of the session.
pub(super) async fn call(
    door: &Door,
    key: ClientKey,
    mux: &Mux,
    last: Option<&EventId>,
) -> Result<Option<Response>, Refused> {
    let id = match last {
        Some(id) if id.kind == Kind::End => return Err(over()),
        Some(id) if id.kind == Kind::Call => id,
        _ => return Ok(None),
    };
    let permit = door.requests.take(1)?;
    let never = || Told::new(mux.changes(key), VecDeque::new());
    let comment = door.settings.times.comment;
    Ok(Some(match door.replay.resume(key, id, never).await {
        Some(Resumed::Going(opening, reading)) => {
            body::live(EVENT_STREAM, Resumable::new(opening, reading, comment, permit))
        }
        Some(Resumed::Ended(events)) if events.is_empty() => return Err(over()),
        Some(Resumed::Ended(events)) => body::whole(StatusCode::OK, EVENT_STREAM, events.into_iter()),
        None => match &id.request {
            Some(request) => body::whole(StatusCode::OK, EVENT_STREAM, [gone(id, request)].into_iter()),
            None => return Ok(None),
        },
    }))
}

/// 405 is what clients take for "do not come back"; the answer was the last event that they got.
fn over() -> Refused {
    Refused::not_allowed("the stream of this event has ended, and nothing followed", "GET, POST, DELETE, OPTIONS")
}
