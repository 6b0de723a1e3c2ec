//! Clients whose stream broke off and that open it anew without a second `initialize`, as the TypeScript SDK does: they name
//! the revision that was agreed on in a header.

use serde_json::json;

use super::REVISION;
use crate::support::{Gateway, Sse, fake_shard};

const HEADER: [(&str, &str); 1] = [("mcp-protocol-version", "2025-11-25")];

#[tokio::test]
async fn a_stream_that_is_opened_anew_serves_at_once_and_tells_what_may_have_changed() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = Sse::open_with(&gateway, "/sse", &HEADER).await;
    for list in ["tools", "prompts", "resources"] {
        assert_eq!(client.next().await.unwrap()["method"], format!("notifications/{list}/list_changed"));
    }
    assert_eq!(client.call(1, "fake__echo", json!({"n": 1})).await["structuredContent"], json!({"n": 1}));
    // What it can be asked stood in the `initialize` of the stream that is gone.
    let ask = json!({"method": "elicitation/create", "params": {"message": "?"}});
    let declined = client.call(2, "fake__ask", ask).await;
    assert_eq!(declined["structuredContent"]["result"], json!({"action": "cancel"}));
    gateway.write_shard("two", &fake_shard(&[]));
    while client.next().await.unwrap()["method"] != "notifications/tools/list_changed" {}
    client.call(3, "two__echo", json!({})).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_client_that_always_sends_the_header_initialises_as_others_do_and_hears_of_a_change_once() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = Sse::open_with(&gateway, "/sse", &HEADER).await;
    client.request("bad", "initialize", json!({})).await;
    assert_eq!(client.answer("bad").await["error"]["code"], -32602);
    client.initialize(REVISION, json!({"elicitation": {}})).await;
    client.heard();
    client.call(1, "fake__list_changed", json!({"kind": "tools"})).await;
    while client.next().await.unwrap()["method"] != "notifications/tools/list_changed" {}
    client.request("last", "ping", json!({})).await;
    client.answer("last").await;
    assert_eq!(client.heard(), Vec::<serde_json::Value>::new(), "one change is told once");
    gateway.stop().await;
}

#[tokio::test]
async fn a_header_that_names_no_legacy_revision_makes_nobody_known() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    for version in ["2026-07-28", "1.0"] {
        let mut client = Sse::open_with(&gateway, "/sse", &[("mcp-protocol-version", version)]).await;
        client.request(1, "tools/list", json!({})).await;
        let answer = client.answer(1).await;
        assert!(answer["error"]["message"].as_str().unwrap().contains("send `initialize` first"), "{answer}");
    }
    gateway.stop().await;
}
