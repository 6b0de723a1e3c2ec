//! A stream of server-sent events, read one at a time.
//!
//! Invariant: nothing is read ahead of what a test asks for, but for what came in the same piece.

use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::Value;
use tokio::time::timeout;

use super::{Gateway, PATIENCE};

/// An open stream. Dropping it hangs up.
#[derive(Debug)]
pub(crate) struct Events {
    body: Incoming,
    text: Vec<u8>,
    /// The id of the latest event that had one.
    last_id: Option<String>,
    /// When the gateway wants its client back, in milliseconds.
    retry: Option<String>,
    /// So much of `text` holds no end of an event.
    searched: usize,
}

impl Events {
    /// Opens the GET stream of a session.
    pub(crate) async fn listen(gateway: &Gateway, session: &str) -> Self {
        Self::listen_at(gateway, "/mcp", session).await
    }

    /// The same at another path.
    pub(crate) async fn listen_at(gateway: &Gateway, path: &str, session: &str) -> Self {
        let headers = [("mcp-session-id", session), ("accept", "text/event-stream")];
        Self::of(gateway.http().await.open("GET", path, &headers, "").await)
    }

    /// Follows the body of an answer, which must be a stream.
    pub(crate) fn of(response: hyper::Response<Incoming>) -> Self {
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { body: response.into_body(), text: Vec::new(), last_id: None, retry: None, searched: 0 }
    }

    /// The next message; `None` at the end of the stream. Comments are passed over.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        let (name, data) = self.event().await?;
        assert_eq!(name, "message");
        Some(serde_json::from_str(&data).unwrap())
    }

    /// The name and the data of the next event that has data.
    pub(crate) async fn event(&mut self) -> Option<(String, String)> {
        loop {
            while let Some(end) = self.text[self.searched..].windows(2).position(|pair| pair == b"\n\n") {
                let event: Vec<u8> = self.text.drain(..self.searched + end + 2).collect();
                self.searched = 0;
                let event = String::from_utf8(event).unwrap();
                let field = |name: &'static str| event.lines().filter_map(move |line| line.strip_prefix(name));
                self.last_id = field("id: ").next().map(ToOwned::to_owned).or(self.last_id.take());
                self.retry = field("retry: ").next().map(ToOwned::to_owned).or(self.retry.take());
                let mut data = field("data: ").filter(|data| !data.is_empty());
                if let Some(message) = data.next() {
                    assert_eq!(data.next(), None, "one event, one line");
                    return Some((field("event: ").collect(), message.to_owned()));
                }
            }
            self.searched = self.text.len().saturating_sub(1);
            self.more().await?;
        }
    }

    async fn more(&mut self) -> Option<()> {
        let frame = timeout(PATIENCE, self.body.frame()).await.expect("the stream goes on");
        // A gateway that ends may cut the connection instead of ending the body.
        let piece = frame?.ok()?.into_data().ok()?;
        self.text.extend_from_slice(&piece);
        Some(())
    }

    /// Opens a stream where another one of the session broke, behind the event `id`.
    pub(crate) async fn resume(gateway: &Gateway, session: &str, id: &str) -> Self {
        let headers = [("mcp-session-id", session), ("accept", "text/event-stream"), ("last-event-id", id)];
        Self::of(gateway.http().await.open("GET", "/mcp", &headers, "").await)
    }

    /// The id of the first event, which holds no message.
    pub(crate) async fn priming(&mut self) -> String {
        while !self.text.windows(2).any(|pair| pair == b"\n\n") {
            self.more().await.expect("the stream begins with an event");
        }
        let text = String::from_utf8_lossy(&self.text);
        assert!(text.contains("\ndata: \n\n"), "{text}");
        text.strip_prefix("id: ").unwrap_or_else(|| panic!("{text}")).lines().next().unwrap().to_owned()
    }

    /// The id of the latest event that had one.
    pub(crate) fn last_id(&self) -> String {
        self.last_id.clone().expect("an event had an id")
    }

    /// When the gateway wants its client back, in milliseconds.
    pub(crate) fn retry(&self) -> Option<&str> {
        self.retry.as_deref()
    }

    /// The messages up to the end of the stream.
    pub(crate) async fn rest(&mut self) -> Vec<Value> {
        let mut messages = Vec::new();
        while let Some(message) = self.next().await {
            messages.push(message);
        }
        messages
    }

    /// The method of the next message, which must be a notification.
    pub(crate) async fn notification(&mut self) -> String {
        let message = self.next().await.expect("a notification");
        message["method"].as_str().unwrap_or_else(|| panic!("{message}")).to_owned()
    }
}
