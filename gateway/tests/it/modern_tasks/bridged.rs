//! Tasks of one era do not reach clients or shards of the other.

use serde_json::json;

use super::{at, gateway, modern_shard};
use crate::support::{Gateway, Journal, Legacy};

#[tokio::test]
async fn a_legacy_client_never_gets_a_task_of_a_modern_shard_nor_reaches_one() {
    let journal = Journal::new();
    let gateway = gateway(&[("one", &journal)], "").await;
    let extension = json!({"extensions": {"io.modelcontextprotocol/tasks": {}}});
    let (mut legacy, _) = Legacy::open_as(&gateway, "/mcp", "2025-11-25", extension).await;
    let params = json!({"name": "one__echo", "arguments": {"job": {}}, "task": {"ttl": 1000}});
    let answer = legacy.ask("tools/call", params).await.answer();
    assert_eq!(answer["result"]["structuredContent"], json!({"job": {}}), "{answer}");
    let declared = &journal.of("tools/call")[0]["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"];
    assert!(declared.get("extensions").is_none(), "{declared}");
    let id = at(&gateway, "/mcp").make("one__echo", json!({})).await;
    for method in ["tasks/get", "tasks/cancel", "tasks/result"] {
        assert_eq!(legacy.ask(method, json!({"taskId": id})).await.code(), Some(-32602), "{method}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn what_a_modern_client_says_of_a_task_means_nothing_to_a_legacy_shard() {
    let (old, new) = (Journal::new(), Journal::new());
    let gateway = Gateway::builder()
        .shard("old", old.fake_shard(&["--tasks"]))
        .shard("new", modern_shard("new", &new))
        .start()
        .await;
    for name in ["old", "new"] {
        gateway.until(name, "ready").await;
    }
    let clients = at(&gateway, "/mcp");
    for (shard, journal, kept) in [("old", &old, None), ("new", &new, Some(json!({"ttl": 1000})))] {
        let params = json!({"name": format!("{shard}__echo"), "arguments": {"n": 1}, "task": {"ttl": 1000}});
        let answer = clients.ask("tools/call", params).await.answer();
        let result = &answer["result"];
        assert_eq!((&result["resultType"], &result["structuredContent"]), (&json!("complete"), &json!({"n": 1})));
        assert_eq!(journal.of("tools/call")[0]["params"].get("task"), kept.as_ref(), "{shard}");
    }
    gateway.stop().await;
}
