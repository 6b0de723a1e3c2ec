//! A way in, as a client of the legacy era holds it: messages go in, and what comes out says where it came out.
//!
//! Invariant: nothing that the gateway says is left out, and nothing is put in order that did not come in order.

use std::pin::Pin;

use serde_json::{Value, json};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::support::{Events, Gateway, Http, Legacy, PATIENCE};

/// The revision that all clients of the table speak.
pub(super) const REVISION: &str = "2025-11-25";

/// What is on its way.
pub(super) type Soon<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Where a message came out.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Place {
    /// On the stream that answers the request with this id.
    Call(Value),
    /// On the stream that belongs to no request.
    Session,
    /// The door has one stream for everything.
    Only,
}

/// One message of the gateway.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    pub(super) place: Place,
    pub(super) message: Value,
}

/// An open way in, past `initialize`.
pub(super) trait Door {
    /// Sends a message. The answer to a request is heard later.
    fn send(&mut self, message: Value) -> Soon<'_, ()>;

    /// The next message.
    ///
    /// # Panics
    /// After [`PATIENCE`].
    fn hear(&mut self) -> Soon<'_, Heard>;

    /// Says goodbye, as the door demands it.
    fn leave(self: Box<Self>) -> Soon<'static, ()>;
}

/// The parameters of `initialize`, and the message.
pub(super) fn hello(capabilities: &Value) -> Value {
    let info = json!({"name": "cells", "version": "1"});
    let params = json!({"protocolVersion": REVISION, "capabilities": capabilities, "clientInfo": info});
    json!({"jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": params})
}

/// What follows the answer to it.
pub(super) fn initialized() -> Value {
    json!({"jsonrpc": "2.0", "method": "notifications/initialized"})
}

/// A session over Streamable HTTP: each request has a connection and a stream of its own, beside the GET stream.
pub(super) struct Streamable {
    legacy: Legacy,
    host: String,
    heard: Receiver<Heard>,
    speaker: Sender<Heard>,
    /// Read the streams.
    readers: JoinSet<()>,
}

impl Streamable {
    /// Opens the session and its GET stream.
    pub(super) async fn open(gateway: &Gateway, capabilities: &Value) -> Self {
        let (legacy, _) = Legacy::open_as(gateway, "/mcp", REVISION, capabilities.clone()).await;
        let (speaker, heard) = channel(1024);
        let mut readers = JoinSet::new();
        let events = Events::listen(gateway, &legacy.session).await;
        readers.spawn(read(events, Place::Session, speaker.clone()));
        Self { legacy, host: gateway.host().to_owned(), heard, speaker, readers }
    }
}

impl Door for Streamable {
    fn send(&mut self, message: Value) -> Soon<'_, ()> {
        Box::pin(async move {
            if message.get("id").is_some() && message.get("method").is_some() {
                let (host, session) = (self.host.clone(), self.legacy.session.clone());
                self.readers.spawn(request(host, session, message, self.speaker.clone()));
            } else {
                assert_eq!(self.legacy.post(message.to_string()).await.status, 202);
            }
        })
    }

    fn hear(&mut self) -> Soon<'_, Heard> {
        Box::pin(async {
            while let Some(ended) = self.readers.try_join_next() {
                ended.expect("a stream is as it should be");
            }
            let heard = timeout(PATIENCE, self.heard.recv()).await.expect("the gateway says something");
            heard.expect("we hold a speaker ourselves")
        })
    }

    fn leave(mut self: Box<Self>) -> Soon<'static, ()> {
        Box::pin(async move {
            let headers = [("mcp-session-id", &*self.legacy.session)];
            assert_eq!(self.legacy.http.send("DELETE", "/mcp", &headers, "").await.status, 204);
            // The session is over, so all its streams are.
            while let Some(ended) = timeout(PATIENCE, self.readers.join_next()).await.expect("its streams end") {
                ended.expect("a stream is as it should be");
            }
        })
    }
}

/// Makes one request and passes on what answers it; a request that was cancelled is not answered.
async fn request(host: String, session: String, message: Value, speaker: Sender<Heard>) {
    let mut http = Http::connect(&host).await;
    let place = Place::Call(message["id"].clone());
    let response = http.open("POST", "/mcp", &[("mcp-session-id", &session)], message.to_string()).await;
    if response.headers().get("content-type").is_some_and(|kind| kind == "text/event-stream") {
        return read(Events::of(response), place, speaker).await;
    }
    let response = crate::support::Response::of(response).await;
    if response.status != 202 {
        // Nobody hears it any more when the test is over.
        let _ = speaker.send(Heard { place, message: response.answer() }).await;
    }
}

async fn read(mut events: Events, place: Place, speaker: Sender<Heard>) {
    while let Some(message) = events.next().await {
        if speaker.send(Heard { place: place.clone(), message }).await.is_err() {
            return;
        }
    }
}
