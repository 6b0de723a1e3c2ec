//! The real gateway with the shard behind it, and a client over Streamable HTTP.
//!
//! Invariant: the gateway is stopped when it is dropped, and the shard with it.

use std::fs;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rmcp::ClientLifecycleMode;
use rmcp::ClientServiceExt;
use rmcp::model::{ClientConfig, ProtocolVersion};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::shard::follow;
use super::{Client, Lab, LabOptions, Launch, Outcome, PATIENCE, built, eventually, http};

/// A running gateway and its client.
pub(crate) struct Gateway {
    client: Client,
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    _reader: JoinSet<()>,
    _dir: TempDir,
}

impl Gateway {
    /// Starts a gateway with this shard alone, named `traefik`, and connects.
    pub(crate) async fn start(launch: &Launch) -> Self {
        let dir = TempDir::new().unwrap();
        let shards = dir.path().join("shards.d");
        fs::create_dir(&shards).unwrap();
        fs::write(shards.join("traefik.yaml"), launch.shard_file()).unwrap();
        let mut command = Command::new(built("mcp-gateway"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--shards"]).arg(&shards);
        command.arg("--state-dir").arg(dir.path().join("state")).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (log, reader) = follow(&mut child);
        let url = eventually("the gateway listens", async || {
            let log = log.lock().unwrap();
            log.iter().find_map(|line| Some(line.trim().strip_prefix("MCP")?.trim().to_owned()))
        });
        let url = url.await;
        let config = StreamableHttpClientTransportConfig::with_uri(url);
        let transport = StreamableHttpClientTransport::with_client(http().build().unwrap(), config);
        let client = ClientConfig::default().with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE);
        let served = timeout(PATIENCE, client.serve_with_lifecycle(transport, ClientLifecycleMode::Initialize)).await;
        let service = served.expect("a handshake in time").unwrap();
        Self { client: Client::new(service, "traefik__").await, child, log, _reader: reader, _dir: dir }
    }

    /// A laboratory and a gateway in front of it, as they are by default.
    pub(crate) async fn and_lab() -> (Lab, Self) {
        let lab = Lab::start(LabOptions::default()).await;
        let gateway = Self::start(&lab.shard()).await;
        (lab, gateway)
    }

    /// Its client.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Calls one of the shard's tools by its own name.
    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Outcome {
        self.client.call(tool, arguments).await
    }

    /// What the gateway and the shard have logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let Some(pid) = self.child.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?)) else { return };
        let _ = kill_process(pid, Signal::TERM);
        // It must have time to end its shard; what does not end by then is killed on drop.
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
