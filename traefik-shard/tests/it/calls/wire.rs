//! The shard's protocol line by line, for what a client library hides.
//!
//! Invariant: the shard is killed when this is dropped.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::support::{Launch, PATIENCE};

/// A shard that has been greeted.
pub(super) struct Wire {
    child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Wire {
    /// Starts it and shakes hands.
    pub(super) async fn start(launch: &Launch) -> Self {
        let words = launch.words();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).envs(launch.variables()).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut wire = Self { child, stdin, lines: BufReader::new(stdout).lines() };
        let client = json!({"name": "test", "version": "1"});
        let params = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client});
        wire.send(json!({"id": 0, "method": "initialize", "params": params})).await;
        wire.answer(0).await;
        wire.send(json!({"method": "notifications/initialized"})).await;
        wire
    }

    /// Sends one message.
    pub(super) async fn send(&mut self, mut message: Value) {
        message["jsonrpc"] = json!("2.0");
        self.stdin.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    /// Calls a tool without waiting for its answer; the number names the call.
    pub(super) async fn call(&mut self, id: u32, tool: &str, arguments: Value, meta: Value) {
        let params = json!({"name": tool, "arguments": arguments, "_meta": meta});
        self.send(json!({"id": id, "method": "tools/call", "params": params})).await;
    }

    /// Waits for the answer of this number; returns the messages before it as well.
    pub(super) async fn answer(&mut self, id: u32) -> (Vec<Value>, Value) {
        let mut before = Vec::new();
        let reading = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                let message: Value = serde_json::from_str(&line).unwrap();
                if message["id"] == id {
                    return message["result"].clone();
                }
                before.push(message);
            }
            panic!("the shard ended without answer {id}");
        };
        let answer = timeout(PATIENCE, reading).await.expect("an answer in time");
        (before, answer)
    }

    /// Closes its stdin, which is how a shard is told to stop, and checks that it ends well and in time.
    pub(super) async fn close(self) {
        let Self { mut child, stdin, lines } = self;
        drop(stdin);
        let status = timeout(PATIENCE, child.wait()).await.expect("it ends in time").unwrap();
        assert!(status.success(), "{status}");
        drop(lines);
    }
}
