//! The official conformance suites against shards of our own: once as their SDK serves them, once through the gateway,
//! where they are mounted without a prefix beside two shards with one.
//!
//! Invariant: a scenario passes if no check of it fails and every check that succeeds directly succeeds through the
//! gateway too. Scenarios can pass with nothing checked, so it is the successful checks that are counted.

mod joining;
mod modern;
mod outcome;
mod suite;

use std::fs;
use std::process::Stdio;

use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::servers::{Servers, installed, source};
use crate::support::{Gateway, PATIENCE};
use outcome::Outcome;
use suite::{NEXT, RELEASED, Suite};

/// The shards that are mounted beside it, each with its prefix.
const BESIDE: [&str; 2] = ["everything", "memory"];

/// The shard that speaks 2025-11-25 on the SDK's first major version.
const LEGACY: &str = "conformance/legacy.mjs";

/// The file of the shard that this script is, with these lines below the command.
fn mounted(script: &str, lines: &str) -> String {
    let script = source(script).display().to_string();
    format!("command: ${{PEERS}}/bin/node\nargs: [{}]\n{lines}\n", json!(script))
}

/// The gateway with all its shards ready, of which the one without a prefix has these lines in its file.
async fn gateway(servers: &Servers, script: &str, lines: &str) -> Gateway {
    gateway_with(&[], servers, script, lines).await
}

/// The same, with flags.
async fn gateway_with(flags: &[&str], servers: &Servers, script: &str, lines: &str) -> Gateway {
    let file = mounted(script, &format!("prefix: \"\"\n{lines}"));
    let mut builder = servers.gateway().flags(flags).shard("conformance", file);
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
    async fn start(script: &str) -> Self {
        let mut command = Command::new(installed().join("bin/node"));
        command.arg(source(script)).args(["--http", "0"]).env("PEERS", installed());
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

/// What each of the suites finds without a gateway, one after the other.
async fn without_a_gateway<const N: usize>(script: &str, suites: [&Suite; N]) -> [Outcome; N] {
    let shard = Direct::start(script).await;
    let mut outcomes = Vec::new();
    for suite in suites {
        outcomes.push(suite.run(&shard.url).await);
    }
    shard.stop().await;
    outcomes.try_into().expect("each suite has one outcome")
}

/// Prints both outcomes of one suite, and gives what went wrong.
fn judge(suite: &Suite, direct: &Outcome, behind: &Outcome, mounted: &str) -> Vec<String> {
    #[expect(clippy::print_stderr, reason = "a suite is judged by what it counted")]
    {
        eprintln!("mounted: {mounted}\n{}", suite.table(direct, behind));
    }
    suite.complaints(direct, behind)
}

async fn passes_on_a_shared_shard(suite: &Suite) {
    let direct = without_a_gateway(LEGACY, [suite]).await;
    let servers = Servers::lay_out().await;
    let gateway = gateway(&servers, LEGACY, "instances: shared").await;
    let behind = suite.run(&gateway.url()).await;
    let complaints = judge(suite, &direct[0], &behind, "shared");
    assert!(complaints.is_empty(), "{}\nlog:\n{}", complaints.join("\n"), gateway.log());
    gateway.stop().await;
}

#[tokio::test]
async fn all_of_the_released_suite_passes_behind_the_gateway() {
    passes_on_a_shared_shard(&RELEASED).await;
}

#[tokio::test]
async fn all_of_the_next_suite_passes_behind_the_gateway() {
    passes_on_a_shared_shard(&NEXT).await;
}

/// Where all shards are seen, its names have a prefix and its URIs belong to the other one of its kind.
#[tokio::test]
async fn all_of_the_next_suite_passes_in_the_view_of_a_shard_that_has_to_give_way_elsewhere() {
    let direct = without_a_gateway(LEGACY, [&NEXT]).await;
    let servers = Servers::lay_out().await;
    let gateway = gateway(&servers, LEGACY, "instances: shared").await;
    gateway.write_shard("twin", &mounted(LEGACY, ""));
    gateway.until("twin", "ready").await;
    let behind = NEXT.run(&format!("{}/twin", gateway.url())).await;
    let complaints = judge(&NEXT, &direct[0], &behind, "shared, a view");
    assert!(complaints.is_empty(), "{}\nlog:\n{}", complaints.join("\n"), gateway.log());
    gateway.stop().await;
}

/// On a shared child the questions of two clients' tools cannot be told apart; here they can.
#[tokio::test]
async fn both_suites_at_once_pass_behind_the_gateway_on_children_of_their_own() {
    let direct = without_a_gateway(LEGACY, [&RELEASED, &NEXT]).await;
    for instances in ["exclusive", "per_session"] {
        let servers = Servers::lay_out().await;
        let gateway = gateway(&servers, LEGACY, &format!("instances: {instances}")).await;
        let url = gateway.url();
        let (released, next) = tokio::join!(RELEASED.run(&url), NEXT.run(&url));
        let mut complaints = judge(&RELEASED, &direct[0], &released, instances);
        complaints.extend(judge(&NEXT, &direct[1], &next, instances));
        assert!(complaints.is_empty(), "{instances}: {}\nlog:\n{}", complaints.join("\n"), gateway.log());
        gateway.stop().await;
    }
}
