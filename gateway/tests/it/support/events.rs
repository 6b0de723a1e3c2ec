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
        Self { body: response.into_body(), text: Vec::new(), searched: 0 }
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
                let field = |name: &str| event.lines().filter_map(|line| line.strip_prefix(name)).collect::<Vec<_>>();
                if let [data, more @ ..] = &*field("data: ") {
                    assert!(more.is_empty(), "one event, one line");
                    return Some((field("event: ").concat(), (*data).to_owned()));
                }
            }
            self.searched = self.text.len().saturating_sub(1);
            let frame = timeout(PATIENCE, self.body.frame()).await.expect("the stream goes on");
            // A gateway that ends may cut the connection instead of ending the body.
            let piece = frame?.ok()?.into_data().ok()?;
            self.text.extend_from_slice(&piece);
        }
    }

    /// The method of the next message, which must be a notification.
    pub(crate) async fn notification(&mut self) -> String {
        let message = self.next().await.expect("a notification");
        message["method"].as_str().unwrap_or_else(|| panic!("{message}")).to_owned()
    }
}
