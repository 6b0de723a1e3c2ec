//! The third-party clients: how each is run, and what it must have seen.
//!
//! Invariant: a client's run is over only when every process that it started is gone.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;

use super::servers::{LISTS, Servers, Sight, calls, installed, source};
use crate::support::{Gateway, Tree, eventually};

/// How often the processes are looked at while a client runs.
const LOOK: Duration = Duration::from_millis(100);

/// A driver, the way in which it settles the era, and the revision that comes of it.
pub(super) struct Client {
    driver: &'static str,
    mode: &'static str,
    revision: &'static str,
    /// It makes so many of the calls, the first ones.
    calls: usize,
}

const LEGACY: &str = "2025-11-25";
const MODERN: &str = "2026-07-28";

const ALL: usize = usize::MAX;

/// The TypeScript SDKs, 1.x and 2.x.
pub(super) const TYPESCRIPT: [Client; 4] = [
    Client { driver: "ts1.mjs", mode: "legacy", revision: LEGACY, calls: ALL },
    Client { driver: "ts2.mjs", mode: "legacy", revision: LEGACY, calls: ALL },
    Client { driver: "ts2.mjs", mode: "auto", revision: MODERN, calls: ALL },
    Client { driver: "ts2.mjs", mode: "modern", revision: MODERN, calls: ALL },
];
/// The Python SDK 2.x.
pub(super) const PYTHON: [Client; 3] = [
    Client { driver: "py2.py", mode: "legacy", revision: LEGACY, calls: ALL },
    Client { driver: "py2.py", mode: "auto", revision: MODERN, calls: ALL },
    Client { driver: "py2.py", mode: "modern", revision: MODERN, calls: ALL },
];
/// The Inspector's command line, which is started anew for each list and each call.
pub(super) const INSPECTOR: [Client; 3] = [
    Client { driver: "inspector.mjs", mode: "legacy", revision: LEGACY, calls: ALL },
    Client { driver: "inspector.mjs", mode: "auto", revision: MODERN, calls: 5 },
    Client { driver: "inspector.mjs", mode: "modern", revision: MODERN, calls: 5 },
];
/// Those that also speak HTTP+SSE, each in its legacy era.
pub(super) const OVER_SSE: [Client; 4] = [
    Client { driver: "ts1.mjs", mode: "sse", revision: LEGACY, calls: ALL },
    Client { driver: "ts2.mjs", mode: "sse", revision: LEGACY, calls: ALL },
    Client { driver: "py2.py", mode: "sse", revision: LEGACY, calls: ALL },
    Client { driver: "inspector.mjs", mode: "sse", revision: LEGACY, calls: 5 },
];
/// The Inspector over stdio, where each of its starts is one of the gateway and of all eight servers as well.
pub(super) const STARTING_INSPECTOR: [Client; 1] =
    [Client { driver: "inspector.mjs", mode: "legacy", revision: LEGACY, calls: 2 }];

/// Each client sees at `door` all that the eight list, and every call is answered as its server answers it.
pub(super) async fn all_see_and_call_everything(
    clients: &[Client],
    servers: &Servers,
    gateway: Gateway,
    door: &[String],
) {
    let mut complaints = Vec::new();
    for client in clients {
        complaints.extend(client.complaints(servers, door).await);
    }
    assert!(complaints.is_empty(), "{}\nlog:\n{}", complaints.join("\n"), gateway.log());
    gateway.stop().await;
}

impl Client {
    /// Lets it list everything and make the calls, and gives all that went wrong. `door` is how it reaches the gateway:
    /// `--url URL` or `--stdio COMMAND ARG…`.
    pub(super) async fn complaints(&self, servers: &Servers, door: &[String]) -> Vec<String> {
        self.complaints_at(Sight::All, servers, door).await
    }

    /// The same where less is to be seen.
    pub(super) async fn complaints_at(&self, sight: Sight, servers: &Servers, door: &[String]) -> Vec<String> {
        let calls_file = servers.first_calls(sight, self.calls);
        let mut command = self.command(door, &calls_file);
        command.envs(servers.variables());
        self.judge(sight, command, &calls_file).await
    }

    /// Lets it list everything at `url`: the revision that it speaks there and its tools, or what it tells a person.
    pub(super) async fn looks(&self, url: &str) -> Result<(bool, Vec<String>), String> {
        let mut command = self.driver();
        command.args(["--url", url]).env("PEERS", installed());
        let output = self.run(command).await;
        let complaint = || String::from_utf8_lossy(&output.stderr).into_owned();
        let document: Value = serde_json::from_slice(&output.stdout).map_err(|_| complaint())?;
        let tools = document["tools"].as_array().ok_or_else(complaint)?;
        let tools = tools.iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect();
        Ok((document["protocolVersion"] == self.revision, tools))
    }

    /// The same for one that starts what stands in the configuration file `config`, in a home of its own. npm finds the
    /// installed peers without asking its registry.
    pub(super) async fn complaints_at_home(&self, servers: &Servers, config: &Path, home: &Path) -> Vec<String> {
        let calls_file = servers.first_calls(Sight::All, self.calls);
        let mut command = self.command(&["--config".to_owned(), config.display().to_string()], &calls_file);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let places = [installed().join("bin")].into_iter().chain(std::env::split_paths(&path));
        command.env_clear().env("PATH", std::env::join_paths(places).unwrap()).env("HOME", home);
        command.env("PEERS", installed()).current_dir(installed().join("node"));
        self.judge(Sight::All, command, &calls_file).await
    }

    async fn judge(&self, sight: Sight, command: Command, calls_file: &Path) -> Vec<String> {
        let output = self.run(command).await;
        let found = match serde_json::from_slice(&output.stdout) {
            Ok(document) if output.status.success() => self.faults(sight, &document, calls_file),
            _ => vec![format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr))],
        };
        found.into_iter().map(|fault| format!("{} {}: {fault}", self.driver, self.mode)).collect()
    }

    fn command(&self, door: &[String], calls_file: &Path) -> Command {
        let mut command = self.driver();
        command.arg("--calls").arg(calls_file).args(door);
        command
    }

    fn driver(&self) -> Command {
        let interpreter = if self.driver.ends_with(".py") { "python/bin/python" } else { "bin/node" };
        let mut command = Command::new(installed().join(interpreter));
        command.arg(source(self.driver)).args(["--mode", self.mode]);
        command
    }

    async fn run(&self, command: Command) -> Output {
        ended(&format!("{} {}", self.driver, self.mode), command).await
    }

    /// What its document lacks.
    fn faults(&self, sight: Sight, document: &Value, calls_file: &Path) -> Vec<String> {
        let mut faults = Vec::new();
        for (key, expected) in [("/protocolVersion", self.revision), ("/serverInfo/name", "mcp-gateway")] {
            let seen = document.pointer(key);
            if seen.and_then(Value::as_str) != Some(expected) {
                faults.push(format!("{key} is {seen:?}, not {expected}"));
            }
        }
        if !document["instructions"].as_str().is_some_and(|text| text.contains(sight.instructions())) {
            faults.push(format!("no instructions: {}", document["instructions"]));
        }
        for list in LISTS {
            let mut seen: Vec<&str> =
                document[list].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            seen.sort_unstable();
            let expected = sight.listed(list);
            if seen != expected {
                faults.push(format!("{list} are {seen:?}, not {expected:?}"));
            }
        }
        let answers = document["calls"].as_array().map(Vec::as_slice).unwrap_or_default();
        let asked = calls(calls_file);
        if answers.len() != asked.len() {
            faults.push(format!("{} calls were answered, not {}", answers.len(), asked.len()));
        }
        for (call, answer) in asked.iter().zip(answers) {
            let text = answer["text"].as_str().unwrap_or_default();
            if answer["name"] != call.name || answer["ok"] != true || !text.contains(&call.expect) {
                faults.push(format!("{} answered {answer}, not {:?}", call.name, call.expect));
            }
        }
        faults
    }
}

/// Runs `command` to its end, and waits until all that it started is gone.
pub(super) async fn ended(name: &str, mut command: Command) -> Output {
    command.kill_on_drop(true);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut tree = Tree::of(child.id().expect("it runs"));
    let mut ended = std::pin::pin!(child.wait_with_output());
    let output = loop {
        tokio::select! {
            output = &mut ended => break output.unwrap(),
            () = tokio::time::sleep(LOOK) => { tree.look(); }
        }
    };
    eventually(&format!("all that {name} started is gone"), async || tree.look().is_empty().then_some(())).await;
    output
}
