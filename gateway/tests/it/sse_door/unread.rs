//! Clients that do not read their stream.

use serde_json::json;

use super::REVISION;
use crate::support::{Gateway, Legacy, PATIENCE, Sse, eventually, fake_shard};

/// What a debug build may take beside the answers that wait, in MiB.
const MEMORY: u64 = 160;

#[tokio::test]
async fn a_stream_that_is_not_read_hurts_nobody_else_and_nothing_is_lost_when_it_is_read_after_all() {
    const SIZE: usize = 1024 * 1024;
    const CALLS: u64 = 24;
    let gateway = Gateway::builder().shard("good", fake_shard(&[])).start().await;
    gateway.until("good", "ready").await;
    let mut client = Sse::open(&gateway, REVISION).await;
    for id in 0..CALLS {
        client.request(id, "tools/call", json!({"name": "good__big", "arguments": {"bytes": SIZE}})).await;
    }
    eventually("the shard has answered all", async || {
        let shard = gateway.shard("good").await;
        (shard["calls"] == CALLS && shard["in_flight"] == 0).then_some(())
    })
    .await;
    let mut other = Legacy::open(&gateway, "2025-11-25").await;
    for n in 0..20 {
        assert_eq!(other.call("good__echo", json!({"n": n})).await["structuredContent"], json!({"n": n}));
    }
    assert!(gateway.peak_memory() < MEMORY, "{} MiB", gateway.peak_memory());
    for id in 0..CALLS {
        let answer = client.answer(id).await;
        assert_eq!(answer["result"]["content"][0]["text"].as_str().unwrap().len(), SIZE, "{id}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn who_does_not_read_is_not_read_from_either_until_he_hangs_up() {
    let gateway = Gateway::builder().shard("good", fake_shard(&[])).start().await;
    gateway.until("good", "ready").await;
    let client = Sse::open(&gateway, REVISION).await;
    let address = client.address.clone();
    // A refusal repeats the id, so that a few of these fill every buffer on the way.
    let bad = json!({"id": "x".repeat(500_000), "method": 1}).to_string();
    let mut posts = 0;
    let stuck = loop {
        let mut http = gateway.http().await;
        let (address, bad) = (address.clone(), bad.clone());
        let post = async move { http.send("POST", &address, &[], bad).await };
        let mut post = Box::pin(post);
        match tokio::time::timeout(std::time::Duration::from_secs(2), &mut post).await {
            Ok(taken) => assert_eq!(taken.status, 202),
            Err(_elapsed) => break post,
        }
        posts += 1;
        assert!(posts < 500, "{posts} answers wait");
    };
    drop(client);
    let ended = tokio::time::timeout(PATIENCE, stuck).await.expect("it is told");
    assert_eq!(ended.status, 404, "{ended:?}");
    assert!(gateway.peak_memory() < MEMORY, "{} MiB", gateway.peak_memory());
    gateway.stop().await;
}
