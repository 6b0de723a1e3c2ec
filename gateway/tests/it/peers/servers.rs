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
/// How many tools the eight list to a client that can be asked everything, as the gateway says of itself: 21, 17, 1, 14,
/// 12, 9, 1 and 2.
const TOOLS: usize = 77;

/// A folder of this test's own that the servers work in, and a page on loopback for the one that fetches.
#[derive(Debug)]
pub(super) struct Servers {
    dir: Arc<TempDir>,
    page: String,
}

/// Which of the eight a client is shown, and how.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sight {
    /// All, at `/mcp`.
    All,
    /// Some, under the same names.
    Only(&'static [&'static str]),
    /// One, under its own names.
    Alone(&'static str),
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
        lay_out_scratch(dir.path());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let page = format!("http://{}/", listener.local_addr().unwrap());
        let router = Router::new().route("/", get(async || "The loopback says hello.\n"));
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { dir, page }
    }

    /// Lays out anew what the servers work in, as if none had worked there yet.
    pub(super) fn start_over(&self) {
        fs::remove_dir_all(self.dir.path().join("scratch")).unwrap();
        lay_out_scratch(self.dir.path());
    }

    /// How a client starts one of the servers itself: the command line, and the variables of its own.
    pub(super) fn direct(&self, name: &str) -> (Vec<String>, Vec<(String, String)>) {
        let text =
            self.fill_in(&read("claude_desktop_config.json")).replace("${PEERS}", &installed().display().to_string());
        let entry = &serde_json::from_str::<Value>(&text).unwrap()["mcpServers"][name];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let words = std::iter::once(&entry["command"]).chain(entry["args"].as_array().unwrap()).map(text);
        let variables = entry["env"].as_object().into_iter().flatten();
        (words.collect(), variables.map(|(name, value)| (name.clone(), text(value))).collect())
    }

    /// A file of calls beside the drivers, with the paths and the address of this test.
    pub(super) fn filled_in(&self, file: &str) -> Value {
        serde_json::from_str(&self.fill_in(&read(file))).unwrap()
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

    /// One with all eight, each of them ready.
    pub(super) async fn gateway_with_all(&self) -> Gateway {
        self.drop_in();
        let gateway = self.gateway().start().await;
        for name in names() {
            gateway.until(&name, "ready").await;
        }
        gateway
    }

    /// Drops the eight files into `shards.d`, as a person would.
    pub(super) fn drop_in(&self) {
        names().iter().for_each(|name| self.drop_in_one(name));
    }

    /// Drops one of them in.
    pub(super) fn drop_in_one(&self, name: &str) {
        let file = format!("{name}.yaml");
        fs::copy(source("shards").join(&file), self.dir.path().join("shards.d").join(&file)).unwrap();
    }

    /// Drops the eight in as the one file that Claude Desktop has, with the paths of this machine written out.
    pub(super) fn drop_in_as_one_file(&self) {
        let file = "claude_desktop_config.json";
        let text = self.fill_in(&read(file)).replace("${PEERS}", &installed().display().to_string());
        fs::write(self.dir.path().join("shards.d").join(file), text).unwrap();
    }

    /// The first `count` calls of `calls.json` that can be made there, for a driver.
    pub(super) fn first_calls(&self, sight: Sight, count: usize) -> PathBuf {
        let calls: Vec<Value> = serde_json::from_value(self.filled_in("calls.json")).unwrap();
        let calls: Vec<Value> = calls.into_iter().filter_map(|call| sight.call(call)).take(count).collect();
        assert!(!calls.is_empty(), "{sight:?} leaves nothing to call");
        let file = self.dir.path().join("calls.json");
        fs::write(&file, Value::from(calls).to_string()).unwrap();
        file
    }

    fn fill_in(&self, calls: &str) -> String {
        let scratch = self.dir.path().join("scratch").display().to_string();
        calls.replace("${SCRATCH}", &scratch).replace("${FETCH_URL}", &self.page)
    }
}

impl Sight {
    /// Where it is, after the gateway's own address.
    pub(super) fn path(self) -> String {
        match self {
            Self::All => "/mcp".to_owned(),
            Self::Only(shards) => format!("/mcp?shards={}", shards.join(",")),
            Self::Alone(shard) => format!("/mcp/{shard}"),
        }
    }

    /// What is listed there, sorted: names under the shard's name or alone, uris as they are.
    pub(super) fn listed(self, list: &str) -> Vec<String> {
        let named = ["tools", "prompts"].contains(&list) && !matches!(self, Self::Alone(_));
        let mut all = Vec::new();
        for (shard, lists) in lists().into_iter().filter(|(shard, _)| self.shows(shard)) {
            for own in lists[list].as_array().into_iter().flatten().map(|own| own.as_str().unwrap()) {
                all.push(if named { format!("{shard}__{own}") } else { own.to_owned() });
            }
        }
        all.sort_unstable();
        all
    }

    /// What the server that has most to say tells there of itself.
    pub(super) fn instructions(self) -> &'static str {
        if matches!(self, Self::Alone(_)) { "# Everything Server" } else { "# everything\n" }
    }

    fn shows(self, shard: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(shards) => shards.contains(&shard),
            Self::Alone(name) => name == shard,
        }
    }

    /// The call as it is made there; all uris of `calls.json` are those of `everything`.
    fn call(self, mut call: Value) -> Option<Value> {
        let name = call["name"].as_str().map(str::to_owned);
        let (shard, own) = name.as_deref().map_or(Some(("everything", "")), |name| name.split_once("__"))?;
        if matches!(self, Self::Alone(_)) && name.is_some() {
            call["name"] = own.into();
        }
        self.shows(shard).then_some(call)
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
    let all = Sight::All.listed(list);
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

fn lay_out_scratch(dir: &Path) {
    let script = Command::new("sh").arg(source("scratch.sh")).arg(dir.join("scratch")).output().unwrap();
    assert!(script.status.success(), "{script:?}");
}

fn lists() -> serde_json::Map<String, Value> {
    serde_json::from_str(&read("lists.json")).unwrap()
}

fn read(name: &str) -> String {
    fs::read_to_string(source(name)).unwrap()
}
