//! The HTTP+SSE door of revision 2024-11-05: one GET stream on `/sse` carries all that the client hears, and it speaks by
//! POSTs to the address that the first event names.
//!
//! Invariant: the stream is the session. When it ends, calls are cancelled and nothing is left; while it is not read, nothing
//! that its client sends is read either.

mod register;

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Request, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::door::address;
use crate::door::body::{self, EVENT_STREAM, Source};
use crate::door::clients::Place;
use crate::door::connection::{self, Connection};
use crate::door::event::{COMMENT, event, notice};
use crate::door::page;
use crate::door::refusal::Refused;
use crate::door::streamable::headers::{Accept, PROTOCOL_VERSION, check_content_type, single};
use crate::door::streamable::{Door, reading};
use crate::mux::{View, all_changed};
use crate::wire::{Chunks, Era, Fault, Revision, code};
use register::Entered;
pub(crate) use register::Register;

/// The parameter that names the session.
const SESSION: &str = "sessionId";

/// Serves `/sse` and what is below it.
pub(crate) async fn listen(State(door): State<Arc<Door>>, request: Request<Body>) -> Response {
    let (uri, headers, method) = (request.uri(), request.headers(), request.method());
    let view = address::view(uri);
    if matches!(*method, Method::GET | Method::HEAD) && page::is_wanted(headers) {
        return page::answer(&door, view, uri, headers).await;
    }
    let answer = match (method, view) {
        (&Method::GET, Ok(view)) => open(&door, view, uri, headers).await,
        (&Method::GET, Err(refused)) => Err(refused),
        // Clients of both transports try a POST first, and take this for the sign that the older one is spoken here.
        _ => Err(Refused::not_allowed(
            "this is the address of the older HTTP+SSE transport, which begins with a GET; Streamable HTTP is served at `/mcp`",
            "GET, OPTIONS",
        )),
    };
    answer.unwrap_or_else(IntoResponse::into_response)
}

/// Serves `/messages`.
pub(crate) async fn speak(State(door): State<Arc<Door>>, request: Request<Body>) -> Response {
    let answer = if *request.method() == Method::POST {
        take(&door, request).await
    } else {
        let message = "this is where clients of the older HTTP+SSE transport send their messages to, by POST; their stream is at `/sse`";
        Err(Refused::not_allowed(message, "POST, OPTIONS"))
    };
    answer.unwrap_or_else(IntoResponse::into_response)
}

async fn open(door: &Door, view: View, uri: &Uri, headers: &HeaderMap) -> Result<Response, Refused> {
    if Accept::read(headers)? == Accept::Json {
        let fault = Fault::new(code::INVALID_REQUEST, "a GET is answered with `text/event-stream` only");
        return Err(Refused::new(StatusCode::NOT_ACCEPTABLE, fault));
    }
    let mux = door.mux.at(view).await?;
    let permit = door.streams.take(1)?;
    let (output, queue) = connection::output();
    let client = Connection::new(mux, door.requests.clone(), output, door.tasks.clone());
    let known = known(headers)?;
    if let Some(revision) = known {
        client.remember(revision);
    }
    let entered = door.connected.enter(client);
    let mut opening = VecDeque::from([endpoint(door.place(), uri, headers, entered.id())]);
    if known.is_some() {
        opening.extend(all_changed().map(notice));
    }
    Ok(body::live(
        EVENT_STREAM,
        Stream {
            opening: Some(opening),
            entered: Some(entered),
            queue,
            stop: door.tasks.stop().clone(),
            comment: door.settings.times.comment,
            _permit: permit,
        },
    ))
}

/// The revision of a client that was initialised before. Its SDK has opened the stream anew after that broke off, sends no
/// second `initialize`, and can only be told from a new client by the header that it did not send then.
fn known(headers: &HeaderMap) -> Result<Option<Revision>, Refused> {
    let revision = single(headers, &PROTOCOL_VERSION)?.and_then(Revision::parse);
    Ok(revision.filter(|revision| revision.era() == Era::Legacy))
}

/// The first event. A path that begins at the host is read alike by every client, also by those that put it behind the
/// host themselves; where a proxy is known to put something before it, only a relative one leads back here.
fn endpoint(place: &Place, uri: &Uri, headers: &HeaderMap, id: &str) -> Bytes {
    let behind_host = |url: &str| url.split_once("://").and_then(|(_, rest)| Some(rest.split_once('/')?.1.to_owned()));
    let is_below = place.url.as_deref().and_then(behind_host).is_some_and(|path| path != "mcp")
        || headers.contains_key("x-forwarded-prefix");
    let up = if is_below { "../".repeat(uri.path().matches('/').count() - 1) } else { "/".to_owned() };
    format!("event: endpoint\ndata: {up}messages?{SESSION}={id}\n\n").into()
}

/// All that a client hears.
struct Stream {
    opening: Option<VecDeque<Bytes>>,
    /// `None` once the gateway stops: then calls under way may end, and the stream ends with the last one.
    entered: Option<Entered>,
    queue: mpsc::Receiver<Chunks>,
    stop: CancellationToken,
    comment: Duration,
    _permit: OwnedSemaphorePermit,
}

impl Source for Stream {
    async fn next(&mut self) -> Option<VecDeque<Bytes>> {
        if let Some(opening) = self.opening.take() {
            return Some(opening);
        }
        if self.entered.is_some() {
            tokio::select! {
                biased;
                message = self.queue.recv() => return message.map(event),
                () = self.stop.cancelled() => self.entered = None,
                () = sleep(self.comment) => return Some(VecDeque::from([COMMENT])),
            }
        }
        self.queue.recv().await.map(event)
    }
}

/// A body and its part of the budget.
struct Kept {
    bytes: Bytes,
    _memory: Option<OwnedSemaphorePermit>,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Takes a message in. It is answered on the stream, so only what has no id is refused here.
async fn take(door: &Door, request: Request<Body>) -> Result<Response, Refused> {
    let (parts, body) = request.into_parts();
    check_content_type(&parts.headers)?;
    let client = find(door, &parts.uri)?;
    client.has_room().await;
    let (bytes, _memory) = tokio::select! {
        read = reading::read(body, &parts.headers, &door.settings, &door.body_bytes) => read?,
        () = client.over() => return Err(unknown()),
    };
    let turn = client.turn().await;
    if client.is_over() {
        return Err(unknown());
    }
    let mut served = Box::pin(Arc::clone(&client).serve(Kept { bytes, _memory }));
    let begun = connection::begin(&mut served).await;
    drop(turn);
    match begun {
        Poll::Ready(served) => served?,
        Poll::Pending => drop(door.tasks.spawn(async move {
            if let Err(refused) = served.await {
                client.refuse(&refused).await;
            }
        })),
    }
    Ok(StatusCode::ACCEPTED.into_response())
}

fn find(door: &Door, uri: &Uri) -> Result<Arc<Connection>, Refused> {
    let query = uri.query().unwrap_or_default().as_bytes();
    let mut ids = form_urlencoded::parse(query).filter(|(key, _)| key == SESSION);
    match (ids.next(), ids.next()) {
        (Some((_, id)), None) => door.connected.find(&id).ok_or_else(unknown),
        _ => Err(Refused::invalid(format!(
            "`{SESSION}` must stand once in the address: open the stream with a GET of `/sse` and send messages to the address \
             that its first event names"
        ))),
    }
}

fn unknown() -> Refused {
    let message = "there is no such session, or its stream has ended; open a new one with a GET of `/sse`";
    Refused::new(StatusCode::NOT_FOUND, Fault::new(code::INVALID_REQUEST, message))
}

#[cfg(test)]
mod tests;
