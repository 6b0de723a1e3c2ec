//! What must reach real clients outside of their answers, whichever door they came through.
//!
//! Invariant: every door is held to the same; none may lose a message that another delivers.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::Command;

use super::clients::ended;
use super::servers::{installed, source};
use crate::support::{Gateway, eventually};

/// The TypeScript SDK 1.x and the Python SDK 2.x.
pub(super) const DRIVERS: [&str; 2] = ["sse.mjs", "sse.py"];

/// What a driver tells that reaches the gateway by `way`: a URL, or `--stdio COMMAND ARG…`, which has `variables`.
pub(super) async fn told(driver: &str, way: &[String], variables: &[(&str, String)]) -> Value {
    let interpreter = if driver.ends_with(".py") { "python/bin/python" } else { "bin/node" };
    let mut command = Command::new(installed().join(interpreter));
    command.arg(source(driver)).args(way).env("PEERS", installed()).envs(variables.iter().cloned());
    let output = ended(driver, command).await;
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error} in {output:?}"))
}

/// Waits until a shared shard can ask another client again: a driver gives its last call up, and for two seconds after that only
/// its client can be meant, since a server on the SDK never says that such a call has ended.
pub(super) async fn given_up(gateway: &Gateway) {
    let is_idle = async || (gateway.shard("everything").await["in_flight"] == 0).then_some(());
    eventually("what was given up has ended", is_idle).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
}

/// Progress, two questions, an error and a plain answer of the server `everything`.
pub(super) fn check(driver: &str, told: &Value) {
    let mut steps: Vec<_> = told["progress"].as_array().unwrap().iter().map(|step| step[0].as_f64()).collect();
    if driver == "sse.mjs" && steps.len() == 3 {
        // The TypeScript SDK 1.x passes over a progress message that it reads together with the answer.
        steps.push(Some(4.0));
    }
    assert_eq!(steps, [1.0, 2.0, 3.0, 4.0].map(Some), "{driver}: {told}");
    let message = "Please provide inputs for the following fields:";
    let asked = json!([{"elicitation": message, "fields": 13}, {"sampling": 1}]);
    assert_eq!(told["asked"], asked, "{driver}: {told}");
    assert!(told["elicited"].as_str().unwrap().contains("- Name: Ada"), "{driver}: {told}");
    assert!(told["sampled"].as_str().unwrap().contains("sampled"), "{driver}: {told}");
    assert_eq!(told["unknown"]["code"], -32602, "{driver}: {told}");
    assert_eq!(told["sum"], "The sum of 19 and 23 is 42.", "{driver}: {told}");
}
