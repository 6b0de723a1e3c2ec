//! The form of an answer: JSON, or a stream of events (DESIGN, "Doors").
//!
//! Invariant: an answer that comes first goes out as JSON in one piece. Only what must precede it, or a long silence,
//! makes the answer a stream, and a stream never stays silent for longer than the comment interval.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::headers::Accept;
use super::resume::Resumable;
use crate::door::body::{self, EVENT_STREAM, JSON, Source};
use crate::door::call::Answering;
use crate::door::event::{COMMENT, COMMENT_LINE, event, notice};
use crate::door::http::Times;
use crate::door::replay::{Kind, Replay};
use crate::mux::{ClientKey, Relayed};
use crate::wire::{Chunks, Era, Revision, code};

/// How an answer may go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// JSON, whatever happens; notices have no place in it.
    Json,
    /// Events, whatever happens.
    Events,
    /// JSON unless a notice or a silence comes before the answer.
    Either,
}

impl Form {
    /// What the client takes.
    pub(super) fn of(accept: Accept) -> Self {
        match accept {
            Accept::Json => Self::Json,
            Accept::Events => Self::Events,
            Accept::Both => Self::Either,
        }
    }
}

/// Who waits for an answer.
pub(super) enum Standing {
    /// A modern client, which asks anew if its connection breaks.
    Passing,
    /// A legacy one, which may come back for its stream.
    Session { replay: Arc<Replay>, key: ClientKey, revision: Revision },
}

impl Standing {
    pub(super) fn era(&self) -> Era {
        match self {
            Self::Passing => Era::Modern,
            Self::Session { .. } => Era::Legacy,
        }
    }
}

/// Whether clients that speak it understand an event without a message.
pub(super) fn has_priming(revision: Revision) -> bool {
    revision >= Revision::V2025_11_25
}

/// The HTTP status of a JSON-RPC answer. Only the modern era tells errors apart by it.
pub(super) fn status(era: Era, error: Option<i64>) -> StatusCode {
    match (era, error) {
        (Era::Modern, Some(code::METHOD_NOT_FOUND)) => StatusCode::NOT_FOUND,
        (Era::Modern, Some(code::HEADER_MISMATCH | code::MISSING_CAPABILITY | code::UNSUPPORTED_VERSION)) => {
            StatusCode::BAD_REQUEST
        }
        _ => StatusCode::OK,
    }
}

/// An answer that is there already.
pub(super) fn now(status: StatusCode, message: Chunks, form: Form) -> Response {
    match form {
        Form::Events if status == StatusCode::OK => body::whole(status, EVENT_STREAM, event(message).into_iter()),
        _ => body::json(status, message),
    }
}

/// Waits for what comes first and answers in the form that fits it. The permit is given back when the answer has gone
/// out, or the client has.
pub(super) async fn when_answered<A: Answering>(
    mut answering: A,
    form: Form,
    standing: Standing,
    times: &Times,
    permit: OwnedSemaphorePermit,
) -> Response {
    if let Standing::Session { replay, key, revision } = &standing
        && form == Form::Events
        && has_priming(*revision)
    {
        // From here on the client can come back, however long the answer takes.
        let (reading, _) = replay.begin(*key, Kind::Call, answering, None);
        let opening = VecDeque::from([reading.priming()]);
        return body::live(EVENT_STREAM, Resumable::new(opening, reading, times.comment, permit));
    }
    let silence = if form == Form::Json { times.json_headers } else { times.silence };
    let message = match timeout(silence, first(&mut answering, form)).await {
        Ok(Relayed::Done(answer)) => return now(status(standing.era(), answer.code), answer.body, form),
        // Nobody waits for the answer of a call that was cancelled, but HTTP wants a response.
        Ok(Relayed::Cancelled) => return StatusCode::ACCEPTED.into_response(),
        Ok(Relayed::Notice(message)) => Some(message),
        Err(_elapsed) => None,
    };
    match standing {
        Standing::Session { replay, key, revision } if form != Form::Json => {
            let (reading, event) = replay.begin(key, Kind::Call, answering, message);
            let start = if has_priming(revision) { reading.priming() } else { COMMENT_LINE };
            let opening = [start].into_iter().chain(event).collect();
            body::live(EVENT_STREAM, Resumable::new(opening, reading, times.comment, permit))
        }
        _ => {
            let kind = if form == Form::Json { JSON } else { EVENT_STREAM };
            let opening = Some(message.map_or_else(|| sign_of_life(form), notice));
            let answering = Some(answering);
            body::live(kind, Stream { answering, opening, form, comment: times.comment, _permit: permit })
        }
    }
}

async fn first<A: Answering>(answering: &mut A, form: Form) -> Relayed {
    loop {
        match answering.next().await {
            Relayed::Notice(_) if form == Form::Json => {}
            relayed => return relayed,
        }
    }
}

/// White space before a JSON value means nothing, as a comment between events does.
fn sign_of_life(form: Form) -> Bytes {
    if form == Form::Json { Bytes::from_static(b" ") } else { COMMENT }
}

/// The rest of an answer whose headers have gone out and that nobody can ask for again.
struct Stream<A> {
    /// `None` once the answer is on its way.
    answering: Option<A>,
    opening: Option<Bytes>,
    form: Form,
    comment: std::time::Duration,
    _permit: OwnedSemaphorePermit,
}

impl<A: Answering> Source for Stream<A> {
    async fn next(&mut self) -> Option<VecDeque<Bytes>> {
        if let Some(opening) = self.opening.take() {
            return Some(VecDeque::from([opening]));
        }
        let answering = self.answering.as_mut()?;
        match timeout(self.comment, first(answering, self.form)).await {
            Err(_elapsed) => Some(VecDeque::from([sign_of_life(self.form)])),
            Ok(Relayed::Notice(message)) => Some(VecDeque::from([notice(message)])),
            Ok(Relayed::Cancelled) => None,
            Ok(Relayed::Done(answer)) => {
                self.answering = None;
                Some(if self.form == Form::Json { answer.body.into_pieces().collect() } else { event(answer.body) })
            }
        }
    }
}

#[cfg(test)]
mod tests;
