//! A shard that stops reading its stdin.

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{MEMORY, is_served};
use crate::support::{Gateway, Http, Legacy, fake_shard};

#[tokio::test]
async fn a_shard_that_stops_reading_holds_up_its_own_calls_until_their_deadline_and_can_be_stopped() {
    const SIZE: usize = 256 * 1024;
    let bad = fake_shard(&[]) + "timeouts: { call: 3s, stop: 500ms }\n";
    let gateway = Gateway::builder().shard("bad", bad).shard("good", fake_shard(&[])).start().await;
    for name in ["bad", "good"] {
        gateway.until(name, "ready").await;
    }
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    client.call("bad__deaf", json!({})).await;
    let mut calls = JoinSet::new();
    for id in 0..100 {
        let (host, session) = (gateway.host().to_owned(), client.session.clone());
        calls.spawn(async move {
            let params = json!({"name": "bad__echo", "arguments": {"text": "x".repeat(SIZE)}});
            let request =
                json!({"jsonrpc": "2.0", "id": format!("deaf-{id}"), "method": "tools/call", "params": params});
            let mut http = Http::connect(&host).await;
            http.send("POST", "/mcp", &[("mcp-session-id", &session)], request.to_string()).await.answer()
        });
    }
    is_served(&mut client).await;
    while let Some(answer) = calls.join_next().await {
        let answer: Value = answer.unwrap();
        let told = answer["result"]["content"][0]["text"].as_str().unwrap();
        assert!(told.contains("shard `bad`") && told.contains("(`timeouts.call`)"), "{told}");
    }
    assert_eq!(gateway.shard("bad").await["in_flight"], 0);
    assert!(gateway.peak_memory() < MEMORY, "{} MiB", gateway.peak_memory());
    gateway.remove_shard("bad");
    crate::support::eventually("it is gone", async || gateway.shard("bad").await.is_null().then_some(())).await;
    is_served(&mut client).await;
    gateway.stop().await;
}
