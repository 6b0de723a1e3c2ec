//! Real clients of 2026-07-28 and a real server of an earlier revision that asks in the midst of its calls.
//!
//! Invariant: the clients go from round to round by themselves; no word of the gateway tells them to.

use serde_json::json;

use super::questions::told;
use super::servers::Servers;
use crate::support::Gateway;

/// The TypeScript SDK 2.x, pinned to 2026-07-28.
const DRIVER: &str = "bridged.mjs";

/// What the driver tells that reaches the server by this way.
async fn check(way: &[String], servers: &Servers) {
    let told = told(DRIVER, way, &servers.variables()).await;
    assert_eq!(told["revision"], "2026-07-28", "{told}");
    let message = "Please provide inputs for the following fields:";
    assert_eq!(told["asked"], json!([{"elicitation": message, "fields": 13}, {"sampling": 1}]), "{told}");
    assert!(told["elicited"].as_str().unwrap().contains("- Name: Ada"), "{told}");
    assert!(told["sampled"].as_str().unwrap().contains("sampled"), "{told}");
    assert!(told["declined"].as_str().unwrap().contains("declined"), "{told}");
    assert_eq!(told["sum"], "The sum of 19 and 23 is 42.", "{told}");
}

async fn laid_out() -> (Servers, Gateway) {
    let servers = Servers::lay_out().await;
    servers.drop_in_one("everything");
    let gateway = servers.gateway().start().await;
    gateway.until("everything", "ready").await;
    (servers, gateway)
}

#[tokio::test]
async fn over_http_the_typescript_sdk_answers_a_legacy_server() {
    let (servers, gateway) = laid_out().await;
    check(&[gateway.url()], &servers).await;
    assert_eq!(gateway.shard("everything").await["in_flight"], 0);
    gateway.stop().await;
}

#[tokio::test]
async fn over_stdio_the_typescript_sdk_answers_a_legacy_server() {
    let (servers, gateway) = laid_out().await;
    let program = env!("CARGO_BIN_EXE_mcp-gateway");
    let joining = ["--stdio", program, "stdio", "--connect", &gateway.url()].map(str::to_owned);
    check(&joining, &servers).await;
    gateway.stop().await;
    let folder = |name: &str| servers.dir().path().join(name).display().to_string();
    let (shards, state) = (folder("shards.d"), folder("state"));
    let own = ["--stdio", program, "stdio", "--shards", &shards, "--state-dir", &state].map(str::to_owned);
    check(&own, &servers).await;
}
