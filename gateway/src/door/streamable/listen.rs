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
use super::{Door, session};
use crate::door::body::{self, EVENT_STREAM, Source};
use crate::door::event::{COMMENT, notice};
use crate::door::listeners::Listening;
use crate::door::refusal::Refused;
use crate::mux::{Changes, View};
use crate::wire::{Fault, code, notification};

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
    let mux = door.mux.at(view).await?;
    let permit = door.streams.take(1)?;
    let most = door.settings.limits.streams_per_session;
    let listening = door.listeners.open(session.client.key, most).ok_or_else(|| {
        let message = format!("this session has {most} streams open already");
        Refused::new(StatusCode::CONFLICT, Fault::new(code::INVALID_REQUEST, message))
    })?;
    let mut opening = VecDeque::from([COMMENT]);
    if session.from_elsewhere {
        opening.extend(all_changed());
    }
    Ok(body::live(
        EVENT_STREAM,
        Listen {
            opening: Some(opening),
            listening,
            changes: mux.changes(session.client.key),
            stop: door.tasks.stop().clone(),
            comment: door.settings.times.comment,
            _permit: permit,
        },
    ))
}

/// What a session of another process may have missed.
fn all_changed() -> impl Iterator<Item = Bytes> {
    ["tools", "prompts", "resources"]
        .into_iter()
        .map(|list| notice(notification(&format!("notifications/{list}/list_changed"), None).into()))
}

struct Listen {
    opening: Option<VecDeque<Bytes>>,
    listening: Listening,
    changes: Changes,
    stop: CancellationToken,
    comment: Duration,
    _permit: OwnedSemaphorePermit,
}

impl Source for Listen {
    async fn next(&mut self) -> Option<VecDeque<Bytes>> {
        if let Some(opening) = self.opening.take() {
            return Some(opening);
        }
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            () = self.listening.closed.cancelled() => None,
            messages = self.changes.next() => Some(messages.into_iter().map(notice).collect()),
            () = sleep(self.comment) => Some(VecDeque::from([COMMENT])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_of_another_process_is_told_that_every_list_may_have_changed() {
        let events: Vec<_> = all_changed().collect();
        assert_eq!(events.len(), 3);
        assert_eq!(
            events[0],
            "event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n\n"
        );
    }
}
