//! What a shard was sent, line by line, as the shard itself wrote it down.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use super::{eventually, fake_shard};

/// The journal of one shard.
#[derive(Debug)]
pub(crate) struct Journal(TempDir);

impl Journal {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// The file.
    pub(crate) fn path(&self) -> String {
        self.0.path().join("journal").to_str().unwrap().to_owned()
    }

    /// Our misbehaving shard, which keeps this journal.
    pub(crate) fn fake_shard(&self, flags: &[&str]) -> String {
        fake_shard(&[&["--journal", &self.path()], flags].concat())
    }

    /// All bytes so far.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        fs::read(self.path()).unwrap_or_default()
    }

    /// All messages so far.
    pub(crate) fn messages(&self) -> Vec<Value> {
        self.bytes()
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect()
    }

    /// The messages of one method so far.
    pub(crate) fn of(&self, method: &str) -> Vec<Value> {
        self.messages().into_iter().filter(|message| message["method"] == method).collect()
    }

    /// Waits for a call of this tool, by the shard's own name, and gives it.
    pub(crate) async fn call_of(&self, tool: &str) -> Value {
        eventually(&format!("the shard is sent `{tool}`"), async || {
            self.of("tools/call").into_iter().find(|call| call["params"]["name"] == tool)
        })
        .await
    }

    /// The ids of the requests that were cancelled.
    pub(crate) fn cancelled(&self) -> Vec<Value> {
        self.of("notifications/cancelled").iter().map(|message| message["params"]["requestId"].clone()).collect()
    }

    /// Waits until a request has been cancelled.
    pub(crate) async fn until_cancelled(&self, call: &Value) {
        eventually("the shard hears of the cancellation", async || {
            self.cancelled().contains(&call["id"]).then_some(())
        })
        .await;
    }
}
