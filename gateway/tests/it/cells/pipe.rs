//! The doors with one stream for everything: stdio, with a fleet of its own or joined to a running gateway, and HTTP+SSE.
//!
//! Invariant: what is heard is heard in the order of that stream.

use std::collections::VecDeque;

use serde_json::Value;

use super::door::{Door, Heard, Place, REVISION, Soon, hello, initialized};
use crate::support::{Gateway, Sse, Stdio};

/// A client on the pipes of `mcp-gateway stdio`.
pub(super) struct Pipe {
    stdio: Stdio,
    /// What was said before the answer to `initialize`.
    early: VecDeque<Value>,
}

impl Pipe {
    /// Says hello.
    pub(super) async fn open(mut stdio: Stdio, capabilities: &Value) -> Self {
        stdio.send(hello(capabilities)).await;
        let mut early = VecDeque::new();
        loop {
            let message = stdio.next().await.unwrap_or_else(|| panic!("it has ended; log:\n{}", stdio.log()));
            if message["id"] == "hello" {
                assert!(message["result"]["capabilities"].is_object(), "{message}");
                break;
            }
            early.push_back(message);
        }
        stdio.send(initialized()).await;
        Self { stdio, early }
    }
}

impl Door for Pipe {
    fn send(&mut self, message: Value) -> Soon<'_, ()> {
        Box::pin(self.stdio.send(message))
    }

    fn hear(&mut self) -> Soon<'_, Heard> {
        Box::pin(async {
            let message = match self.early.pop_front() {
                Some(message) => Some(message),
                None => self.stdio.next().await,
            };
            let message = message.unwrap_or_else(|| panic!("it has ended; log:\n{}", self.stdio.log()));
            Heard { place: Place::Only, message }
        })
    }

    fn leave(self: Box<Self>) -> Soon<'static, ()> {
        Box::pin(async {
            self.stdio.finish().await;
        })
    }
}

/// A client on the stream of `/sse`, which is its session.
pub(super) struct Stream(Sse);

impl Stream {
    /// Says hello.
    pub(super) async fn open(gateway: &Gateway, capabilities: &Value) -> Self {
        Self(Sse::open_as(gateway, REVISION, capabilities.clone()).await)
    }
}

impl Door for Stream {
    fn send(&mut self, message: Value) -> Soon<'_, ()> {
        Box::pin(self.0.send(message))
    }

    fn hear(&mut self) -> Soon<'_, Heard> {
        Box::pin(async {
            let message = self.0.next().await.expect("the stream goes on");
            Heard { place: Place::Only, message }
        })
    }

    fn leave(self: Box<Self>) -> Soon<'static, ()> {
        // The session ends with its stream.
        Box::pin(async move { drop(self) })
    }
}
