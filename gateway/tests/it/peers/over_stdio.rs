//! Third-party clients that start the gateway as their own child, with third-party servers behind it.

use serde_json::json;

use super::clients::{Client, PYTHON, STARTING_INSPECTOR, TYPESCRIPT};
use super::questions;
use super::servers::{Servers, exposed};
use crate::support::{Stdio, eventually};

/// The servers appear at a gateway that runs, and a client that starts the next one on the same folders sees and calls
/// everything at once.
async fn all_see_and_call_everything(clients: &[Client]) {
    let servers = Servers::lay_out().await;
    drop_in_while_it_runs(&servers).await;
    let door = door(&servers);
    let mut complaints = Vec::new();
    for client in clients {
        complaints.extend(client.complaints(&servers, &door).await);
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

async fn drop_in_while_it_runs(servers: &Servers) {
    let mut stdio = servers.gateway().stdio();
    stdio.initialize("2025-11-25").await;
    assert!(tools(&mut stdio).await.is_empty(), "nothing is there yet");
    servers.drop_in();
    eventually("all tools are listed", async || (tools(&mut stdio).await == exposed("tools")).then_some(())).await;
    let sum = stdio.call("sum", "everything__get-sum", json!({"a": 19, "b": 23})).await;
    assert_eq!(sum["content"][0]["text"], "The sum of 19 and 23 is 42.");
    stdio.finish().await;
}

/// The names that are listed now, sorted.
async fn tools(stdio: &mut Stdio) -> Vec<String> {
    stdio.request("tools", "tools/list", json!({})).await;
    let answer = stdio.answer("tools").await;
    let tools = answer["result"]["tools"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let mut names: Vec<String> = tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect();
    names.sort_unstable();
    names
}

/// What a client is told to start.
fn door(servers: &Servers) -> Vec<String> {
    let folder = |name: &str| servers.dir().path().join(name).display().to_string();
    let program = env!("CARGO_BIN_EXE_mcp-gateway").to_owned();
    vec![
        "--stdio".into(),
        program,
        "stdio".into(),
        "--shards".into(),
        folder("shards.d"),
        "--state-dir".into(),
        folder("state"),
    ]
}

#[tokio::test]
async fn both_typescript_sdks_see_and_call_servers_that_were_dropped_in() {
    all_see_and_call_everything(&TYPESCRIPT).await;
}

#[tokio::test]
async fn the_python_sdk_sees_and_calls_servers_that_were_dropped_in() {
    all_see_and_call_everything(&PYTHON).await;
}

#[tokio::test]
async fn the_inspector_sees_and_calls_servers_that_were_dropped_in() {
    all_see_and_call_everything(&STARTING_INSPECTOR).await;
}

#[tokio::test]
async fn progress_questions_and_errors_of_a_real_server_reach_both_sdks() {
    let servers = Servers::lay_out().await;
    servers.gateway_with_all().await.stop().await;
    for driver in questions::DRIVERS {
        questions::check(driver, &questions::told(driver, &door(&servers), &servers.variables()).await);
    }
}
