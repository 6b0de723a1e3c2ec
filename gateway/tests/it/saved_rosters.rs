//! What is kept on disk over a restart, and what a disk that refuses costs: nothing but that.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use serde_json::json;

use crate::support::{Builder, Gateway, Legacy, eventually, fake_shard};

/// Every write to a file fails, as on a full disk; files themselves can be made.
const FULL: [&str; 4] = ["sh", "-c", r#"trap '' XFSZ; ulimit -f 0; exec "$0" "$@""#, "env"];

/// A gateway that cannot write where permissions say so, even if it runs as root.
const WITHOUT_POWERS: [&str; 2] = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"];

const REFUSED: &str = "cannot remember what shards offer, serving on";

fn three_shards() -> Builder {
    ["a", "b", "c"].into_iter().fold(Gateway::builder(), |builder, name| builder.shard(name, fake_shard(&[])))
}

/// Checks that every shard is served although nothing can be saved, and gives the log.
async fn is_served(gateway: Gateway) -> String {
    for name in ["a", "b", "c"] {
        gateway.until(name, "ready").await;
    }
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    for name in ["a", "b", "c"] {
        let answer = client.call(&format!("{name}__echo"), json!({"n": 1})).await;
        assert_eq!(answer["structuredContent"], json!({"n": 1}));
        let changed = client.call(&format!("{name}__list_changed"), json!({"kind": "tools"})).await;
        let added = format!("{name}__{}", changed["content"][0]["text"].as_str().unwrap());
        eventually("the new list", async || client.tools().await.contains(&added).then_some(())).await;
    }
    let log = gateway.log();
    gateway.stop().await;
    log
}

#[tokio::test]
async fn a_full_disk_is_told_once_and_costs_no_call() {
    let gateway = three_shards().under(&FULL).start().await;
    let rosters = gateway.dir().path().join("state/rosters");
    let dir = Arc::clone(gateway.dir());
    let log = is_served(gateway).await;
    assert_eq!(log.matches(REFUSED).count(), 1, "{log}");
    assert!(log.contains("no session key on disk, sessions will end with this process"), "{log}");
    let left: Vec<_> = fs::read_dir(&rosters).unwrap().collect();
    assert!(left.is_empty(), "half a file is no file: {left:?}");
    drop(dir);
}

#[tokio::test]
async fn a_folder_that_is_read_only_is_told_once_and_costs_no_call() {
    let gateway = three_shards().start().await;
    for name in ["a", "b", "c"] {
        gateway.until(name, "ready").await;
    }
    let dir = Arc::clone(gateway.dir());
    let rosters = dir.path().join("state/rosters");
    eventually("all are saved", async || (fs::read_dir(&rosters).unwrap().count() == 3).then_some(())).await;
    gateway.stop().await;

    fs::set_permissions(&rosters, PermissionsExt::from_mode(0o500)).unwrap();
    let gateway = Gateway::builder().in_dir(&dir).under(&WITHOUT_POWERS).start().await;
    let log = is_served(gateway).await;
    assert_eq!(log.matches(REFUSED).count(), 1, "{log}");
    assert!(log.contains("Permission denied"), "{log}");
    fs::set_permissions(&rosters, PermissionsExt::from_mode(0o700)).unwrap();
}

#[tokio::test]
async fn a_state_folder_that_cannot_be_made_costs_only_the_memory() {
    let dir = Arc::new(tempfile::tempdir().unwrap());
    fs::write(dir.path().join("state"), "a file is in the way").unwrap();
    let log = is_served(three_shards().in_dir(&dir).start().await).await;
    assert_eq!(log.matches("serving on without a memory").count(), 1, "{log}");
    assert_eq!(log.matches(REFUSED).count(), 0, "{log}");
}

#[tokio::test]
async fn a_file_that_was_cut_short_or_is_of_another_version_is_set_aside_and_costs_no_call() {
    let gateway = three_shards().start().await;
    for name in ["a", "b", "c"] {
        gateway.until(name, "ready").await;
    }
    let dir = Arc::clone(gateway.dir());
    let rosters = dir.path().join("state/rosters");
    let files = || {
        let entries = fs::read_dir(&rosters).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = entries.collect();
        files.sort();
        files
    };
    eventually("all are saved", async || (files().len() == 3).then_some(())).await;
    gateway.stop().await;

    let [cut, older, _] = &files()[..] else { panic!("{:?}", files()) };
    fs::write(cut, &fs::read(cut).unwrap()[..100]).unwrap();
    fs::write(older, r#"{"version":0}"#).unwrap();
    let gateway = Gateway::builder().in_dir(&dir).start().await;
    // It listens before it has read anything.
    eventually("both are set aside", async || {
        let endings: Vec<_> = files().into_iter().filter_map(|path| Some(path.extension()?.to_owned())).collect();
        ["bad", "old"].iter().all(|aside| endings.iter().any(|ending| ending == aside)).then_some(())
    })
    .await;
    let log = is_served(gateway).await;
    assert_eq!(log.matches("a saved roster cannot be used").count(), 2, "{log}");
    assert_eq!(files().iter().filter(|path| path.extension().is_some_and(|ending| ending == "json")).count(), 3);
}
