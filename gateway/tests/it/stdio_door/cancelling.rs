//! Cancellations on one pipe with their requests.

use serde_json::{Value, json};

use super::modern;
use crate::support::{Gateway, Journal, Stdio};

/// A call and its cancellation in one write.
async fn call_and_cancel(gateway: &mut Stdio, id: u64, params: Value) {
    let call = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params});
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}});
    gateway.write(format!("{call}\n{cancel}\n")).await;
}

/// Each call that the shard was sent was cancelled after it, and nothing else was.
fn check(journal: &Journal) {
    let messages = journal.messages();
    let mut open = Vec::new();
    for message in messages {
        match message["method"].as_str() {
            Some("tools/call") if message["params"]["name"] == "hang" => open.push(message["id"].clone()),
            Some("notifications/cancelled") => {
                let id = &message["params"]["requestId"];
                let at = open.iter().position(|open| open == id);
                open.remove(at.unwrap_or_else(|| panic!("{id} was cancelled before it was sent")));
            }
            _ => {}
        }
    }
    assert_eq!(open, Vec::<Value>::new(), "sent, and never cancelled");
}

#[tokio::test]
async fn a_cancellation_right_behind_its_request_reaches_it_and_nothing_is_answered() {
    let journal = Journal::new();
    let mut gateway = Gateway::builder().shard("fake", journal.fake_shard(&[])).stdio();
    gateway.initialize("2025-11-25").await;
    for id in 0..40 {
        let params = json!({"name": "fake__hang"});
        call_and_cancel(&mut gateway, id, if id % 2 == 0 { params } else { modern(params) }).await;
    }
    gateway.call("last", "fake__echo", json!({})).await;
    assert_eq!(gateway.finish().await, Vec::<Value>::new());
    check(&journal);
}

#[tokio::test]
async fn a_call_that_waits_for_its_shard_is_cancelled_before_it_is_sent() {
    let journal = Journal::new();
    // Remembered tools, so that nothing but the call waits for the shard.
    let first = Gateway::builder().shard("fake", journal.fake_shard(&["--start-delay", "500"])).start().await;
    first.until("fake", "ready").await;
    let dir = std::sync::Arc::clone(first.dir());
    first.stop().await;

    let mut gateway = Gateway::builder().in_dir(&dir).stdio();
    call_and_cancel(&mut gateway, 1, modern(json!({"name": "fake__hang"}))).await;
    gateway.request("next", "tools/call", modern(json!({"name": "fake__echo", "arguments": {}}))).await;
    assert_eq!(gateway.next().await.unwrap()["id"], "next");
    let called: Vec<_> = journal.of("tools/call").iter().map(|call| call["params"]["name"].clone()).collect();
    assert_eq!(called, ["echo"]);
    assert_eq!(gateway.finish().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_cancellation_of_nothing_is_nothing() {
    let journal = Journal::new();
    let mut gateway = Gateway::builder().shard("fake", journal.fake_shard(&[])).stdio();
    gateway.initialize("2025-11-25").await;
    gateway.call("1", "fake__echo", json!({})).await;
    for params in [json!({"requestId": "1"}), json!({"requestId": 99}), json!({"requestId": []}), json!({})] {
        gateway.send(json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})).await;
    }
    gateway.send(json!({"jsonrpc": "2.0", "method": "notifications/cancelled"})).await;
    gateway.call("2", "fake__echo", json!({})).await;
    assert_eq!(gateway.finish().await, Vec::<Value>::new());
    assert_eq!(journal.cancelled(), Vec::<Value>::new());
}
