//! Clients that do not read, and a log that nobody reads.

use serde_json::json;

use super::{MEMORY, is_served};
use crate::support::{Events, Gateway, Legacy, Socket, eventually, fake_shard};

#[tokio::test]
async fn a_log_that_nobody_reads_stops_nothing() {
    let gateway = Gateway::builder().shard("bad", fake_shard(&[])).shard("good", fake_shard(&[])).start().await;
    for name in ["bad", "good"] {
        gateway.until(name, "ready").await;
    }
    gateway.leave_log();
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    for _ in 0..3 {
        // More than a pipe holds, in each second in which it is logged at all.
        client.call("bad__stderr", json!({"lines": 500, "text": "x".repeat(1000)})).await;
        client.call("bad__flood", json!({"what": "logs", "bytes": 500_000})).await;
    }
    is_served(&mut client).await;
    gateway.write_shard("new", &fake_shard(&[]));
    gateway.until("new", "ready").await;
    gateway.stop().await;
}

#[tokio::test]
async fn clients_that_leave_their_answers_unread_hurt_nobody() {
    const SIZE: usize = 1024 * 1024;
    let gateway = Gateway::builder().shard("good", fake_shard(&[])).start().await;
    gateway.until("good", "ready").await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    let params = json!({"name": "good__big", "arguments": {"bytes": SIZE}});
    let mut unread = Vec::new();
    for id in 0..40 {
        let body = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}).to_string();
        let mut socket = Socket::open(&gateway).await;
        let (session, length) = (&client.session, body.len());
        let head = format!(
            "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nmcp-session-id: {session}\r\n\
             content-length: {length}\r\n\r\n"
        );
        socket.write(head + &body).await;
        unread.push(socket);
    }
    eventually("the shard has answered all", async || {
        let shard = gateway.shard("good").await;
        (shard["calls"] == 40 && shard["in_flight"] == 0).then_some(())
    })
    .await;
    is_served(&mut client).await;
    assert!(gateway.peak_memory() < MEMORY, "{} MiB", gateway.peak_memory());
    // One that reads after all has lost nothing.
    let late = unread.swap_remove(0).response().await.answer();
    assert_eq!(late["result"]["content"][0]["text"].as_str().unwrap().len(), SIZE);
    gateway.stop().await;
}

#[tokio::test]
async fn sessions_that_are_abandoned_and_streams_that_are_not_read_cost_little() {
    const SESSIONS: u64 = 300;
    const STREAMS: u64 = 60;
    let gateway = Gateway::builder().shard("good", fake_shard(&[])).start().await;
    gateway.until("good", "ready").await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    is_served(&mut client).await;
    let before = gateway.memory();
    let mut unread = Vec::new();
    for number in 0..SESSIONS {
        let session = Legacy::open(&gateway, "2025-11-25").await.session;
        if number < STREAMS {
            unread.push(Events::listen(&gateway, &session).await);
        }
    }
    // Each stream is told something, which nobody reads.
    for _ in 0..5 {
        client.call("good__list_changed", json!({"kind": "tools"})).await;
        is_served(&mut client).await;
    }
    let more = gateway.memory().saturating_sub(before);
    assert!(more < 32 * (SESSIONS + STREAMS), "{more} KiB for {SESSIONS} sessions and {STREAMS} streams");
    let mut newcomer = Legacy::open(&gateway, "2025-11-25").await;
    is_served(&mut newcomer).await;
    drop(unread);
    gateway.stop().await;
}
