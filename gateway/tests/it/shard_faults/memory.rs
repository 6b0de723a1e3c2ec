//! What results may take of the gateway's memory.

use serde_json::json;

use super::{holds, told};
use crate::support::{Gateway, Legacy, fake_shard};

#[tokio::test]
async fn a_result_over_the_memory_for_results_ends_its_call_and_gives_everything_back() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).flags(&["--result-memory", "100000"]).start().await;
    gateway.until("fake", "ready").await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    for _ in 0..5 {
        let big = client.call("fake__big", json!({"bytes": 150_000})).await;
        holds(told(&big), &["shard `fake`", "100000 bytes (`--result-memory`)"]);
        let fits = client.call("fake__big", json!({"bytes": 90_000})).await;
        assert_eq!(fits["content"][0]["text"].as_str().unwrap().len(), 90_000);
    }
    gateway.stop().await;
}
