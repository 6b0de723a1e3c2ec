//! A gateway on the stdio door, held as a client holds it.

use std::collections::VecDeque;
use std::process::{ExitStatus, Stdio as Pipe};
use std::sync::{Arc, Mutex};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::time::timeout;

use super::gateway::{Builder, follow, write_shard};
use super::processes::{Process, descendants, surviving};
use super::{PATIENCE, eventually};

/// A running `mcp-gateway stdio`. [`Stdio::finish`] it at the end of a test.
#[derive(Debug)]
pub(crate) struct Stdio {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Option<Lines<BufReader<ChildStdout>>>,
    /// What was read while an answer was waited for.
    heard: VecDeque<Value>,
    log: Arc<Mutex<Vec<String>>>,
    dir: Arc<TempDir>,
}

impl Builder {
    /// Starts it on the stdio door; it need not have read anything yet.
    pub(crate) fn stdio(self) -> Stdio {
        let (dir, mut command) = self.prepare(&["stdio"]);
        let mut child = command.stdin(Pipe::piped()).stdout(Pipe::piped()).spawn().unwrap();
        let log = follow(&mut child, Arc::default());
        let stdin = child.stdin.take();
        let lines = child.stdout.take().map(|stdout| BufReader::new(stdout).lines());
        Stdio { child, stdin, lines, heard: VecDeque::new(), log, dir }
    }
}

impl Stdio {
    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    /// Writes `NAME.yaml` while it runs.
    pub(crate) fn write_shard(&self, name: &str, text: &str) {
        write_shard(&self.dir, name, text);
    }

    /// Writes bytes as they are.
    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        let stdin = self.stdin.as_mut().expect("stdin is open");
        stdin.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Sends one message.
    pub(crate) async fn send(&mut self, message: Value) {
        self.write(format!("{message}\n")).await;
    }

    /// Sends a request.
    pub(crate) async fn request(&mut self, id: impl Into<Value>, method: &str, params: Value) {
        self.send(json!({"jsonrpc": "2.0", "id": id.into(), "method": method, "params": params})).await;
    }

    /// Says hello with `revision` and gives the result.
    pub(crate) async fn initialize(&mut self, revision: &str) -> Value {
        self.initialize_as(revision, json!({})).await
    }

    /// The same as a client that can do this.
    pub(crate) async fn initialize_as(&mut self, revision: &str, capabilities: Value) -> Value {
        let client = json!({"name": "test", "version": "1"});
        let params = json!({"protocolVersion": revision, "capabilities": capabilities, "clientInfo": client});
        self.request("hello", "initialize", params).await;
        let mut answer = self.answer("hello").await;
        self.send(json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
        answer["result"].take()
    }

    /// Calls a tool and gives its result.
    pub(crate) async fn call(&mut self, id: &str, tool: &str, arguments: Value) -> Value {
        self.request(id, "tools/call", json!({"name": tool, "arguments": arguments})).await;
        let mut answer = self.answer(id).await;
        assert!(answer.get("error").is_none(), "{answer}");
        answer["result"].take()
    }

    /// The next message; `None` when it has closed stdout.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        if let Some(heard) = self.heard.pop_front() {
            return Some(heard);
        }
        self.read().await
    }

    /// The answer with this id; what comes before it is kept for [`Stdio::next`].
    pub(crate) async fn answer(&mut self, id: impl Into<Value>) -> Value {
        let id = id.into();
        if let Some(at) = self.heard.iter().position(|heard| heard["id"] == id) {
            return self.heard.remove(at).expect("it was found");
        }
        loop {
            let message = self.read().await.unwrap_or_else(|| panic!("no answer to {id}; log:\n{}", self.log()));
            if message["id"] == id {
                return message;
            }
            self.heard.push_back(message);
        }
    }

    /// The next message as it is written. Must not be mixed with what keeps messages for later.
    pub(crate) async fn next_text(&mut self) -> String {
        self.line().await.unwrap_or_else(|| panic!("it has closed stdout; log:\n{}", self.log()))
    }

    async fn line(&mut self) -> Option<String> {
        let line = timeout(PATIENCE, self.lines.as_mut()?.next_line()).await;
        line.unwrap_or_else(|_| panic!("it says nothing; log:\n{}", self.log())).unwrap()
    }

    async fn read(&mut self) -> Option<Value> {
        let line = self.line().await?;
        Some(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line:?}")))
    }

    /// The most memory that it ever had, in MiB.
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id().expect("it runs"))).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
    }

    /// Its children and theirs.
    pub(crate) fn children(&self) -> std::collections::BTreeSet<Process> {
        self.child.id().map(descendants).unwrap_or_default()
    }

    /// Closes its stdin.
    pub(crate) fn close(&mut self) {
        self.stdin = None;
    }

    /// Its stdin, to be written to beside everything else.
    pub(crate) fn take_stdin(&mut self) -> ChildStdin {
        self.stdin.take().expect("stdin is open")
    }

    /// Closes its stdout.
    pub(crate) fn close_stdout(&mut self) {
        self.lines = None;
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id().expect("it runs")).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    /// Reads to the end and waits for the exit. None of `children` may be left.
    pub(crate) async fn ends(&mut self, children: &std::collections::BTreeSet<Process>) -> (Vec<Value>, ExitStatus) {
        let mut rest = Vec::new();
        while let Some(message) = self.next().await {
            rest.push(message);
        }
        let status = timeout(PATIENCE, self.child.wait()).await;
        let status = status.unwrap_or_else(|_| panic!("it does not end; log:\n{}", self.log())).unwrap();
        let left = surviving(children);
        assert!(left.is_empty(), "left behind: {left:?}; log:\n{}", self.log());
        // Who reads its log ends with it, and then holds no part of it.
        let is_read = async || (Arc::strong_count(&self.log) == 1).then_some(());
        eventually("its log is read to the end", is_read).await;
        (rest, status)
    }

    /// Closes its stdin and checks that it ends well; gives what it still had to say.
    pub(crate) async fn finish(mut self) -> Vec<Value> {
        let children = self.children();
        self.close();
        let (rest, status) = self.ends(&children).await;
        assert!(status.success(), "{status}; log:\n{}", self.log());
        rest
    }
}
