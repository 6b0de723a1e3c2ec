//! More than the client reads, and more than it may ask.

use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;

use super::{joined_at, modern};
use crate::support::{Gateway, Journal, fake_shard};

#[tokio::test]
async fn large_answers_that_nobody_reads_wait_at_the_gateway_and_none_is_lost() {
    const LISTS: u64 = 200;
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("fake", journal.fake_shard(&["--tools", "8000"])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = joined_at(&gateway.url());
    client.initialize("2025-11-25").await;
    client.request("first", "tools/list", json!({})).await;
    let first = client.answer("first").await;
    let (size, tools) = (first.to_string().len(), first["result"]["tools"].as_array().unwrap().len());
    let before = client.peak_memory();
    for id in 0..LISTS {
        client.request(id, "tools/list", if id % 2 == 0 { json!({}) } else { modern(json!({})) }).await;
    }
    client.request("last", "tools/call", json!({"name": "fake__echo"})).await;
    journal.call_of("echo").await;
    for id in 0..LISTS {
        assert_eq!(client.answer(id).await["result"]["tools"].as_array().unwrap().len(), tools);
    }
    client.answer("last").await;
    let (grown, all) = (client.peak_memory() - before, u64::try_from(size).unwrap() * LISTS / (1 << 20));
    assert!(all > 100 && grown < 64, "{grown} MiB more for answers of {all} MiB");
    client.finish().await;
    gateway.stop().await;
}

#[tokio::test]
async fn requests_over_the_bound_are_refused_and_those_under_way_go_on() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = Gateway::builder().flags(&["--max-requests", "2", "--connect", &gateway.url()]).stdio();
    client.initialize("2025-11-25").await;
    for id in 1..=3 {
        client.request(id, "tools/call", json!({"name": "fake__sleep", "arguments": {"ms": 300}})).await;
    }
    let refused = client.answer(3).await;
    assert!(refused["error"]["message"].as_str().unwrap().contains("`--max-requests`"), "{refused}");
    for id in 1..=2 {
        assert_eq!(client.answer(id).await["result"]["content"][0]["text"], "slept 300 ms");
    }
    client.finish().await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_not_read_from() {
    const LINES: usize = 20_000;
    let gateway = Gateway::builder().start().await;
    let mut client = joined_at(&gateway.url());
    client.initialize("2025-11-25").await;
    let mut stdin = client.take_stdin();
    let lines = format!("{}\n", "x".repeat(100)).repeat(LINES);
    let mut writing = std::pin::pin!(tokio::io::AsyncWriteExt::write_all(&mut stdin, lines.as_bytes()));
    let stalled = timeout(Duration::from_secs(2), writing.as_mut()).await;
    assert!(stalled.is_err(), "it takes line after line, and keeps the answers");
    let reading = async {
        for _ in 0..LINES {
            assert_eq!(client.next().await.unwrap()["error"]["code"], -32700);
        }
    };
    let (written, ()) = tokio::join!(writing, reading);
    written.unwrap();
    drop(stdin);
    client.finish().await;
    gateway.stop().await;
}
