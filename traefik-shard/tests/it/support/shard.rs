//! The shard as a child of the test, over stdio.

use std::process::Stdio;
use std::sync::{Arc, Mutex};

use rmcp::ClientLifecycleMode;
use rmcp::ClientServiceExt;
use rmcp::model::{ClientConfig, ProtocolVersion};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{Client, Launch, Outcome, PATIENCE};

/// A shard and its client. It is killed when it is dropped; [`Shard::end`] ends it as a gateway does.
pub(crate) struct Shard {
    client: Client,
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    _reader: JoinSet<()>,
}

impl Shard {
    /// Starts it and lists its tools.
    pub(crate) async fn start(launch: &Launch) -> Self {
        let words = launch.words();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).envs(launch.variables()).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (log, reader) = follow(&mut child);
        let pipes = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
        let config = ClientConfig::default().with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE);
        let served = timeout(PATIENCE, config.serve_with_lifecycle(pipes, ClientLifecycleMode::Initialize)).await;
        let Ok(Ok(service)) = served else { panic!("no handshake; log:\n{}", log.lock().unwrap().join("\n")) };
        Self { client: Client::new(service, "").await, child, log, _reader: reader }
    }

    /// Its client.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Calls a tool.
    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Outcome {
        self.client.call(tool, arguments).await
    }

    /// Kills it in the middle of whatever it does.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Closes its stdin and checks that it ends well.
    pub(crate) async fn end(mut self) {
        self.client.end().await;
        let status = timeout(PATIENCE, self.child.wait()).await.expect("it ends in time").unwrap();
        assert!(status.success(), "{status}; log:\n{}", self.log.lock().unwrap().join("\n"));
    }
}

/// Keeps what a child writes to stderr.
pub(super) fn follow(child: &mut Child) -> (Arc<Mutex<Vec<String>>>, JoinSet<()>) {
    let log = Arc::new(Mutex::new(Vec::new()));
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let kept = Arc::clone(&log);
    let mut reader = JoinSet::new();
    reader.spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            kept.lock().unwrap().push(line);
        }
    });
    (log, reader)
}
