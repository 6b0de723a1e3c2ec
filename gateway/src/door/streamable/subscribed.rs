//! The answer to a `subscriptions/listen` of a modern client: events until the client hangs up or the gateway stops.
//!
//! Invariant: it takes a place among the open GET streams, and none among the requests. Nobody can ask for it again: a client
//! whose connection breaks listens anew.

use std::collections::VecDeque;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::Door;
use super::headers::Accept;
use crate::door::body::{self, EVENT_STREAM, Source};
use crate::door::event::{COMMENT, event, notice};
use crate::door::refusal::Refused;
use crate::mux::{Listening, Relayed};
use crate::wire::{Fault, code};

/// Opens the stream.
pub(super) fn open(door: &Door, listening: Box<Listening>, accept: Accept) -> Result<Response, Refused> {
    let of_it = |refused: Refused| refused.of(listening.id());
    if accept == Accept::Json {
        let fault =
            Fault::new(code::INVALID_REQUEST, "`subscriptions/listen` is answered with `text/event-stream` only");
        return Err(of_it(Refused::new(StatusCode::NOT_ACCEPTABLE, fault)));
    }
    let permit = door.streams.take(1).map_err(of_it)?;
    let (stop, comment) = (door.tasks.stop().clone(), door.settings.times.comment);
    Ok(body::live(EVENT_STREAM, Subscribed { listening: Some(listening), stop, comment, _permit: permit }))
}

struct Subscribed {
    /// `None` once it has ended.
    listening: Option<Box<Listening>>,
    stop: CancellationToken,
    comment: Duration,
    _permit: OwnedSemaphorePermit,
}

impl Source for Subscribed {
    async fn next(&mut self) -> Option<VecDeque<Bytes>> {
        let listening = self.listening.as_mut()?;
        let relayed = tokio::select! {
            biased;
            () = self.stop.cancelled() => Relayed::Done(listening.end()),
            relayed = listening.next() => relayed,
            () = sleep(self.comment) => return Some(VecDeque::from([COMMENT])),
        };
        match relayed {
            Relayed::Notice(message) => Some(VecDeque::from([notice(message)])),
            Relayed::Done(answer) => {
                self.listening = None;
                Some(event(answer.body))
            }
            Relayed::Cancelled => None,
        }
    }
}
