//! What nobody should send, over HTTP: each gets one clear error, makes no session and harms no other request.

mod bodies;
mod doors;
mod legacy;
mod modern;

use bytes::Bytes;
use serde_json::json;

use crate::support::{Gateway, Legacy, Response, fake_shard};

/// The HTTP status, the JSON-RPC code and words of the message.
#[derive(Debug, Clone, Copy)]
struct Told<'a>(u16, i64, &'a str);

/// A gateway with one shard, and a client that must not notice anything.
struct Bench {
    gateway: Gateway,
    client: Legacy,
    calls: u64,
}

impl Bench {
    async fn start(flags: &[&str]) -> Self {
        let gateway = Gateway::builder().shard("fake", fake_shard(&[])).flags(flags).start().await;
        gateway.until("fake", "ready").await;
        let client = Legacy::open(&gateway, "2025-11-25").await;
        Self { gateway, client, calls: 0 }
    }

    /// The session header of the client that is watched.
    fn session(&self) -> [(&'static str, String); 1] {
        [("mcp-session-id", self.client.session.clone())]
    }

    /// Posts `body` to `/mcp` and checks what comes of it.
    async fn refuses(&mut self, what: &str, headers: &[(&str, &str)], body: impl Into<Bytes>, told: Told<'_>) {
        self.refuses_request(what, "POST", headers, body, told).await;
    }

    async fn refuses_request(
        &mut self,
        what: &str,
        method: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
        told: Told<'_>,
    ) {
        let response = self.gateway.http().await.send(method, "/mcp", headers, body).await;
        self.check(what, &response, told).await;
    }

    /// Checks an answer, and that everybody else is served as before.
    async fn check(&mut self, what: &str, response: &Response, Told(status, code, words): Told<'_>) {
        let answer = response.answer();
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        let is_told = response.status == status && response.code() == Some(code) && message.contains(words);
        assert!(is_told, "{what}: expected {status} {code} `{words}`, got {} {answer}", response.status);
        assert!(!response.headers.contains_key("mcp-session-id"), "{what}: makes no session");
        self.still_works(what).await;
    }

    async fn still_works(&mut self, what: &str) {
        self.calls += 1;
        let arguments = json!({"call": self.calls});
        let result = self.client.call("fake__echo", arguments.clone()).await;
        assert_eq!(result["structuredContent"], arguments, "after: {what}");
    }
}
