//! The names that clients see, told from what a gateway has saved; and what is doubtful about them.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::commands::command;
use crate::support::{Gateway, Legacy, fake_shard};

/// Runs these shards once, so that their rosters are saved; gives the folders and the tools that clients saw.
async fn have_run(shards: &[(&str, String)]) -> (Arc<TempDir>, Vec<String>) {
    let builder = shards.iter().fold(Gateway::builder(), |builder, (name, text)| builder.shard(name, text.as_str()));
    let gateway = builder.start().await;
    for (name, _) in shards {
        gateway.until(name, "ready").await;
    }
    let mut tools = Legacy::open(&gateway, "2025-11-25").await.tools().await;
    tools.sort();
    let dir = Arc::clone(gateway.dir());
    gateway.stop().await;
    (dir, tools)
}

fn check(dir: &Path, flags: &[&str]) -> (i32, String) {
    let words = [&["check", "--shards", "shards.d", "--state-dir", "state"], flags].concat();
    let output = command(&words, dir).as_std_mut().output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

fn answer(dir: &Path) -> Value {
    serde_json::from_str(&check(dir, &["--json"]).1).unwrap()
}

/// Every file below the folder, with its time of change.
fn files(dir: &Path) -> Vec<(std::path::PathBuf, std::time::SystemTime)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        found.push((entry.path(), entry.metadata().unwrap().modified().unwrap()));
        if entry.path().is_dir() {
            found.extend(files(&entry.path()));
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn names_and_lengths_are_those_that_clients_saw_and_nothing_is_written() {
    let hidden = format!("{}tools: {{ deny: [\"echo\"], rename: {{ t0: first }} }}\n", fake_shard(&["--tools", "2"]));
    let (dir, saw) = have_run(&[("one", fake_shard(&[])), ("two", hidden)]).await;
    let before = files(dir.path());
    let answer = answer(dir.path());
    let tools = answer["shards"].as_array().unwrap().iter().flat_map(|shard| shard["tools"].as_array().unwrap());
    let mut names: Vec<&str> = tools.clone().map(|tool| tool["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, saw);
    assert!(names.contains(&"two__first") && !names.contains(&"two__echo"));
    for tool in tools {
        assert_eq!(tool["length"], json!(tool["name"].as_str().unwrap().len()), "{tool}");
    }
    let (code, text) = check(dir.path(), &[]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("\n  10  two__first\n"), "{text}");
    assert!(text.contains("a connection id of Open WebUI may have"), "{text}");
    assert_eq!(files(dir.path()), before, "a check has written");
}

#[tokio::test]
async fn names_that_two_shards_want_are_an_error_and_those_cut_short_a_warning() {
    let bare = |flags: &[&str]| format!("{}prefix: \"\"\n", fake_shard(flags));
    let long = format!("{}tools: {{ rename: {{ echo: {} }} }}\n", fake_shard(&["--name", "long"]), "e".repeat(70));
    let (dir, _) = have_run(&[("a", bare(&[])), ("b", bare(&["--name", "b"])), ("long", long)]).await;
    let (code, text) = check(dir.path(), &[]);
    assert_eq!(code, 1, "{text}");
    let held =
        "error: tool `echo` of shard `b` is left out: shard `a` has the name `echo`; give one of the two a prefix";
    assert!(text.contains(held), "{text}");
    assert!(text.contains("warning: tool `echo` is seen as `long__eee"), "{text}");

    fs::remove_file(dir.path().join("shards.d/b.yaml")).unwrap();
    assert_eq!(check(dir.path(), &[]).0, 0, "warnings alone are no error");
    assert_eq!(check(dir.path(), &["--strict"]).0, 1, "unless that is asked");
}

#[tokio::test]
async fn more_tools_than_a_chat_takes_are_a_warning() {
    let (dir, saw) = have_run(&[("many", fake_shard(&["--tools", "120"]))]).await;
    assert!(saw.len() > 100);
    let (code, text) = check(dir.path(), &[]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains(&format!("warning: {} tools, and ", saw.len())), "{text}");
    assert!(text.contains("/mcp/{shard}"), "{text}");
}

#[tokio::test]
async fn a_file_is_seen_among_the_others_of_its_folder() {
    let dir = TempDir::new().unwrap();
    let shards = dir.path().join("shards.d");
    fs::create_dir(&shards).unwrap();
    fs::write(shards.join("a.yaml"), "command: sh\n").unwrap();
    fs::write(shards.join("b.yaml"), "command: sh\nprefix: a\n").unwrap();
    fs::write(shards.join("c.yaml"), "comand: sh\n").unwrap();
    fs::write(dir.path().join("b.yaml"), "command: sh\nprefix: a\n").unwrap();
    let file = |path: &Path| check(dir.path(), &[path.to_str().unwrap()]);
    let (code, text) = file(&shards.join("b.yaml"));
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("the prefix `a` belongs to shard `a`") && !text.contains("comand"), "{text}");
    assert_eq!(file(&shards.join("a.yaml")).0, 0);
    assert_eq!(file(&dir.path().join("b.yaml")).0, 0, "elsewhere it has no neighbours");
    let (code, text) = file(&shards.join("none.yaml"));
    assert!(code == 1 && text.contains("it is not there"), "{text}");
    let (code, text) = file(&shards.join("notes.txt"));
    assert!(code == 1 && text.contains("neither `.yaml`"), "{text}");
}
