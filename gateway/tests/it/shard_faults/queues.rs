//! More calls than a shard takes at once.

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{holds, told};
use crate::support::{Gateway, Http, Journal, Legacy, Response};

/// Makes a call of a session on a connection of its own.
async fn call(host: String, session: String, id: usize, tool: &'static str) -> Response {
    let params = json!({"name": tool, "arguments": {}});
    let request = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params});
    let mut http = Http::connect(&host).await;
    http.send("POST", "/mcp", &[("mcp-session-id", &session)], request.to_string()).await
}

#[tokio::test]
async fn two_run_two_hundred_and_fifty_six_wait_and_the_rest_is_told_the_setting() {
    let journal = Journal::new();
    let gateway =
        Gateway::builder().shard("fake", journal.fake_shard(&[]) + "limits: { in_flight: 2 }\n").start().await;
    gateway.until("fake", "ready").await;
    let runs = Legacy::open(&gateway, "2025-11-25").await;
    let waits = Legacy::open(&gateway, "2025-11-25").await;
    let mut running = JoinSet::new();
    for id in 0..2 {
        running.spawn(call(gateway.host().to_owned(), runs.session.clone(), id, "fake__hang"));
    }
    let hanging = async || {
        let calls = journal.of("tools/call");
        (calls.len() == 2).then_some(calls)
    };
    let sent: Vec<Value> = crate::support::eventually("both hang", hanging).await;

    let mut waiting = JoinSet::new();
    for id in 0..256 + 44 {
        waiting.spawn(call(gateway.host().to_owned(), waits.session.clone(), id, "fake__echo"));
    }
    for _ in 0..44 {
        let refused = waiting.join_next().await.unwrap().unwrap().answer()["result"].take();
        holds(
            told(&refused),
            &["shard `fake`", "it is busy: 2 calls are in flight (`limits.in_flight`) and 256 more wait"],
        );
    }
    assert_eq!(gateway.shard("fake").await["in_flight"], 2);
    let delete = async |session: &str| {
        let headers = [("mcp-session-id", session)];
        assert_eq!(gateway.http().await.send("DELETE", "/mcp", &headers, "").await.status, 204);
    };
    delete(&waits.session).await;
    while let Some(cancelled) = waiting.join_next().await {
        assert_eq!(cancelled.unwrap().status, 202);
    }
    delete(&runs.session).await;
    while let Some(cancelled) = running.join_next().await {
        assert_eq!(cancelled.unwrap().status, 202);
    }
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    client.call("fake__whoami", json!({})).await;
    let calls = journal.of("tools/call");
    assert_eq!(calls.len(), 3, "none of those that waited was sent");
    let mut cancelled = journal.cancelled();
    cancelled.sort_by_key(Value::as_u64);
    assert_eq!(cancelled, [sent[0]["id"].clone(), sent[1]["id"].clone()]);
    gateway.stop().await;
}

#[tokio::test]
async fn what_waits_is_sent_as_soon_as_there_is_room_in_its_order() {
    let journal = Journal::new();
    let gateway =
        Gateway::builder().shard("fake", journal.fake_shard(&[]) + "limits: { in_flight: 1 }\n").start().await;
    gateway.until("fake", "ready").await;
    let mut running = JoinSet::new();
    for (made, tool) in ["fake__sleep", "fake__echo", "fake__whoami", "fake__error_null"].into_iter().enumerate() {
        let session = Legacy::open(&gateway, "2025-11-25").await.session;
        let params = json!({"name": tool, "arguments": {"ms": 1000}});
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string();
        let mut http = gateway.http().await;
        running.spawn(async move { http.send("POST", "/mcp", &[("mcp-session-id", &session)], request).await });
        crate::support::eventually("it is made", async || {
            (gateway.shard("fake").await["calls"] == made + 1).then_some(())
        })
        .await;
    }
    while let Some(response) = running.join_next().await {
        assert!(response.unwrap().answer()["result"]["content"].is_array());
    }
    let calls = journal.of("tools/call");
    let tools: Vec<_> = calls.iter().map(|call| call["params"]["name"].as_str().unwrap()).collect();
    assert_eq!(tools, ["sleep", "echo", "whoami", "error_null"]);
    gateway.stop().await;
}
