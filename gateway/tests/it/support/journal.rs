//! What a shard was sent, line by line, as the shard itself wrote it down.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::gateway::built;
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

    /// The same, with a mark in the journal for each start, and with the flags of [`Journal::set_flags`] at that moment.
    pub(crate) fn marked_fake_shard(&self, flags: &[&str]) -> String {
        const SCRIPT: &str =
            r#"echo '{"started":true}' >> "$0"; exec "$@" --journal "$0" $(cat "$0.flags" 2> /dev/null)"#;
        let (program, path) = (built("examples/fake_shard"), self.path());
        let args = [&["-c", SCRIPT, &path, program.to_str().unwrap()], flags].concat();
        format!("command: sh\nargs: {}\n", json!(args))
    }

    /// The flags of a marked shard from its next start on.
    pub(crate) fn set_flags(&self, flags: &str) {
        fs::write(format!("{}.flags", self.path()), flags).unwrap();
    }

    /// Forgets everything so far. Only while the shard does not run.
    pub(crate) fn clear(&self) {
        fs::remove_file(self.path()).unwrap();
    }

    /// What a marked shard was sent before any call, in short: `|` for a start, the last part of each method, and `lists`
    /// for requests of lists that follow each other.
    pub(crate) fn steps(&self) -> String {
        let mut steps: Vec<String> = Vec::new();
        for message in self.messages() {
            let step = match message["method"].as_str() {
                None if message["started"] == true => "|",
                None => "answer",
                Some(method) if method.ends_with("/list") => "lists",
                Some(method) => method.rsplit('/').next().unwrap_or(method),
            };
            if step != "lists" || steps.last().is_none_or(|last| last != "lists") {
                steps.push(step.to_owned());
            }
        }
        steps.join(" ")
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

    /// The processes that were started with this journal and are still there.
    pub(crate) fn keepers(&self) -> Vec<String> {
        let path = self.path();
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let command_lines = entries.filter_map(|entry| fs::read_to_string(entry.path().join("cmdline")).ok());
        command_lines.filter(|words| words.split('\0').any(|word| word == path)).collect()
    }

    /// Waits until a request has been cancelled.
    pub(crate) async fn until_cancelled(&self, call: &Value) {
        eventually("the shard hears of the cancellation", async || {
            self.cancelled().contains(&call["id"]).then_some(())
        })
        .await;
    }
}
