//! The disk against real faults: other users, full and read-only file systems, links, killed processes.
//!
//! A test that needs mounts or fewer rights runs itself once more in a child that has them.

mod faults;
mod killed;
mod links;
mod locks;
mod operations;
mod outside;
mod texts;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use clap::Parser;
use tempfile::TempDir;

use crate::disk::{Applied, Draft, Locked, Name, Operation, Store};
use crate::failure::{Code, Failure};
use crate::settings::Settings;

const BODY: &str = "http:\n  routers: {mcp-app: {rule: 'Host(`a.test`)', service: api@internal}}\n";
const OTHER: &str = "http:\n  routers: {mcp-app: {rule: 'Host(`b.test`)', service: api@internal}}\n";
/// Set in the child of [`inside`]: the folder that both share.
const SHARED: &str = "DISK_TEST_FOLDER";

/// A watched directory with a human's file in it, and a state directory beside it.
struct Ground {
    folder: PathBuf,
    _temporary: Option<TempDir>,
}

impl Ground {
    fn new() -> Self {
        let temporary = TempDir::new().unwrap();
        let ground = Self { folder: temporary.path().to_owned(), _temporary: Some(temporary) };
        std::fs::create_dir(ground.root()).unwrap();
        std::fs::write(ground.root().join("static.yml"), "http: {}\n").unwrap();
        ground
    }

    /// The one of the parent process.
    fn at(folder: PathBuf) -> Self {
        Self { folder, _temporary: None }
    }

    fn root(&self) -> PathBuf {
        self.folder.join("dynamic")
    }

    fn managed(&self) -> PathBuf {
        self.root().join("mcp-managed")
    }

    fn settings(&self, layout: &str) -> Settings {
        let root = self.root();
        let state = self.folder.join("state");
        let flags = ["--dynamic-dir", root.to_str().unwrap(), "--state-dir", state.to_str().unwrap()];
        Settings::try_parse_from(["traefik-shard", "--layout", layout].iter().chain(&flags)).unwrap()
    }

    fn store(&self) -> Store {
        Store::open(&self.settings("folder")).unwrap()
    }

    /// Every file below the watched directory that Traefik would load.
    fn configuration(&self) -> BTreeMap<String, Vec<u8>> {
        let loads = |name: &str| [".yml", ".yaml", ".toml"].iter().any(|end| name.ends_with(end));
        self.files().into_iter().filter(|(name, _)| loads(name)).collect()
    }

    /// What is left besides configuration and lock: there should be nothing.
    fn litter(&self) -> Vec<String> {
        let known = |name: &String| name.ends_with(".yml") || name.ends_with(".lock") || name.ends_with(".mcp-lock");
        self.files().into_keys().filter(|name| !known(name) && !name.ends_with("filling")).collect()
    }

    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        gather(&self.root(), "", &mut files);
        files
    }
}

fn gather(dir: &Path, below: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{below}{}", entry.file_name().to_str().unwrap());
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            gather(&entry.path(), &format!("{name}/"), files);
        } else if kind.is_file() {
            files.insert(name, std::fs::read(entry.path()).unwrap());
        }
    }
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn draft(text: &str, body: &str) -> Draft {
    Draft::new(&name(text), body)
}

/// The lock, or the reason why it cannot be had within this time.
fn try_lock(store: &Store, patience: Duration) -> Result<Locked, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(store.lock(patience))
}

fn lock(store: &Store) -> Locked {
    try_lock(store, Duration::from_secs(20)).unwrap()
}

fn apply(locked: &Locked, operation: Operation) -> Applied {
    locked.begin(operation).unwrap().apply().unwrap()
}

/// Creates a managed file and returns its digest.
fn create(store: &Store, text: &str, body: &str) -> String {
    let draft = draft(text, body);
    let digest = draft.sha256.clone();
    apply(&lock(store), Operation::Create(draft)).close().unwrap();
    digest
}

fn update(body: &str, was: &str) -> Operation {
    Operation::Update { draft: draft("app", body), was: was.to_owned() }
}

fn delete(was: &str) -> Operation {
    Operation::Delete { name: name("app"), was: was.to_owned() }
}

/// The kind of an `io_error`.
fn kind_of(failure: &Failure) -> String {
    assert_eq!(failure.code(), Code::IoError, "{failure}");
    serde_json::json!(failure)["details"]["kind"].as_str().unwrap().to_owned()
}

/// Runs this test again under other conditions, made by `words`, and returns the shared ground in that child.
/// `None`: this is the parent, and the child has passed.
fn inside(module: &str, test: &str, words: &[&str]) -> Option<Ground> {
    if let Some(folder) = std::env::var_os(SHARED) {
        return Some(Ground::at(folder.into()));
    }
    let ground = Ground::new();
    let path = format!("{}::{test}", module.split_once("::").unwrap().1);
    let child = Command::new(words[0])
        .args(&words[1..])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &path, "--nocapture"])
        .env(SHARED, &ground.folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout) + String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
    None
}
