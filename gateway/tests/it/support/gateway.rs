//! A gateway process with its own folders.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::processes::{Process, descendants, surviving};
use super::{Http, PATIENCE, Response, eventually, modern_meta};

/// A running gateway. [`Gateway::stop`] it at the end of a test: that is what looks for processes left behind.
#[derive(Debug)]
pub(crate) struct Gateway {
    child: Child,
    host: String,
    dir: Arc<TempDir>,
    log: Arc<Mutex<Vec<String>>>,
    log_is_left: Arc<AtomicBool>,
}

/// The variables of the machine that runs the tests which say where a gateway, its shards or its commands look for
/// something, and how they behave.
pub(crate) fn foreign_variables() -> impl Iterator<Item = OsString> {
    let theirs = ["MCP_GATEWAY_", "TRAEFIK_", "XDG_"];
    let is_theirs = move |name: &OsString| theirs.iter().any(|start| name.to_string_lossy().starts_with(start));
    std::env::vars_os().map(|(name, _)| name).filter(is_theirs)
}

/// What a gateway is started with.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    shards: Vec<(String, String)>,
    flags: Vec<String>,
    variables: Vec<(String, String)>,
    dir: Option<Arc<TempDir>>,
    wrapper: Vec<String>,
    state_dir: Option<PathBuf>,
    listen: Option<String>,
}

/// The command line of our misbehaving shard, for `command:` and `args:`.
pub(crate) fn fake_shard(flags: &[&str]) -> String {
    let program = built("examples/fake_shard");
    let flags: Vec<Value> = flags.iter().map(|flag| json!(flag)).collect();
    format!("command: {}\nargs: {}\n", program.display(), json!(flags))
}

/// The shard that ships, for `command:`.
pub(crate) fn template_shard() -> String {
    format!("command: {}\n", built("shard-template").display())
}

/// A program of this workspace, which `make test` has built beside the gateway.
pub(crate) fn built(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_mcp-gateway")).with_file_name("").join(name);
    assert!(path.is_file(), "{} is missing: run `cargo build --workspace --bins --examples` first", path.display());
    path
}

impl Builder {
    /// Adds `NAME.yaml`, or a file with another ending if `name` has one.
    pub(crate) fn shard(mut self, name: &str, text: impl Into<String>) -> Self {
        self.shards.push((name.to_owned(), text.into()));
        self
    }

    /// Adds flags of the command line.
    pub(crate) fn flags(mut self, flags: &[&str]) -> Self {
        self.flags.extend(flags.iter().map(ToString::to_string));
        self
    }

    /// Sets a variable of the gateway.
    pub(crate) fn variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    /// Starts it by way of this program, which must become it.
    pub(crate) fn under(mut self, wrapper: &[&str]) -> Self {
        self.wrapper = wrapper.iter().map(ToString::to_string).collect();
        self
    }

    /// Uses the folders of an earlier gateway.
    pub(crate) fn in_dir(mut self, dir: &Arc<TempDir>) -> Self {
        self.dir = Some(Arc::clone(dir));
        self
    }

    /// Uses another state folder than its own.
    pub(crate) fn state_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.state_dir = Some(path.into());
        self
    }

    /// Listens at `host:port`, where another gateway was, say, and not at a free port.
    pub(crate) fn at(mut self, host: &str) -> Self {
        self.listen = Some(host.to_owned());
        self
    }

    /// The folders with the shard files, and the command line that serves them with `door`.
    pub(super) fn prepare(self, door: &[&str]) -> (Arc<TempDir>, Command) {
        let dir = self.dir.unwrap_or_else(|| Arc::new(TempDir::new().unwrap()));
        fs::create_dir_all(dir.path().join("shards.d")).unwrap();
        for (name, text) in &self.shards {
            write_shard(&dir, name, text);
        }
        let mut words = self.wrapper;
        words.push(env!("CARGO_BIN_EXE_mcp-gateway").to_owned());
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).args(door);
        let state_dir = self.state_dir.unwrap_or_else(|| dir.path().join("state"));
        command.arg("--shards").arg(dir.path().join("shards.d")).arg("--state-dir").arg(state_dir);
        for name in foreign_variables() {
            command.env_remove(name);
        }
        command.args(&self.flags).envs(self.variables);
        command.stderr(Stdio::piped()).kill_on_drop(true);
        (dir, command)
    }

    /// Starts it, and returns as soon as it listens.
    pub(crate) async fn start(self) -> Gateway {
        let listen = self.listen.clone().unwrap_or_else(|| "127.0.0.1:0".to_owned());
        let (dir, mut command) = self.prepare(&["serve", "--listen", &listen]);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let mut child = command.spawn().unwrap();
        let log_is_left = Arc::new(AtomicBool::new(false));
        let log = follow(&mut child, Arc::clone(&log_is_left));
        let host = eventually("the gateway listens", async || {
            let log = log.lock().unwrap();
            log.iter()
                .find_map(|line| Some(line.trim().strip_prefix("MCP")?.trim().strip_prefix("http://")?.to_owned()))
        });
        let host = host.await.trim_end_matches("/mcp").to_owned();
        Gateway { child, host, dir, log, log_is_left }
    }
}

/// Keeps what the gateway writes to stderr, until it is left unread.
pub(super) fn follow(child: &mut Child, is_left: Arc<AtomicBool>) -> Arc<Mutex<Vec<String>>> {
    let log = Arc::new(Mutex::new(Vec::new()));
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let kept = Arc::clone(&log);
    #[expect(clippy::disallowed_methods, reason = "ends with the gateway's stderr")]
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            kept.lock().unwrap().push(line);
            if is_left.load(Ordering::Relaxed) {
                // The pipe stays open, and fills.
                std::future::pending::<()>().await;
            }
        }
    });
    log
}

pub(super) fn write_shard(dir: &TempDir, name: &str, text: &str) {
    let file = if name.contains('.') { name.to_owned() } else { format!("{name}.yaml") };
    fs::write(dir.path().join("shards.d").join(file), text).unwrap();
}

impl Gateway {
    /// Nothing but a gateway with empty folders.
    pub(crate) fn builder() -> Builder {
        Builder::default()
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// The address for MCP clients.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/mcp", self.host)
    }

    /// The folder that holds `shards.d` and `state`.
    pub(crate) fn dir(&self) -> &Arc<TempDir> {
        &self.dir
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    /// What it logs, also after it has stopped.
    pub(crate) fn log_handle(&self) -> Arc<Mutex<Vec<String>>> {
        Arc::clone(&self.log)
    }

    /// Reads no more of what it logs than the next line.
    pub(crate) fn leave_log(&self) {
        self.log_is_left.store(true, Ordering::Relaxed);
    }

    /// The most memory that it ever had, in MiB.
    pub(crate) fn peak_memory(&self) -> u64 {
        self.kib("VmHWM:") / 1024
    }

    /// The memory that it has now, in KiB.
    pub(crate) fn memory(&self) -> u64 {
        self.kib("VmRSS:")
    }

    fn kib(&self, key: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id().expect("it runs"))).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// A new connection.
    pub(crate) async fn http(&self) -> Http {
        Http::connect(&self.host).await
    }

    /// Writes `NAME.yaml` while it runs.
    pub(crate) fn write_shard(&self, name: &str, text: &str) {
        write_shard(&self.dir, name, text);
    }

    /// Takes `NAME.yaml` away while it runs.
    pub(crate) fn remove_shard(&self, name: &str) {
        fs::remove_file(self.dir.path().join("shards.d").join(format!("{name}.yaml"))).unwrap();
    }

    /// One modern request.
    pub(crate) async fn modern(&self, method: &str, params: Value) -> Response {
        self.modern_with(method, params, json!({})).await
    }

    /// One modern request with more in its `_meta`.
    pub(crate) async fn modern_with(&self, method: &str, params: Value, meta: Value) -> Response {
        self.modern_at("/mcp", method, params, meta).await
    }

    /// The same at another path.
    pub(crate) async fn modern_at(&self, path: &str, method: &str, mut params: Value, meta: Value) -> Response {
        let named = ["name", "uri", "taskId"].into_iter().find_map(|key| params.get(key));
        let name = named.and_then(Value::as_str).unwrap_or_default().to_owned();
        params["_meta"] = modern_meta();
        for (key, value) in meta.as_object().unwrap() {
            params["_meta"][key] = value.clone();
        }
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let headers = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", method), ("mcp-name", &*name)];
        let headers = if name.is_empty() { &headers[..2] } else { &headers[..] };
        self.http().await.send("POST", path, headers, request.to_string()).await
    }

    /// The registry.
    pub(crate) async fn health(&self) -> Value {
        let response = self.http().await.send("GET", "/health", &[], "").await;
        assert_eq!(response.status, 200);
        serde_json::from_slice(&response.body).unwrap()
    }

    /// What the registry says of one shard.
    pub(crate) async fn shard(&self, name: &str) -> Value {
        let health = self.health().await;
        let shards = health["shards"].as_array().unwrap();
        shards.iter().find(|shard| shard["name"] == name).cloned().unwrap_or(Value::Null)
    }

    /// Waits until a shard is in `state` and gives its entry.
    pub(crate) async fn until(&self, name: &str, state: &str) -> Value {
        let what = format!("`{name}` is {state}; log:\n{}", self.log());
        eventually(&what, async || Some(self.shard(name).await).filter(|shard| shard["state"] == state)).await
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Kills it alone, and gives its folders.
    pub(crate) async fn kill(mut self) -> Arc<TempDir> {
        self.signal(Signal::KILL);
        self.child.wait().await.unwrap();
        self.dir
    }

    /// Waits until it ends of itself or by what it has been sent.
    pub(crate) async fn ended(mut self) -> ExitStatus {
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        status.unwrap_or_else(|_| panic!("it does not end; log:\n{}", self.log())).unwrap()
    }

    /// Its children and theirs.
    pub(crate) fn children(&self) -> std::collections::BTreeSet<Process> {
        descendants(self.child.id().expect("it runs"))
    }

    /// Sends a signal to the gateway alone.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id().expect("it runs")).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    /// Stops it with SIGTERM and checks that it ends well and that none of its processes is left.
    pub(crate) async fn stop(mut self) {
        let children = self.children();
        self.signal(Signal::TERM);
        let status = tokio::time::timeout(Duration::from_secs(20), self.child.wait()).await;
        let status = status.unwrap_or_else(|_| panic!("it does not stop; log:\n{}", self.log())).unwrap();
        assert!(status.success(), "{status}; log:\n{}", self.log());
        let left = surviving(&children);
        assert!(left.is_empty(), "left behind: {left:?}; log:\n{}", self.log());
    }
}
