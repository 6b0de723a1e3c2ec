//! The eight third-party servers: their shard files, what they list, and calls with known answers.
//!
//! Invariant: what is expected was measured on the servers themselves, without a gateway between.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::support::{Builder, Gateway};

/// The four lists, as the drivers name them.
pub(super) const LISTS: [&str; 4] = ["tools", "prompts", "resources", "templates"];
/// How many tools the eight list to a client without capabilities: 21, 13, 1, 14, 12, 9, 1 and 2.
const TOOLS: usize = 73;

/// A folder of this test's own that the servers work in, and a page on loopback for the one that fetches.
#[derive(Debug)]
pub(super) struct Servers {
    dir: Arc<TempDir>,
    page: String,
}

/// One call of `calls.json`.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) name: String,
    /// A part of the text that must come back.
    pub(super) expect: String,
}

impl Servers {
    /// Lays everything out. The page is served for as long as the test runs.
    pub(super) async fn lay_out() -> Self {
        let dir = Arc::new(TempDir::new().unwrap());
        fs::create_dir(dir.path().join("shards.d")).unwrap();
        let script = Command::new("sh").arg(source("scratch.sh")).arg(dir.path().join("scratch")).output().unwrap();
        assert!(script.status.success(), "{script:?}");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let page = format!("http://{}/", listener.local_addr().unwrap());
        let router = Router::new().route("/", get(async || "The loopback says hello.\n"));
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { dir, page }
    }

    /// The folder for the gateway's `shards.d` and `state`.
    pub(super) fn dir(&self) -> &Arc<TempDir> {
        &self.dir
    }

    /// The variables that the shard files name.
    pub(super) fn variables(&self) -> [(&'static str, String); 4] {
        let scratch = self.dir.path().join("scratch").display().to_string();
        let installed = installed().display().to_string();
        // A proxy of the person who runs the tests knows nothing of their loopback.
        let direct = "127.0.0.1".to_owned();
        [("PEERS", installed), ("SCRATCH", scratch), ("NO_PROXY", direct.clone()), ("no_proxy", direct)]
    }

    /// A gateway on this folder.
    pub(super) fn gateway(&self) -> Builder {
        let builder = Gateway::builder().in_dir(&self.dir);
        self.variables().into_iter().fold(builder, |builder, (name, value)| builder.variable(name, value))
    }

    /// Drops the eight files into `shards.d`, as a person would.
    pub(super) fn drop_in(&self) {
        for name in names() {
            let file = format!("{name}.yaml");
            fs::copy(source("shards").join(&file), self.dir.path().join("shards.d").join(&file)).unwrap();
        }
    }

    /// Drops the eight in as the one file that Claude Desktop has, with the paths of this machine written out.
    pub(super) fn drop_in_as_one_file(&self) {
        let file = "claude_desktop_config.json";
        let text = self.fill_in(&read(file)).replace("${PEERS}", &installed().display().to_string());
        fs::write(self.dir.path().join("shards.d").join(file), text).unwrap();
    }

    /// The first `count` calls of `calls.json`, for a driver.
    pub(super) fn first_calls(&self, count: usize) -> PathBuf {
        let calls: Vec<Value> = serde_json::from_str(&self.fill_in(&read("calls.json"))).unwrap();
        let file = self.dir.path().join("calls.json");
        fs::write(&file, Value::from(&calls[..count.min(calls.len())]).to_string()).unwrap();
        file
    }

    fn fill_in(&self, calls: &str) -> String {
        let scratch = self.dir.path().join("scratch").display().to_string();
        calls.replace("${SCRATCH}", &scratch).replace("${FETCH_URL}", &self.page)
    }
}

/// The calls that a driver was given.
pub(super) fn calls(file: &Path) -> Vec<Call> {
    let calls: Vec<Value> = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let text = |call: &Value, key: &str| call[key].as_str().map(str::to_owned);
    let read = |call: &Value| Call {
        name: text(call, "name").or_else(|| text(call, "uri")).unwrap(),
        expect: text(call, "expect").unwrap(),
    };
    calls.iter().map(read).collect()
}

/// What the gateway lists when all eight are there, sorted: names under the shard's name, uris as they are.
pub(super) fn exposed(list: &str) -> Vec<String> {
    let mut all = Vec::new();
    for (shard, lists) in lists() {
        for own in lists[list].as_array().into_iter().flatten().map(|own| own.as_str().unwrap()) {
            all.push(if ["tools", "prompts"].contains(&list) { format!("{shard}__{own}") } else { own.to_owned() });
        }
    }
    all.sort_unstable();
    assert!(list != "tools" || all.len() == TOOLS, "{}", all.len());
    all
}

/// The names of the eight.
pub(super) fn names() -> Vec<String> {
    lists().into_iter().map(|(shard, _)| shard).collect()
}

/// A file beside the drivers.
pub(super) fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(name)
}

/// The folder that `install.sh` filled.
pub(super) fn installed() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let peers = std::env::var_os("PEERS").map_or_else(|| root.join(".peers"), PathBuf::from);
    assert!(peers.join("stamp").is_file(), "{} lacks the test peers: run `make test`", peers.display());
    peers
}

fn lists() -> serde_json::Map<String, Value> {
    serde_json::from_str(&read("lists.json")).unwrap()
}

fn read(name: &str) -> String {
    fs::read_to_string(source(name)).unwrap()
}
