//! Addresses at which there is nothing to see.

use serde_json::{Value, json};

use super::Three;
use crate::support::{Gateway, Legacy, Response, fake_shard};

/// The first thing that a client of each era sends.
async fn first_words(gateway: &Gateway, path: &str) -> [Response; 2] {
    let params =
        json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
    let initialize = json!({"jsonrpc": "2.0", "id": "first", "method": "initialize", "params": params}).to_string();
    [
        gateway.http().await.send("POST", path, &[], initialize).await,
        gateway.modern_at(path, "server/discover", json!({}), json!({})).await,
    ]
}

/// Both eras are refused with 404, their id and a message that holds each of `words`.
async fn is_nothing(gateway: &Gateway, path: &str, words: &[&str]) -> Value {
    let [initialize, discover] = first_words(gateway, path).await;
    assert_eq!((&initialize.answer()["id"], &discover.answer()["id"]), (&json!("first"), &json!(1)));
    for response in [&initialize, &discover] {
        let error = &response.answer()["error"];
        assert_eq!((response.status, &error["code"]), (404, &json!(-32600)), "{path}: {error}");
        let message = error["message"].as_str().unwrap();
        assert!(words.iter().all(|word| message.contains(word)), "{path}: {message}");
        assert!(!response.headers.contains_key("mcp-session-id"), "no session for a refused request");
    }
    discover.answer()["error"]["data"].clone()
}

#[tokio::test]
async fn an_unknown_shard_is_a_404_that_names_the_nearest() {
    let three = Three::start().await;
    let gateway = &three.gateway;
    let data = is_nothing(gateway, "/mcp/modren", &["there is no shard `modren`; did you mean `modern`?"]).await;
    assert_eq!((&data["shard"], &data["nearest"]), (&json!("modren"), &json!(["modern"])));
    is_nothing(gateway, "/mcp/Legacy", &["did you mean `legacy`?"]).await;
    is_nothing(gateway, "/mcp?shards=plain,legcy", &["no shard `legcy`; did you mean `legacy`?"]).await;
    is_nothing(gateway, "/mcp/x", &["there are only `legacy`, `modern`, `plain`"]).await;
    is_nothing(gateway, "/mcp/..%2fhealth", &["there is no shard"]).await;
    let long = "x".repeat(5000);
    let data = is_nothing(gateway, &format!("/mcp/{long}"), &["there is no shard"]).await;
    assert!(data.to_string().len() < 200, "what is told is short");

    let session = Legacy::open(gateway, "2025-11-25").await.session;
    let headers = [("mcp-session-id", &*session)];
    let stream = gateway.http().await.send("GET", "/mcp/modren", &headers, "").await;
    assert_eq!(stream.status, 404);
    assert!(stream.text().contains("did you mean `modern`?"), "{stream:?}");
    three.gateway.stop().await;
}

#[tokio::test]
async fn an_address_that_can_be_read_in_two_ways_is_refused() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    for (path, fault) in [
        ("/mcp?shards=", "`shards` names no shard"),
        ("/mcp?shards=fake&shards=fake", "must stand once"),
        ("/mcp/fake?shards=fake", "`/mcp/{shard}` shows one shard"),
        ("/mcp?shard=fake", "did you mean `shards`?"),
    ] {
        for response in first_words(&gateway, path).await {
            assert_eq!(response.status, 400, "{path}");
            assert!(response.text().contains(fault), "{path}: {response:?}");
        }
    }
    // What stood between the slashes was meant to be a name.
    is_nothing(&gateway, "/mcp//", &["there is no shard"]).await;
    for path in ["/mcp/fake//", "/mcp/fake/x"] {
        for response in first_words(&gateway, path).await {
            assert_eq!(response.status, 404, "{path}");
            assert!(response.text().contains("there is nothing at"), "{path}: {response:?}");
        }
    }
    gateway.stop().await;
}

#[tokio::test]
async fn the_guard_stands_before_every_view() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    for path in ["/mcp/fake", "/mcp?shards=fake", "/mcp/nowhere"] {
        for header in [("host", "evil.example"), ("origin", "https://evil.example")] {
            let refused = gateway.http().await.send("POST", path, &[header], "{}").await;
            assert_eq!(refused.status, 403, "{path} {header:?}");
            assert!(!refused.text().contains("no shard"), "{refused:?}");
        }
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_disabled_and_a_broken_shard_are_explained_and_cost_the_others_nothing() {
    let gateway = Gateway::builder()
        .shard("good", fake_shard(&[]))
        .shard("off", fake_shard(&[]) + "enabled: false\n")
        .shard("bad", "comand: x\n")
        .start()
        .await;
    gateway.until("good", "ready").await;
    let data = is_nothing(&gateway, "/mcp/off", &["shard `off` is disabled", "`enabled: false`", "`off.yaml`"]).await;
    assert_eq!(data["state"], "disabled");
    let words = ["the file of shard `bad` is broken", "bad.yaml:1", "unknown key `comand`"];
    let data = is_nothing(&gateway, "/mcp/bad", &words).await;
    assert_eq!(data["state"], "invalid");
    is_nothing(&gateway, "/mcp?shards=off,bad", &["is broken"]).await;

    let (mut client, _) = Legacy::open_at(&gateway, "/mcp?shards=good,off,bad", "2025-11-25").await;
    let tools = client.tools().await;
    assert!(tools.contains(&"good__echo".to_owned()) && tools.iter().all(|name| name.starts_with("good__")));
    gateway.stop().await;
}

#[tokio::test]
async fn without_any_shard_the_address_of_one_says_so() {
    let gateway = Gateway::builder().start().await;
    is_nothing(&gateway, "/mcp/time", &["there is no shard `time`", "nor any other", "`/health`"]).await;
    gateway.stop().await;
}
