//! A real client of one era: its driver's process, which takes commands as lines and tells what came of them.
//!
//! Invariant: what one command brought is told by the answer to it, or kept by the driver until it is asked for.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::peers::servers::{installed, source};
use crate::support::{PATIENCE, Tree, eventually};

/// The protocol's two ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::peers) enum Era {
    Legacy,
    Modern,
}

impl Era {
    pub(in crate::peers) const ALL: [Self; 2] = [Self::Legacy, Self::Modern];

    pub(in crate::peers) fn name(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Modern => "modern",
        }
    }
}

/// What came of a request.
#[derive(Debug)]
pub(in crate::peers) struct Told(Value);

impl Told {
    /// Its result.
    pub(in crate::peers) fn result(&self) -> &Value {
        assert!(self.0.get("error").is_none() && self.0["result"].is_object(), "no result: {}", self.0);
        &self.0["result"]
    }

    /// The structured content of a tool's result.
    pub(in crate::peers) fn content(&self) -> &Value {
        &self.result()["structuredContent"]
    }

    /// The progress that came before, in order.
    pub(in crate::peers) fn progress(&self) -> &Value {
        &self.0["progress"]
    }

    /// What the client was asked before, in order.
    pub(in crate::peers) fn asked(&self) -> &[Value] {
        self.0["asked"].as_array().unwrap_or_else(|| panic!("{}", self.0))
    }

    /// The error's code, message and data; the SDKs prefix some messages.
    pub(in crate::peers) fn error(&self) -> (i64, &str, &Value) {
        let error = &self.0["error"];
        let code = error["code"].as_i64().unwrap_or_else(|| panic!("no protocol error: {}", self.0));
        (code, error["message"].as_str().unwrap_or_default(), &error["data"])
    }

    /// What a tool's answer comes to, whatever the era: its content, whether that is an error, or the protocol's error.
    pub(in crate::peers) fn essence(&self) -> Value {
        let result = &self.0["result"];
        json!({
            "content": result["content"],
            "structuredContent": result["structuredContent"],
            "isError": result["isError"] == true,
            "code": self.0["error"]["code"],
        })
    }

    /// Whether the client itself gave up.
    pub(in crate::peers) fn is_given_up(&self) -> bool {
        self.0.get("result").is_none() && self.0["error"]["message"].is_string()
    }
}

/// A running driver.
#[derive(Debug)]
pub(in crate::peers) struct Client {
    era: Era,
    /// What it declares to whoever it speaks to.
    capabilities: Value,
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
    tree: Tree,
    latest: u64,
}

impl Client {
    /// Starts `driver`, which reaches the server of this name by `way` with these
    /// variables, and waits until it is connected.
    pub(in crate::peers) async fn start(
        driver: &str,
        era: Era,
        server: &str,
        way: &[String],
        variables: &[(String, String)],
    ) -> Self {
        let interpreter = if driver.ends_with(".py") { "python/bin/python" } else { "bin/node" };
        let mut command = Command::new(installed().join(interpreter));
        command.arg(source("matrix").join(driver)).args(["--mode", era.name()]).args(way);
        command.env("PEERS", installed()).envs(variables.iter().cloned()).kill_on_drop(true);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let stdin = child.stdin.take();
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let tree = Tree::of(child.id().expect("it runs"));
        let mut client = Self { era, capabilities: json!(null), child, stdin, lines, tree, latest: 0 };
        let mut hello = client.next().await;
        assert_eq!((&hello["era"], &hello["server"]["name"]), (&json!(era.name()), &json!(server)), "{hello}");
        client.capabilities = hello["capabilities"].take();
        client
    }

    /// What it declared.
    pub(in crate::peers) fn capabilities(&self) -> &Value {
        &self.capabilities
    }

    async fn next(&mut self) -> Value {
        let line = timeout(PATIENCE, self.lines.next_line()).await.expect("the driver says something").unwrap();
        let line = line.unwrap_or_else(|| panic!("the {} client has ended", self.era.name()));
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line}"))
    }

    /// Gives a command, and what came of it. What an earlier row did not wait for is passed over.
    async fn command(&mut self, what: &str, mut command: Value) -> Value {
        self.latest += 1;
        command["id"] = self.latest.into();
        command["do"] = what.into();
        let stdin = self.stdin.as_mut().expect("it is open");
        stdin.write_all(format!("{command}\n").as_bytes()).await.unwrap();
        loop {
            let told = self.next().await;
            if told["id"] == self.latest {
                assert!(told.get("failed").is_none(), "`{what}`: {}", told["failed"]);
                return told;
            }
        }
    }

    /// Makes a request. `how` may hold `follow`, `stop` and `answers`.
    pub(in crate::peers) async fn request(&mut self, method: &str, params: Value, mut how: Value) -> Told {
        how["method"] = method.into();
        how["params"] = params;
        Told(self.command("request", how).await)
    }

    /// The items of a list.
    pub(in crate::peers) async fn list(&mut self, kind: &str) -> Vec<Value> {
        self.command("list", json!({"kind": kind})).await["items"].as_array().expect("a list").clone()
    }

    /// The parameters of the next `count` notifications of this method.
    pub(in crate::peers) async fn heard(&mut self, method: &str, count: usize) -> Value {
        self.command("heard", json!({"method": method, "count": count})).await["notices"].take()
    }

    /// What it has heard and been asked, and nobody has looked at.
    pub(in crate::peers) async fn rest(&mut self) -> Value {
        let told = self.command("rest", json!({})).await;
        json!([told["heard"], told["asked"]])
    }

    /// Begins to follow these resources, or all lists if there are none. What the gateway honours, in the modern era.
    pub(in crate::peers) async fn follow(&mut self, uris: &[&str]) -> Value {
        self.command("follow", json!({"uris": uris})).await["honoured"].take()
    }

    /// Ends what [`Client::follow`] began.
    pub(in crate::peers) async fn unfollow(&mut self, uris: &[&str]) {
        self.command("unfollow", json!({"uris": uris})).await;
    }

    /// Wants to be logged to from this level on, or not any more.
    pub(in crate::peers) async fn level(&mut self, level: Option<&str>) {
        self.command("level", json!({"level": level})).await;
    }

    /// Lets it leave, and waits until all that it started is gone.
    pub(in crate::peers) async fn leave(mut self) {
        self.tree.look();
        drop(self.stdin.take());
        let status = timeout(PATIENCE, self.child.wait()).await.expect("the driver ends").unwrap();
        assert!(status.success(), "{status}");
        eventually("all that the driver started is gone", async || self.tree.look().is_empty().then_some(())).await;
    }
}
