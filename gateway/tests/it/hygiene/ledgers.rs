//! Ledgers that are not what this gateway would have written.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Brood, ready, stat};
use crate::support::{Gateway, eventually};

fn ledgers(dir: &TempDir) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir.path().join("state/ledgers")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut content = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    change(&mut content);
    fs::write(path, content.to_string()).unwrap();
}

/// Somebody else's process, which leads a group of its own as a shard does.
struct Bystander(Child);

impl Bystander {
    fn new() -> Self {
        Self(Command::new("sleep").arg("1000").process_group(0).stdin(Stdio::null()).spawn().unwrap())
    }

    fn entry(&self, marker: &Value) -> Value {
        let started = stat(self.0.id()).unwrap().started;
        json!({"shard": "wild", "id": {"pid": self.0.id(), "started": started}, "marker": marker, "at": 1})
    }

    fn is_alive(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A killed gateway's folders, with its ledger changed, after the next gateway has started.
async fn swept(brood: &Brood, change: impl FnOnce(&Path)) -> (Arc<TempDir>, Vec<u32>, Gateway) {
    let gateway = Gateway::builder().shard("wild", brood.shard("")).start().await;
    let old = ready(&gateway, "wild", brood).await;
    let dir = gateway.kill().await;
    let [ledger] = &ledgers(&dir)[..] else { panic!("{:?}", ledgers(&dir)) };
    change(ledger);
    let gateway = Gateway::builder().in_dir(&dir).start().await;
    gateway.until("wild", "ready").await;
    let ledger = ledger.clone();
    eventually("the old ledger is gone", async || (!ledger.exists()).then_some(())).await;
    (dir, old, gateway)
}

#[tokio::test]
async fn a_corrupt_ledger_is_swept_by_the_marker_and_removed() {
    let brood = Brood::new();
    let (dir, old, gateway) = swept(&brood, |ledger| fs::write(ledger, "{\"gateway\":{\"id\"").unwrap()).await;
    let new = brood.complete().await;
    assert!(new.iter().all(|pid| !old.contains(pid)));
    assert!(gateway.log().contains("a ledger cannot be read"), "{}", gateway.log());
    assert_eq!(ledgers(&dir).len(), 1, "its own");
    gateway.stop().await;
    assert_eq!(ledgers(&dir), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn numbers_prove_nothing_without_the_right_start_and_the_right_boot() {
    for (key, value) in [("place", json!("another boot")), ("started", json!(1)), ("nothing", json!(0))] {
        let (brood, mut bystander) = (Brood::new(), Bystander::new());
        let (_, old, gateway) = swept(&brood, |ledger| {
            edit(ledger, |content| {
                let child = bystander.entry(&content["children"][0]["marker"]);
                content["children"].as_array_mut().unwrap().push(child);
                match key {
                    "place" => content["gateway"]["place"] = value,
                    "started" => content["children"][1]["id"]["started"] = value,
                    _ => {}
                }
            });
        })
        .await;
        assert!(brood.complete().await.iter().all(|pid| !old.contains(pid)), "the marker is proof in any case");
        // Where nothing is wrong the numbers are believed, so the two others are not spared for want of looking.
        assert_eq!(bystander.is_alive(), key != "nothing", "{key}");
        gateway.stop().await;
    }
}

#[tokio::test]
async fn files_that_are_no_ledgers_stay_where_they_are() {
    let dir = Arc::new(TempDir::new().unwrap());
    let folder = dir.path().join("state/ledgers");
    fs::create_dir_all(&folder).unwrap();
    let notes = ["notes.json", "1-x.json", "README"].map(|name| folder.join(name));
    notes.iter().for_each(|path| fs::write(path, "{}").unwrap());
    let brood = Brood::new();
    let gateway = Gateway::builder().in_dir(&dir).shard("wild", brood.shard("")).start().await;
    ready(&gateway, "wild", &brood).await;
    gateway.stop().await;
    assert!(notes.iter().all(|path| path.exists()));
    assert_eq!(ledgers(&dir).len(), notes.len());
}
