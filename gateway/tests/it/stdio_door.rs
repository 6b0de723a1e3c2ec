//! The gateway on its own stdin and stdout, started and ended as clients do it.

mod bad_lines;
mod cancelling;
mod ending;

use std::sync::Arc;

use serde_json::{Value, json};

use crate::support::{Gateway, fake_shard, modern_meta, template_shard};

fn modern(mut params: Value) -> Value {
    params["_meta"] = modern_meta();
    params
}

#[tokio::test]
async fn a_modern_client_may_begin_with_any_request() {
    let mut gateway = Gateway::builder().shard("host", template_shard()).stdio();
    let params = modern(json!({"name": "host__subnet_info", "arguments": {"cidr": "10.0.0.0/22"}}));
    gateway.request(1, "tools/call", params).await;
    let answer = gateway.answer(1).await;
    assert_eq!(answer["result"]["structuredContent"]["hosts"], 1022);
    assert_eq!(answer["result"]["resultType"], "complete");
    assert_eq!(gateway.finish().await, Vec::<Value>::new());
}

#[tokio::test]
async fn both_eras_may_be_spoken_on_one_pipe() {
    let mut gateway = Gateway::builder().shard("fake", fake_shard(&[])).stdio();
    gateway.request("probe", "server/discover", modern(json!({}))).await;
    assert_eq!(gateway.answer("probe").await["result"]["supportedVersions"], json!(["2026-07-28"]));
    assert_eq!(gateway.initialize("2025-06-18").await["protocolVersion"], "2025-06-18");
    for n in 0..3 {
        assert_eq!(gateway.call("old", "fake__echo", json!({"n": n})).await["structuredContent"], json!({"n": n}));
        gateway.request("new", "tools/list", modern(json!({}))).await;
        let modern = gateway.answer("new").await;
        assert_eq!(modern["result"]["resultType"], "complete");
        gateway.request("old", "tools/list", json!({})).await;
        let legacy = gateway.answer("old").await;
        assert_eq!(legacy["result"].get("resultType"), None);
        assert_eq!(legacy["result"]["tools"], modern["result"]["tools"]);
    }
    gateway.finish().await;
}

#[tokio::test]
async fn the_notices_of_a_call_come_before_its_answer() {
    let mut gateway = Gateway::builder().shard("fake", fake_shard(&[])).stdio();
    gateway.initialize("2025-11-25").await;
    let params = json!({"name": "fake__progress", "arguments": {"n": 3}, "_meta": {"progressToken": "p"}});
    gateway.request(1, "tools/call", params).await;
    for n in 1..=3 {
        let notice = gateway.next().await.unwrap();
        assert_eq!((&notice["params"]["progressToken"], &notice["params"]["progress"]), (&json!("p"), &json!(n)));
    }
    assert_eq!(gateway.next().await.unwrap()["id"], 1);
    gateway.finish().await;
}

#[tokio::test]
async fn a_legacy_client_hears_of_a_shard_that_comes_and_finds_its_tools() {
    let mut gateway = Gateway::builder().shard("one", fake_shard(&[])).stdio();
    gateway.initialize("2025-11-25").await;
    gateway.call("settled", "one__echo", json!({})).await;
    gateway.write_shard("two", &fake_shard(&[]));
    while gateway.next().await.unwrap()["method"] != "notifications/tools/list_changed" {}
    gateway.call("found", "two__echo", json!({})).await;
    gateway.finish().await;
}

#[tokio::test]
async fn arrays_are_for_the_one_revision_that_has_them() {
    let mut gateway = Gateway::builder().shard("fake", fake_shard(&[])).stdio();
    gateway.initialize("2025-03-26").await;
    let echo = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "fake__echo"}});
    gateway.send(json!([{"jsonrpc": "2.0", "id": 1, "method": "ping"}, echo])).await;
    let array = gateway.next().await.unwrap();
    let mut ids: Vec<_> = array.as_array().unwrap().iter().map(|answer| answer["id"].as_u64().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids, [1, 2]);
    gateway.finish().await;
}

#[tokio::test]
async fn two_gateways_share_one_state_folder_at_the_same_time() {
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let mut one = Gateway::builder().in_dir(&dir).shard("fake", fake_shard(&[])).stdio();
    let mut two = Gateway::builder().in_dir(&dir).stdio();
    let http = Gateway::builder().in_dir(&dir).start().await;
    http.until("fake", "ready").await;
    for gateway in [&mut one, &mut two] {
        gateway.initialize("2025-11-25").await;
    }
    let mut pids = Vec::new();
    for gateway in [&mut one, &mut two] {
        pids.push(gateway.call("who", "fake__whoami", json!({})).await["structuredContent"]["pid"].clone());
    }
    pids.push(http.shard("fake").await["pid"].clone());
    assert!(pids[0] != pids[1] && pids[1] != pids[2] && pids[0] != pids[2], "each has its own children: {pids:?}");
    one.finish().await;
    assert_eq!(two.call("still", "fake__echo", json!({})).await["structuredContent"], json!({}));
    two.finish().await;
    http.stop().await;
}
