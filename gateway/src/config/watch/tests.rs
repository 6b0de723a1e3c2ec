//! Real folders and real events; each wait has a deadline.

use std::os::unix::fs::symlink;

use tokio::time::timeout;

use super::*;

/// Longer than a poll, a debounce and a slow machine.
const DEADLINE: Duration = Duration::from_secs(20);
/// Longer than a debounce.
const QUIET: Duration = Duration::from_millis(700);

#[track_caller]
fn watched(dir: &Path, mode: WatchMode) -> Watcher {
    watch(dir, mode).unwrap()
}

async fn expect_change(watcher: &mut Watcher, what: &str) {
    timeout(DEADLINE, watcher.changed()).await.unwrap_or_else(|_| panic!("missed: {what}"));
}

async fn settle(watcher: &mut Watcher) {
    while timeout(QUIET, watcher.changed()).await.is_ok() {}
}

async fn sees_files_come_change_and_go(mode: WatchMode) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.yaml");
    let mut watcher = watched(folder.path(), mode);
    for step in ["made", "written", "gone"] {
        match step {
            "gone" => fs::remove_file(&file).unwrap(),
            text => fs::write(&file, text).unwrap(),
        }
        expect_change(&mut watcher, step).await;
        settle(&mut watcher).await;
    }
}

#[tokio::test]
async fn kernel_watch_sees_files_come_change_and_go() {
    sees_files_come_change_and_go(WatchMode::Auto).await;
}

#[tokio::test]
async fn poll_watch_sees_files_come_change_and_go() {
    sees_files_come_change_and_go(WatchMode::Poll).await;
}

#[tokio::test]
async fn reading_files_is_no_change() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.yaml");
    fs::write(&file, "a").unwrap();
    let mut watcher = watched(folder.path(), WatchMode::Auto);
    fs::read(&file).unwrap();
    fs::read_dir(folder.path()).unwrap().for_each(drop);
    assert!(timeout(QUIET, watcher.changed()).await.is_err());
    // The silence was not deafness.
    fs::write(&file, "b").unwrap();
    expect_change(&mut watcher, "a write after the reads").await;
}

#[tokio::test]
async fn swapped_link_of_a_config_map_is_a_change() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for version in ["v1", "v2"] {
        fs::create_dir(path(version)).unwrap();
        fs::write(path(version).join("a.yaml"), version).unwrap();
    }
    symlink("v1", path("..data")).unwrap();
    symlink("..data/a.yaml", path("a.yaml")).unwrap();
    let mut watcher = watched(folder.path(), WatchMode::Auto);
    symlink("v2", path("..data_tmp")).unwrap();
    fs::rename(path("..data_tmp"), path("..data")).unwrap();
    expect_change(&mut watcher, "the swap").await;
    assert_eq!(fs::read_to_string(path("a.yaml")).unwrap(), "v2");
}

async fn follows_a_folder_that_is_made_and_replaced(mode: WatchMode) {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("shards.d");
    let mut watcher = watched(&dir, mode);
    fs::create_dir(&dir).unwrap();
    expect_change(&mut watcher, "a folder that is made later").await;
    fs::rename(&dir, parent.path().join("old")).unwrap();
    fs::create_dir(&dir).unwrap();
    expect_change(&mut watcher, "a folder that is replaced").await;
    settle(&mut watcher).await;
    fs::write(dir.join("a.yaml"), "a").unwrap();
    expect_change(&mut watcher, "a file in the new folder").await;
    settle(&mut watcher).await;
    fs::remove_dir_all(&dir).unwrap();
    fs::create_dir(&dir).unwrap();
    expect_change(&mut watcher, "a folder that is removed and made").await;
    settle(&mut watcher).await;
    fs::write(dir.join("a.yaml"), "a").unwrap();
    expect_change(&mut watcher, "a file in the third folder").await;
}

#[tokio::test]
async fn kernel_watch_follows_a_folder_that_is_made_and_replaced() {
    follows_a_folder_that_is_made_and_replaced(WatchMode::Auto).await;
}

#[tokio::test]
async fn poll_watch_follows_a_folder_that_is_made_and_replaced() {
    follows_a_folder_that_is_made_and_replaced(WatchMode::Poll).await;
}

#[tokio::test(start_paused = true)]
async fn no_watch_sees_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut watcher = watched(folder.path(), WatchMode::Off);
    fs::write(folder.path().join("a.yaml"), "a").unwrap();
    assert!(timeout(DEADLINE, watcher.changed()).await.is_err());
}
