//! The official conformance suites against a shard of our own: once as its SDK serves it, once through the gateway, where
//! it is mounted without a prefix beside two shards with one.
//!
//! Invariant: a scenario passes if no check of it fails and every check that succeeds directly succeeds through the
//! gateway too. Scenarios can pass with nothing checked, so it is the successful checks that are counted.

mod suite;

use std::fs;
use std::process::Stdio;

use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::servers::{Servers, installed, source};
use crate::support::{Gateway, PATIENCE};
use suite::{NEXT, RELEASED, Suite};

/// The shards that are mounted beside it, each with its prefix.
const BESIDE: [&str; 2] = ["everything", "memory"];

/// The shard's file, for one of the ways in which a shard serves several clients.
fn mounted(instances: &str) -> String {
    let script = source("conformance/legacy.mjs").display().to_string();
    format!("command: ${{PEERS}}/bin/node\nargs: [{}]\nprefix: \"\"\ninstances: {instances}\n", json!(script))
}

async fn gateway(servers: &Servers, instances: &str) -> Gateway {
    let mut builder = servers.gateway().shard("conformance", mounted(instances));
    for name in BESIDE {
        let text = fs::read_to_string(source("shards").join(format!("{name}.yaml"))).unwrap();
        builder = builder.shard(name, text);
    }
    let gateway = builder.start().await;
    for name in BESIDE.into_iter().chain(["conformance"]) {
        gateway.until(name, "ready").await;
    }
    gateway
}

/// The shard served by its SDK's own HTTP.
struct Direct {
    child: Child,
    url: String,
}

impl Direct {
    async fn start() -> Self {
        let mut command = Command::new(installed().join("bin/node"));
        command.arg(source("conformance/legacy.mjs")).args(["--http", "0"]).env("PEERS", installed());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        let url = line.expect("the shard does not listen").unwrap().expect("the shard ended before it listened");
        Self { child, url }
    }

    /// Ends it by the end of its stdin.
    async fn stop(mut self) {
        drop(self.child.stdin.take());
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        assert!(status.expect("the shard does not end").unwrap().success());
    }
}

/// Runs one suite directly and through a gateway.
async fn passes_as_without_a_gateway(suite: &Suite, instances: &str) {
    let servers = Servers::lay_out().await;
    let shard = Direct::start().await;
    let direct = suite.run(&shard.url).await;
    shard.stop().await;

    let gateway = gateway(&servers, instances).await;
    let behind = suite.run(&gateway.url()).await;
    let table = suite.table(&direct, &behind);
    #[expect(clippy::print_stderr, reason = "a suite is judged by what it counted")]
    {
        eprintln!("instances: {instances}\n{table}");
    }
    let complaints = suite.complaints(&direct, &behind);
    assert!(complaints.is_empty(), "{}\n{table}\nlog:\n{}", complaints.join("\n"), gateway.log());
    gateway.stop().await;
}

#[tokio::test]
async fn all_of_the_released_suite_passes_behind_the_gateway() {
    passes_as_without_a_gateway(&RELEASED, "shared").await;
}

#[tokio::test]
async fn all_of_the_next_suite_passes_behind_the_gateway() {
    passes_as_without_a_gateway(&NEXT, "shared").await;
}

/// Whoever has children of a session's or a call's own is served as well as those who share one.
#[tokio::test]
async fn all_of_the_next_suite_passes_behind_the_gateway_with_children_of_ones_own() {
    for instances in ["exclusive", "per_session"] {
        passes_as_without_a_gateway(&NEXT, instances).await;
    }
}
