//! Calls that are not answered in time, and calls that are given up.

use serde_json::{Value, json};

use super::{holds, told};
use crate::support::{Gateway, Journal, Legacy, eventually};

/// Where a message with this method stands, the first if there are more.
fn place(messages: &[Value], method: &str) -> usize {
    messages.iter().position(|message| message["method"] == method).unwrap_or_else(|| panic!("no {method}"))
}

#[tokio::test]
async fn a_call_that_is_never_answered_ends_with_the_setting_and_is_cancelled_at_the_shard() {
    let journal = Journal::new();
    let shard = journal.fake_shard(&[]) + "timeouts: { call: 500ms }\n";
    let gateway = Gateway::builder().shard("fake", shard).start().await;
    gateway.until("fake", "ready").await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    let result = client.call("fake__hang", json!({})).await;
    holds(told(&result), &["shard `fake`", "no answer within 500ms (`timeouts.call`)"]);
    let call = journal.call_of("hang").await;
    journal.until_cancelled(&call).await;
    let messages = journal.messages();
    assert!(place(&messages, "tools/call") < place(&messages, "notifications/cancelled"));
    assert_eq!(client.call("fake__echo", json!({"a": 1})).await["structuredContent"], json!({"a": 1}));
    gateway.stop().await;
}

#[tokio::test]
async fn progress_restarts_the_clock_of_a_call_but_not_that_of_all_of_it() {
    let journal = Journal::new();
    let file = |timeouts: &str| format!("{}timeouts: {{ {timeouts} }}\n", journal.fake_shard(&[]));
    let gateway =
        Gateway::builder().shard("call", file("call: 2s")).shard("max", file("call: 2s, max: 3s")).start().await;
    gateway.until("call", "ready").await;
    gateway.until("max", "ready").await;
    let ask = async |shard: &str, meta: Value| {
        let mut client = Legacy::open(&gateway, "2025-11-25").await;
        let arguments = json!({"n": 10, "delay_ms": 400});
        let params = json!({"name": format!("{shard}__progress"), "arguments": arguments, "_meta": meta});
        client.ask("tools/call", params).await.answer()["result"].clone()
    };
    let token = || json!({"progressToken": "t"});
    let (told_on, silent, endless) = tokio::join!(ask("call", token()), ask("call", json!({})), ask("max", token()));
    assert_eq!(told_on["content"][0]["text"], "10 steps");
    holds(told(&silent), &["no answer within 2s (`timeouts.call`)"]);
    holds(told(&endless), &["no answer within 3s (`timeouts.max`)"]);
    gateway.stop().await;
}

#[tokio::test]
async fn a_cancelled_call_reaches_the_shard_after_its_request_or_never_if_it_was_not_sent() {
    let journal = Journal::new();
    let gateway =
        Gateway::builder().shard("fake", journal.fake_shard(&[]) + "limits: { in_flight: 1 }\n").start().await;
    gateway.until("fake", "ready").await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    let post = async |request: Value| {
        let headers = [("mcp-session-id", &*client.session)];
        gateway.http().await.send("POST", "/mcp", &headers, request.to_string()).await.status
    };
    let call = |id: &str, tool: &str| {
        post(json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool, "arguments": {}}}))
    };
    let cancel =
        |id: &str| post(json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}}));
    let driver = async {
        let sent = journal.call_of("hang").await;
        let made = async || (gateway.shard("fake").await["calls"] == 2).then_some(());
        eventually("the second call is made", made).await;
        assert_eq!(cancel("waits").await, 202);
        assert_eq!(cancel("sent").await, 202);
        journal.until_cancelled(&sent).await;
        sent
    };
    let (sent, first, second) = tokio::join!(driver, call("sent", "fake__hang"), async {
        journal.call_of("hang").await;
        call("waits", "fake__whoami").await
    });
    assert_eq!((first, second), (202, 202), "nobody waits for the answer of a cancelled call");
    client.call("fake__echo", json!({})).await;
    let calls = journal.of("tools/call");
    let tools: Vec<_> = calls.iter().map(|call| call["params"]["name"].as_str().unwrap()).collect();
    assert_eq!(tools, ["hang", "echo"]);
    assert_eq!(journal.cancelled(), [sent["id"].clone()]);
    let messages = journal.messages();
    assert!(place(&messages, "tools/call") < place(&messages, "notifications/cancelled"));
    gateway.stop().await;
}
