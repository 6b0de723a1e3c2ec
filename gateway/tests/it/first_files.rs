//! `add` and `import`: shard files that a command writes, and a running gateway that takes them.
//!
//! Invariant: a file that is there is never changed, and no secret is printed.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::json;
use tempfile::TempDir;

use crate::commands::command;
use crate::support::{Gateway, Legacy, built, fake_shard};

async fn gateway(shards: &Path, words: &[&str]) -> Output {
    let folder = shards.parent().expect("it lies in a folder of the test");
    let mut command = command(words, folder);
    command.env("MCP_GATEWAY_SHARDS", shards).env("MCP_GATEWAY_STATE_DIR", folder.join("state"));
    command.output().await.unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn folder() -> (TempDir, PathBuf) {
    let dir = TempDir::new().unwrap();
    let shards = dir.path().join("shards.d");
    (dir, shards)
}

#[tokio::test]
async fn a_shard_that_is_added_answers_in_the_gateway_that_runs() {
    let running = Gateway::builder().start().await;
    let shards = running.dir().path().join("shards.d");
    let fake = built("examples/fake_shard").display().to_string();
    let output = gateway(&shards, &["add", "fake", "--", &fake, "--era", "legacy"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let taken =
        format!("The gateway at {} has taken it: `fake` is ready, tools: ", running.url().trim_end_matches("/mcp"));
    assert!(said(&output).contains(&taken), "{}", said(&output));
    assert_eq!(running.shard("fake").await["state"], "ready", "what was told is so already");
    let mut client = Legacy::open(&running, "2025-11-25").await;
    let answered = client.call("fake__echo", json!({"a": 1})).await;
    assert_eq!(answered["structuredContent"], json!({"a": 1}));

    let before = fs::read(shards.join("fake.yaml")).unwrap();
    let again = gateway(&shards, &["add", "fake", "--", &fake]).await;
    assert_eq!(again.status.code(), Some(1));
    assert!(said(&again).contains("`fake` is taken by"), "{}", said(&again));
    assert_eq!(fs::read(shards.join("fake.yaml")).unwrap(), before);

    let output = gateway(&shards, &["add", "down", "--", "sh", "-c", "exit 3"]).await;
    assert_eq!(output.status.code(), Some(0), "it is written");
    assert!(said(&output).contains("`down` does not run, it ended with exit status: 3"), "{}", said(&output));
    running.stop().await;
}

#[tokio::test]
async fn a_gateway_of_another_folder_is_not_said_to_have_taken_a_file() {
    let running = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    running.until("fake", "ready").await;
    // Its folder outlives it.
    let dir = std::sync::Arc::clone(running.dir());
    let elsewhere = dir.path().join("elsewhere.d");
    let output = gateway(&elsewhere, &["add", "fake", "--", "sh"]).await;
    assert!(said(&output).contains("has not taken `fake`; it follows another folder"), "{}", said(&output));
    running.stop().await;
    let output = gateway(&elsewhere, &["add", "other", "--url", "http://127.0.0.1:9", "--", "sh"]).await;
    assert_eq!(output.status.code(), Some(0));
    assert!(said(&output).contains("other.yaml: written.\nNo gateway answers here"), "{}", said(&output));
}

#[tokio::test]
async fn what_the_gateway_would_refuse_is_not_written() {
    let (_dir, shards) = folder();
    for (words, expected) in [
        (&["add", "a", "--", "no-such-program"][..], "`no-such-program` is neither"),
        (&["add", "a", "--", "sh", "${NOT_SET_ANYWHERE}"], "NOT_SET_ANYWHERE"),
        (&["add", "a__b", "--", "sh"], "`__`"),
    ] {
        let output = gateway(&shards, words).await;
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        assert!(said(&output).contains(expected), "{}", said(&output));
        assert!(!shards.exists(), "{words:?}");
    }
}

const CONFIG: &str = r#"// As VS Code has it.
{"mcpServers": {
    "plain": {"command": "sh", "args": ["-c", "cat $0", "${HOME}",]}, /* with a comma */
    "with secret": {"command": "sh", "env": {"API_TOKEN": "hush-hush", "HOST": "nas"}},
    "remote": {"url": "https://mcp.example.org/?key=hush-hush"},
    "gone": {"command": "no-such-program"},
    "there": {"command": "sh"}
}}"#;

#[tokio::test]
async fn import_writes_a_file_for_each_server_and_touches_none_that_is_there() {
    let (dir, shards) = folder();
    fs::create_dir(&shards).unwrap();
    fs::write(shards.join("there.yml"), "command: cat\n").unwrap();
    let file = dir.path().join("claude_desktop_config.json");
    fs::write(&file, CONFIG).unwrap();
    let words = ["import", file.to_str().unwrap()];

    let dry = gateway(&shards, &[&words[..], &["--dry-run"]].concat()).await;
    assert!(!said(&dry).contains("hush-hush") && said(&dry).contains("API_TOKEN: \"***\""), "{}", said(&dry));
    assert_eq!(fs::read_dir(&shards).unwrap().count(), 1, "a dry run writes nothing");

    let output = gateway(&shards, &words).await;
    assert_eq!(output.status.code(), Some(1), "some are left out");
    let told = said(&output);
    for part in [
        "plain.yaml: written\n",
        "with-secret.yaml: written; it holds `API_TOKEN`, so only you can read it",
        "`remote`: left out: it is reached by URL",
        "`no-such-program` is neither",
        "there.yml` is there already",
    ] {
        assert!(told.contains(part), "{part:?} is not in:\n{told}");
    }
    assert!(!told.contains("hush-hush"), "{told}");
    let secret = shards.join("with-secret.yaml");
    assert_eq!(fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(fs::read_to_string(&secret).unwrap().contains("API_TOKEN: \"hush-hush\""));
    assert!(fs::read_to_string(shards.join("plain.yaml")).unwrap().contains(r#"args: ["-c", "cat $$0", "${HOME}"]"#));
    assert_eq!(fs::read_to_string(shards.join("there.yml")).unwrap(), "command: cat\n");

    let again = gateway(&shards, &words).await;
    assert!(!said(&again).contains(": written"), "{}", said(&again));
}

#[tokio::test]
async fn a_file_that_is_no_clients_is_told_so() {
    let (dir, shards) = folder();
    let file = dir.path().join("x.json");
    for (text, expected) in [
        ("{\"a\": 1}", "neither `mcpServers`"),
        ("// a comment\n{\"a\": hush}", "x.json:2:7: it is no JSON: unexpected token"),
        ("{\"servers\": []}", "`servers` is not an object"),
    ] {
        fs::write(&file, text).unwrap();
        let output = gateway(&shards, &["import", file.to_str().unwrap()]).await;
        assert_eq!(output.status.code(), Some(1));
        assert!(said(&output).contains(expected), "{}", said(&output));
    }
    let missing = gateway(&shards, &["import", "no-such-file"]).await;
    assert!(said(&missing).contains("cannot read `no-such-file`"), "{}", said(&missing));
}

#[tokio::test]
async fn a_snippet_names_the_gateway_that_runs() {
    let running = Gateway::builder().start().await;
    let state = running.dir().path().join("state").display().to_string();
    let shards = running.dir().path().join("shards.d");
    let output = gateway(&shards, &["client", "cursor", "--json", "--state-dir", &state]).await;
    let printed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed["mcpServers"]["gateway"]["url"], running.url());
    let told = said(&gateway(&shards, &["client", "open-webui", "--via", "stdio"]).await);
    assert!(told.contains("Open WebUI cannot be connected by `--via stdio`; use `--via http`"), "{told}");
    running.stop().await;
}
