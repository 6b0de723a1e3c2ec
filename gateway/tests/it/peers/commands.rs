//! `list` and `call` with a real server: its progress, its images, its resources and its errors.

use super::servers::{Servers, exposed, names};
use crate::commands::{Said, command, ended};

async fn run(servers: &Servers, words: &[&str]) -> Said {
    let mut command = command(words, servers.dir().path());
    command.envs(servers.variables());
    ended(command.spawn().unwrap()).await
}

fn check_image(servers: &Servers, said: &Said, number: u32) {
    let name = format!("pictures/everything__get-tiny-image-{number}.png");
    assert!(said.good().contains(&format!("\n{name} (image/png, ")), "{said:?}");
    let bytes = std::fs::read(servers.dir().path().join(name)).unwrap();
    assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n") && bytes.ends_with(b"IEND\xaeB`\x82"));
}

#[tokio::test]
async fn one_shard_of_eight_is_started_for_a_call_of_its_tool_and_the_others_are_not() {
    let servers = Servers::lay_out().await;
    servers.drop_in();
    let said = run(&servers, &["call", "everything__get-sum", "a=1", "b=2.5", "--own"]).await;
    assert_eq!(said.good(), "The sum of 1 and 2.5 is 3.5.\n");
    let image = run(&servers, &["call", "everything__get-tiny-image", "--own", "--out", "pictures"]).await;
    check_image(&servers, &image, 1);
    // What a shard offers is remembered once it has run.
    let rosters = std::fs::read_dir(servers.dir().path().join(".local/state/mcp-gateway/rosters")).unwrap().count();
    assert_eq!(rosters, 1);
}

#[tokio::test]
async fn progress_images_structure_and_errors_of_a_real_server_come_through_a_running_gateway() {
    let servers = Servers::lay_out().await;
    servers.drop_in();
    let gateway = servers.gateway().start().await;
    for name in names() {
        gateway.until(&name, "ready").await;
    }
    let url = gateway.url();
    let ask = async |words: &[&str]| run(&servers, &[words, &["--url", &url]].concat()).await;

    let tools = ask(&["list", "--json"]).await.json();
    assert_eq!(tools.as_array().unwrap().len(), exposed("tools").len());
    let long = ["call", "everything__trigger-long-running-operation", "duration=1", "steps=4", "--progress", "lines"];
    let said = ask(&long).await;
    assert_eq!((said.code, &*said.err), (Some(0), "1/4\n2/4\n3/4\n4/4\n"), "{said:?}");
    let image = ask(&["call", "everything__get-tiny-image", "--out", "pictures"]).await;
    check_image(&servers, &image, 1);
    let structured = ask(&["call", "everything__get-structured-content", "location=Chicago"]).await;
    assert!(structured.good().contains(r#""temperature":36"#), "{structured:?}");
    let blob =
        ask(&["call", "everything__get-resource-reference", "resourceType=Blob", "resourceId=1", "--out", "files"]);
    assert!(blob.await.good().contains("files/everything__get-resource-reference-1."));
    let time = ask(&["call", "time__get_current_time", "timezone=Mars/Olympus"]).await;
    assert!(time.bad(1).contains("Mars/Olympus"), "{time:?}");
    let refused = ask(&["call", "everything__get-sum", "a=1"]).await;
    assert!(refused.bad(1).contains("\"b\" is a required property"), "{refused:?}");
    let status = ask(&["status"]).await;
    assert_eq!(status.good().lines().count(), 3 + names().len(), "{status:?}");
    gateway.stop().await;
}

/// Runs the command on a terminal of its own and gives what it draws there.
async fn on_a_terminal(servers: &Servers, words: &str) -> String {
    let line = format!("{} {words}", env!("CARGO_BIN_EXE_mcp-gateway"));
    let mut script = tokio::process::Command::new("script");
    script.args(["-q", "-e", "-c", &line, "/dev/null"]).current_dir(servers.dir().path());
    script.env("HOME", servers.dir().path()).env("TERM", "xterm").envs(servers.variables());
    for name in ["MCP_GATEWAY_URL", "MCP_GATEWAY_STATE_DIR", "MCP_GATEWAY_SHARDS", "NO_COLOR"] {
        script.env_remove(name);
    }
    let output = script.kill_on_drop(true).output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn on_a_terminal_progress_is_a_bar_that_is_gone_in_the_end() {
    let servers = Servers::lay_out().await;
    servers.drop_in();
    let call = "call everything__trigger-long-running-operation duration=2 steps=4 --own";
    let drawn = on_a_terminal(&servers, call).await;
    let bar = drawn.find("[===").unwrap_or_else(|| panic!("no bar in {drawn:?}"));
    let told = drawn.find("Long running operation completed").unwrap_or_else(|| panic!("no answer in {drawn:?}"));
    assert!(bar < told && drawn.contains("2/4"), "{drawn:?}");
    assert!(!drawn[told..].contains("[="), "{drawn:?}");
}
