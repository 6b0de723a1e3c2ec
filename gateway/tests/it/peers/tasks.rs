//! Tasks of a server and of clients that others wrote, on one shared child.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::process::Command;

use super::servers::{installed, source};
use crate::support::Gateway;

#[tokio::test]
async fn clients_that_run_tasks_at_the_same_time_are_each_asked_for_their_own() {
    const CLIENTS: usize = 3;
    let file = std::fs::read_to_string(source("shards/everything.yaml")).unwrap();
    let builder = Gateway::builder().variable("PEERS", installed().display().to_string());
    let gateway = builder.shard("everything", file).start().await;
    gateway.until("everything", "ready").await;
    let mut driver = Command::new(installed().join("bin/node"));
    let url = format!("http://{}/mcp", gateway.host());
    driver.arg(source("tasks.mjs")).args([&url, "everything__simulate-research-query", &CLIENTS.to_string()]);
    driver.env("PEERS", installed()).stdin(Stdio::null()).kill_on_drop(true);
    let output = driver.output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
    let one = json!({
        "support": "required",
        "steps": ["taskCreated", "taskStatus", "result"],
        "status": "completed",
        "asked": 1,
        "asksForIt": true,
        "answered": true,
    });
    assert_eq!(seen, Value::from(vec![one; CLIENTS]));
    let shard = gateway.shard("everything").await;
    assert_eq!(
        (&shard["asked"], &shard["declined"]),
        (&json!(CLIENTS), &json!(0)),
        "though all of them could be asked"
    );
    gateway.stop().await;
}
