//! The messages of one answer or stream, as they come.
//!
//! Invariant: a message is whole or not at all. Beyond [`FREE`] bytes each, one message at a time is in memory, from its first
//! byte until the client has read it: who reads the next large one waits.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::way::Lost;
use crate::app::peer::{self, Events, LONGEST};

/// What of an unfinished message may be kept without waiting.
const FREE: usize = 16 * 1024;

/// Whose turn it is to hold a large message.
#[derive(Debug, Clone)]
pub(super) struct Turns(Arc<Semaphore>);

impl Default for Turns {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl Turns {
    async fn take(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.0).acquire_owned().await.expect("nobody closes it")
    }
}

/// What is left of one answer. Dropped before its end, it closes the connection.
#[derive(Debug)]
pub(super) struct Messages {
    response: Response,
    form: Form,
    turns: Turns,
    turn: Option<OwnedSemaphorePermit>,
    /// How long the answer says that it is.
    expected: usize,
    /// What the stream had said of itself before it broke off.
    before: Option<(String, Option<Duration>)>,
}

#[derive(Debug)]
enum Form {
    Nothing,
    Json(BytesMut),
    Events(Events),
}

/// The bytes of a large message with its turn, which passes on when they are dropped.
struct Large(Bytes, #[expect(dead_code, reason = "kept for its drop")] OwnedSemaphorePermit);

impl AsRef<[u8]> for Large {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Messages {
    /// The messages of `response`, whatever its status: a refusal of a gateway is a message too.
    ///
    /// # Errors
    /// [`Lost::Status`] if it is a failure without a message, [`Lost::Nonsense`] if it is a page or the like.
    pub(super) fn of(response: Response, turns: &Turns) -> Result<Self, Lost> {
        let status = response.status();
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let form = if status.is_success() && peer::is_stream(&response) {
            Form::Events(Events::default())
        } else if kind.starts_with("application/json") {
            Form::Json(BytesMut::new())
        } else if status.is_success() && kind.is_empty() {
            Form::Nothing
        } else if status.is_success() {
            return Err(Lost::Nonsense(format!("its content type is `{kind}`")));
        } else {
            return Err(Lost::Status(status));
        };
        // The client reads ahead, so who waits for a turn has asked for nothing yet.
        let expected = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or_default();
        Ok(Self { response, form, turns: turns.clone(), turn: None, expected, before: None })
    }

    /// The same as what goes on with the stream `before`: until an event says more, the last one of that stream counts.
    pub(super) fn after(mut self, before: &Self) -> Self {
        self.before = before.last_id().map(|id| (id.to_owned(), before.retry()));
        self
    }

    /// The next message; `None` at the end.
    ///
    /// # Errors
    /// The connection broke, or a message is too long.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Lost> {
        loop {
            let kept = match &mut self.form {
                Form::Nothing => return Ok(None),
                Form::Json(text) => text.len(),
                Form::Events(events) => match events.next() {
                    Some(message) => return Ok(Some(self.with_turn(message))),
                    None => events.kept(),
                },
            };
            if kept.max(self.expected) > FREE && self.turn.is_none() {
                self.expected = 0;
                self.turn = Some(self.turns.take().await);
            }
            let piece = self.response.chunk().await.map_err(|error| peer::broken(&error))?;
            match (&mut self.form, piece) {
                (Form::Json(text), Some(piece)) if text.len() + piece.len() <= LONGEST => {
                    // Until there is something to say, a gateway sends white space.
                    let start = if text.is_empty() { piece.len() - piece.trim_ascii_start().len() } else { 0 };
                    text.extend_from_slice(&piece[start..]);
                }
                (Form::Events(events), Some(piece)) => {
                    if !events.feed(&piece) {
                        return Err(Lost::Overlong(LONGEST));
                    }
                }
                (_, Some(_)) => return Err(Lost::Overlong(LONGEST)),
                (Form::Json(text), None) if !text.is_empty() => {
                    let message = text.split().freeze();
                    return Ok(Some(self.with_turn(message)));
                }
                (_, None) => return Ok(None),
            }
        }
    }

    /// The `id` of the last event that had one.
    pub(super) fn last_id(&self) -> Option<&str> {
        let own = match &self.form {
            Form::Events(events) => events.last_id(),
            Form::Nothing | Form::Json(_) => None,
        };
        own.or(self.before.as_ref().map(|(id, _)| &**id))
    }

    /// How long to wait before the stream is opened again, if the gateway has said so.
    pub(super) fn retry(&self) -> Option<Duration> {
        let own = match &self.form {
            Form::Events(events) => events.retry(),
            Form::Nothing | Form::Json(_) => None,
        };
        own.or(self.before.as_ref().and_then(|(_, retry)| *retry))
    }

    fn with_turn(&mut self, message: Bytes) -> Bytes {
        match self.turn.take() {
            Some(turn) => Bytes::from_owner(Large(message, turn)),
            None => message,
        }
    }
}
