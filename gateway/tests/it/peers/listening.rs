//! The TypeScript client 2.x listens at 2026-07-28 to a server of the legacy era.

use serde_json::json;
use tokio::process::Command;

use super::clients::ended;
use super::servers::{Servers, installed, source};
use crate::support::{Gateway, eventually, fake_shard};

async fn hears(gateway: &Gateway, way: &[String]) {
    let (new, old) = (gateway.dir().path().join("shards.d/more.yaml"), gateway.dir().path().join("more"));
    std::fs::write(&old, fake_shard(&[])).unwrap();
    let mut command = Command::new(installed().join("bin/node"));
    command.arg(source("listening.mjs")).args(way).env("PEERS", installed());
    command.env("NEW_FILE", &new).env("OLD_FILE", &old);
    let output = ended("listening.mjs", command).await;
    let told: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error} in {output:?}"));
    let (one, two) = ("demo://resource/dynamic/text/1", "demo://resource/dynamic/text/2");
    let granted = json!({"toolsListChanged": true, "resourceSubscriptions": [one, two]});
    assert_eq!(told["granted"], granted, "{told}");
    assert_eq!((&told["first"], &told["second"]), (&json!([one, two, "tools"]), &json!([one])), "{told}");
    assert_eq!(told["closed"], "local", "{told}");
    std::fs::remove_file(new).unwrap();
    eventually("the other shard is gone", async || gateway.shard("more").await.is_null().then_some(())).await;
}

#[tokio::test]
async fn the_typescript_sdk_listens_over_http_and_by_way_of_connect() {
    let servers = Servers::lay_out().await;
    servers.drop_in_one("everything");
    let gateway = servers.gateway().start().await;
    gateway.until("everything", "ready").await;
    hears(&gateway, &[gateway.url()]).await;
    // It reports as long as it lives; another one begins anew.
    gateway.remove_shard("everything");
    eventually("it is gone", async || gateway.shard("everything").await.is_null().then_some(())).await;
    servers.drop_in_one("everything");
    gateway.until("everything", "ready").await;
    let program = env!("CARGO_BIN_EXE_mcp-gateway").to_owned();
    let joining = ["--stdio".to_owned(), program, "stdio".to_owned(), "--connect".to_owned(), gateway.url()];
    hears(&gateway, &joining).await;
    gateway.stop().await;
}
