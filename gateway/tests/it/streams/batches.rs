//! Arrays of messages, which revision 2025-03-26 has.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{call, open};
use crate::support::{Events, Gateway, Legacy, Response, fake_shard};

async fn start() -> (Gateway, Legacy) {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let client = Legacy::open(&gateway, "2025-03-26").await;
    (gateway, client)
}

fn ping(id: u64) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "ping"})
}

/// The answers by their ids.
fn answers(array: &Value) -> BTreeMap<String, Value> {
    let answers = array.as_array().unwrap_or_else(|| panic!("{array}"));
    answers.iter().map(|answer| (answer["id"].to_string(), answer.clone())).collect()
}

#[tokio::test]
async fn each_request_of_an_array_is_answered_and_nothing_else() {
    let (gateway, mut client) = start().await;
    let echo: Value = serde_json::from_str(&call(2, "fake__echo", &json!({"a": 1}))).unwrap();
    let batch = json!([
        ping(1),
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        echo,
        {"jsonrpc": "2.0", "id": 3, "method": "tools/list"},
        {"jsonrpc": "2.0", "id": 9, "result": {}},
        {"jsonrpc": "2.0", "id": 4, "method": "no/such"},
        {"jsonrpc": "2.0", "id": 5, "method": 7},
        {"jsonrpc": "2.0", "id": 6, "method": "initialize", "params": {"protocolVersion": "2025-03-26"}},
        [ping(7)],
    ]);
    let response = client.post(batch.to_string()).await;
    assert_eq!((response.status, response.headers.contains_key("mcp-session-id")), (200, false));
    let answers = answers(&response.answer());
    assert_eq!(answers.keys().collect::<Vec<_>>(), ["1", "2", "3", "4", "5", "6", "null"]);
    assert_eq!(answers["1"]["result"], json!({}));
    assert_eq!(answers["2"]["result"]["structuredContent"], json!({"a": 1}));
    assert!(answers["3"]["result"]["tools"].is_array());
    let codes = ["4", "5", "6", "null"].map(|id| answers[id]["error"]["code"].as_i64().unwrap());
    assert_eq!(codes, [-32601, -32600, -32600, -32600]);
    gateway.stop().await;
}

#[tokio::test]
async fn an_array_of_notifications_is_accepted_without_an_answer() {
    let (gateway, mut client) = start().await;
    let told = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let response = client.post(json!([told, told]).to_string()).await;
    assert_eq!((response.status, response.body.len()), (202, 0));
    gateway.stop().await;
}

#[tokio::test]
async fn an_array_is_neither_empty_nor_longer_than_a_hundred() {
    let (gateway, mut client) = start().await;
    let mut post = async |count: u64| client.post(json!((0..count).map(ping).collect::<Vec<_>>()).to_string()).await;
    assert_eq!(answers(&post(100).await.answer()).len(), 100);
    let told = |response: Response| (response.status, response.code(), response.text());
    for (count, words) in [(0, "holds no message"), (101, "at most 100 messages")] {
        let (status, code, text) = told(post(count).await);
        assert!((status, code) == (400, Some(-32600)) && text.contains(words), "{status} {text}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn the_calls_of_an_array_run_side_by_side_and_their_notices_come_first() {
    let (gateway, client) = start().await;
    let steps = |id, n, delay| {
        serde_json::from_str::<Value>(&call(id, "fake__progress", &json!({"n": n, "delay_ms": delay}))).unwrap()
    };
    // One after the other they would take longer than a test may.
    let batch: Vec<Value> = (0..60).map(|id| steps(id, 1, 1000)).collect();
    let mut events = Events::of(open(&gateway, &client, json!(batch).to_string()).await);
    let mut notices = 0;
    let array = loop {
        let message = events.next().await.unwrap();
        if message.is_array() {
            break message;
        }
        assert_eq!(message["method"], "notifications/progress");
        notices += 1;
    };
    assert_eq!((notices, answers(&array).len(), events.next().await), (60, 60, None));
    gateway.stop().await;
}

#[tokio::test]
async fn a_request_id_stands_once_among_the_calls_of_an_array() {
    let (gateway, mut client) = start().await;
    let sleep: Value = serde_json::from_str(&call(1, "fake__sleep", &json!({"ms": 50}))).unwrap();
    let array = client.post(json!([sleep, sleep]).to_string()).await.answer();
    let errors: Vec<_> = array.as_array().unwrap().iter().filter_map(|answer| answer.get("error")).collect();
    assert!(errors.len() == 1 && errors[0]["message"].as_str().unwrap().contains("is in use"), "{array}");
    gateway.stop().await;
}
