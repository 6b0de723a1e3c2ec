//! A modern shard that needs input before it answers: a legacy client is asked as its own era does it and the call is made
//! again; with a modern client all of it passes (DESIGN D11).

mod asking;
mod bounds;
mod declaring;
mod doors;
mod ending;
mod refusing;
mod sharing;
mod verbatim;

use serde_json::{Value, json};

use crate::support::{Events, Gateway, Journal, Legacy};

const SHARINGS: [&str; 2] = ["shared", "exclusive"];

/// A gateway with a modern shard, and `more` in its file.
async fn start(journal: &Journal, more: &str) -> Gateway {
    let text = journal.fake_shard(&["--era", "modern"]) + more;
    let gateway = Gateway::builder().shard("fake", text).start().await;
    gateway.until("fake", "ready").await;
    gateway
}

async fn start_as(journal: &Journal, instances: &str) -> Gateway {
    start(journal, &format!("instances: {instances}\n")).await
}

/// A client that can be asked everything.
async fn client(gateway: &Gateway) -> Legacy {
    client_as(gateway, json!({"elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {}})).await
}

async fn client_as(gateway: &Gateway, capabilities: Value) -> Legacy {
    Legacy::open_as(gateway, "/mcp", "2025-11-25", capabilities).await.0
}

fn elicitation(message: &str) -> Value {
    let schema = json!({"type": "object", "properties": {"n": {"type": "number", "default": 1.50}}});
    json!({"method": "elicitation/create", "params": {"message": message, "requestedSchema": schema, "vendor": [1]}})
}

fn sampling() -> Value {
    let text = json!({"type": "text", "text": "Say \"ü\"."});
    let params = json!({"messages": [{"role": "user", "content": text}], "maxTokens": 16});
    json!({"method": "sampling/createMessage", "params": params})
}

fn roots() -> Value {
    json!({"method": "roots/list"})
}

/// Calls the tool that needs input; `rounds` is what it asks in each.
async fn ask(client: &mut Legacy, gateway: &Gateway, rounds: Value) -> Events {
    client.follow(gateway, "fake__input", json!({"rounds": rounds})).await
}

/// The next message, which must be a question of this method.
async fn question(stream: &mut Events, method: &str) -> Value {
    let question = stream.next().await.expect("a question");
    assert_eq!(question["method"], method, "{question}");
    question
}

/// The rest of the stream, which must be the result.
async fn result(stream: &mut Events) -> Value {
    let mut answer = stream.next().await.expect("an answer");
    assert!(answer.get("method").is_none() && answer.get("error").is_none(), "{answer}");
    assert_eq!(stream.next().await, None);
    answer["result"].take()
}

/// What the shard was told in the end.
async fn heard(stream: &mut Events) -> Value {
    let mut result = result(stream).await;
    assert_eq!(result["isError"], Value::Null, "{result}");
    result["structuredContent"].take()
}

/// The text of the error in which the call ended.
async fn failure(stream: &mut Events) -> String {
    let result = result(stream).await;
    assert_eq!(result["isError"], true, "{result}");
    result["content"][0]["text"].as_str().unwrap().to_owned()
}

/// The calls of the tool that needs input, as the shard was sent them.
fn legs(journal: &Journal) -> Vec<Value> {
    let mut calls = journal.of("tools/call");
    calls.retain(|call| call["params"]["name"] == "input");
    calls
}

/// Whatever the gateway had to send the shard before this, it has sent.
async fn settle(gateway: &Gateway, journal: &Journal) {
    let before = journal.of("tools/call").len();
    client_as(gateway, json!({})).await.call("fake__echo", json!({})).await;
    assert!(journal.of("tools/call").len() > before);
}

fn accepted(content: &Value) -> Value {
    json!({"action": "accept", "content": content, "vendor": [2.50]})
}
