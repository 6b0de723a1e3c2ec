//! A gateway between a client and two shards, one of each era, through which raw text is sent and seen again.
//!
//! Invariant: one process and one connection per rig, and no text passes through a parser on this side.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};

use serde_json::json;

use crate::support::{Gateway, Http, Journal, Legacy, Response, Stdio};

/// How a client or a shard speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Era {
    Legacy,
    Modern,
}

/// From the client's era to the shard's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    pub(super) client: Era,
    pub(super) shard: Era,
}

impl Way {
    pub(super) const ALL: [Self; 4] = [
        Self { client: Era::Legacy, shard: Era::Legacy },
        Self { client: Era::Legacy, shard: Era::Modern },
        Self { client: Era::Modern, shard: Era::Legacy },
        Self { client: Era::Modern, shard: Era::Modern },
    ];

    /// The name of a shard's tool for clients.
    pub(super) fn exposed(self, tool: &str) -> String {
        let prefix = if self.shard == Era::Legacy { "old" } else { "new" };
        format!("{prefix}__{tool}")
    }
}

/// Which door the client comes through.
#[derive(Debug, Clone, Copy)]
pub(super) enum DoorKind {
    Http,
    Stdio,
}

enum Door {
    Http { gateway: Box<Gateway>, legacy: Box<Legacy>, modern: Http },
    Stdio(Box<Stdio>),
}

/// The whole path.
pub(super) struct Rig {
    door: Door,
    journals: [Journal; 2],
    /// How much of each journal has been read.
    read: [u64; 2],
}

impl Rig {
    /// Starts a gateway whose shards spoil what they handle in this way.
    pub(super) async fn start(door: DoorKind, spoil: &str) -> Self {
        let journals = [Journal::new(), Journal::new()];
        let shard = |at: usize, era| journals[at].fake_shard(&["--era", era, "--spoil", spoil]);
        let builder = Gateway::builder().shard("old", shard(0, "legacy")).shard("new", shard(1, "modern"));
        let door = match door {
            DoorKind::Http => {
                let gateway = Box::new(builder.start().await);
                let legacy = Box::new(Legacy::open(&gateway, "2025-11-25").await);
                let modern = gateway.http().await;
                Door::Http { gateway, legacy, modern }
            }
            DoorKind::Stdio => {
                let mut stdio = Box::new(builder.stdio());
                let info = json!({"name": "test", "version": "1"});
                let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info});
                // Without `notifications/initialized` nothing but answers and their notices comes out.
                stdio.request("hello", "initialize", hello).await;
                stdio.answer("hello").await;
                Door::Stdio(stdio)
            }
        };
        Self { door, journals, read: [0; 2] }
    }

    /// Calls a tool with the text of `params` and gives the text of all messages that come back.
    pub(super) async fn call(&mut self, era: Era, exposed: &str, params: &str) -> Vec<String> {
        const ANSWER: &str = r#"{"jsonrpc":"2.0","id":7,"#;
        let message =
            format!("{{\"jsonrpc\":\"2.0\",\n\"method\":\"tools/call\", \"params\":{params} ,\"x\":[],\"id\":7}}");
        let headers = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", exposed)];
        match (&mut self.door, era) {
            (Door::Http { legacy, .. }, Era::Legacy) => texts(&legacy.post(message).await),
            (Door::Http { modern, .. }, Era::Modern) => texts(&modern.send("POST", "/mcp", &headers, message).await),
            (Door::Stdio(stdio), _) => {
                stdio.write(message.replace('\n', "\r") + "\n").await;
                let mut texts = Vec::new();
                while !texts.last().is_some_and(|text: &String| text.starts_with(ANSWER)) {
                    texts.push(stdio.next_text().await);
                }
                texts
            }
        }
    }

    /// The text of the last call that the shard was sent, without its line break.
    pub(super) fn received(&mut self, shard: Era) -> String {
        let at = usize::from(shard == Era::Modern);
        let mut journal = BufReader::new(File::open(self.journals[at].path()).unwrap());
        journal.seek(SeekFrom::Start(self.read[at])).unwrap();
        let lines: Vec<String> = journal.by_ref().lines().map(Result::unwrap).collect();
        self.read[at] = journal.stream_position().unwrap();
        let mut calls = lines.into_iter().filter(|line| line.contains("tools/call"));
        calls.next_back().expect("the shard has been sent a call")
    }

    /// Stops everything.
    pub(super) async fn stop(self) {
        match self.door {
            Door::Http { gateway, .. } => gateway.stop().await,
            Door::Stdio(stdio) => drop(stdio.finish().await),
        }
    }
}

/// The text of each message: the body itself, or the data of each event.
fn texts(response: &Response) -> Vec<String> {
    let body = response.text();
    if response.headers["content-type"] == "application/json" {
        return vec![body];
    }
    let events = body.strip_suffix("\n\n").unwrap_or_else(|| panic!("{response:?}"));
    let mut events = events.split("\n\n").peekable();
    // What makes the stream one that can be resumed is no message.
    events.next_if(|first| first.starts_with("id: ") && first.ends_with("\ndata: "));
    let data = |event: &str| {
        let event = if event.starts_with("id: ") { event.split_once('\n')?.1 } else { event };
        event.strip_prefix("event: message\ndata: ").map(str::to_owned)
    };
    events.map(|event| data(event).unwrap_or_else(|| panic!("{response:?}"))).collect()
}
