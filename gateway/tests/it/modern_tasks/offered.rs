//! Who is told that there are tasks.

use serde_json::{Value, json};

use super::{TASKS, declaring, modern_shard};
use crate::support::{Gateway, Journal, Legacy, fake_shard};

async fn extensions(gateway: &Gateway, path: &str) -> Value {
    let answer = gateway.modern_at(path, "server/discover", json!({}), json!({})).await.answer();
    answer["result"]["capabilities"]["extensions"].clone()
}

#[tokio::test]
async fn the_extension_is_declared_to_modern_clients_where_a_modern_shard_with_it_is_seen() {
    let ui = r#""extensions":{"io.modelcontextprotocol/ui":{"x":1.0}}"#;
    let legacy = r#""extensions":{"io.modelcontextprotocol/tasks":{}}"#;
    let gateway = Gateway::builder()
        .shard("tasks", modern_shard("tasks", &Journal::new()))
        .shard("ui", fake_shard(&["--capability", ui]))
        .shard("old", fake_shard(&["--tasks", "--capability", legacy]))
        .start()
        .await;
    for name in ["tasks", "ui", "old"] {
        gateway.until(name, "ready").await;
    }
    let both = json!({"io.modelcontextprotocol/ui": {"x": 1.0}, TASKS: {}});
    assert_eq!(extensions(&gateway, "/mcp").await, both);
    assert_eq!(extensions(&gateway, "/mcp?shards=tasks").await, json!({TASKS: {}}));
    assert_eq!(extensions(&gateway, "/mcp/tasks").await, json!({TASKS: {}}));
    assert_eq!(extensions(&gateway, "/mcp/ui").await, json!({"io.modelcontextprotocol/ui": {"x": 1.0}}));
    assert_eq!(extensions(&gateway, "/mcp/old").await, json!({}), "what a legacy shard declares leads nowhere");
    for path in ["/mcp", "/mcp/tasks"] {
        let mut hello = Legacy::open_at(&gateway, path, "2025-11-25").await.1;
        assert!(hello["capabilities"]["extensions"].take().get(TASKS).is_none());
    }
    // Where nobody runs tasks there is no such method either.
    for meta in [json!({}), declaring()] {
        let refused = gateway.modern_at("/mcp/ui", "tasks/get", json!({"taskId": "job-1"}), meta).await;
        assert_eq!((refused.status, refused.code()), (404, Some(-32601)));
    }
    gateway.stop().await;
}
