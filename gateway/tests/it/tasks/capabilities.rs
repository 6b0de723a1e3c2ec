//! What is declared to clients because a shard declares it.

use serde_json::{Value, json};

use crate::support::{Gateway, Legacy, fake_shard};

async fn declared(gateway: &Gateway, path: &str, revision: &str) -> Value {
    Legacy::open_at(gateway, path, revision).await.1["capabilities"].take()
}

#[tokio::test]
async fn tasks_experiments_and_extensions_are_declared_where_their_shard_is_seen() {
    let ui = r#""extensions":{"io.modelcontextprotocol/ui":{"mimeTypes":["text/html;profile=mcp-app"]},"both":1}"#;
    let other = r#""extensions":{"both":2,"io.modelcontextprotocol/tasks":{}},"experimental":{"x":{"y":[1]}}"#;
    let gateway = Gateway::builder()
        .shard("a", fake_shard(&["--tasks", "--capability", ui]))
        .shard("b", fake_shard(&["--capability", other]))
        .start()
        .await;
    gateway.until("a", "ready").await;
    gateway.until("b", "ready").await;
    let tasks = json!({"cancel": {}, "requests": {"tools": {"call": {}}}});
    let extensions = json!({"io.modelcontextprotocol/ui": {"mimeTypes": ["text/html;profile=mcp-app"]}, "both": 1});
    let all = declared(&gateway, "/mcp", "2025-11-25").await;
    assert_eq!((&all["tasks"], &all["extensions"]), (&tasks, &extensions));
    assert_eq!(all["experimental"], json!({"x": {"y": [1]}}));
    let old = declared(&gateway, "/mcp", "2025-06-18").await;
    assert_eq!((old.get("tasks"), &old["experimental"]), (None, &all["experimental"]), "{old}");
    let second = declared(&gateway, "/mcp/b", "2025-11-25").await;
    assert_eq!((second.get("tasks"), &second["extensions"]), (None, &json!({"both": 2})), "{second}");
    let some = declared(&gateway, "/mcp?shards=a", "2025-11-25").await;
    assert_eq!((&some["tasks"], some.get("experimental")), (&tasks, None), "{some}");
    let modern = gateway.modern("server/discover", json!({})).await.answer();
    let modern = &modern["result"]["capabilities"];
    assert_eq!((modern.get("tasks"), modern.get("experimental")), (None, None));
    assert_eq!(modern["extensions"], extensions);
    gateway.stop().await;
}

#[tokio::test]
async fn without_such_a_shard_nothing_is_promised() {
    let gateway = Gateway::builder().shard("a", fake_shard(&[])).start().await;
    gateway.until("a", "ready").await;
    let declared = declared(&gateway, "/mcp", "2025-11-25").await;
    for key in ["tasks", "experimental", "extensions"] {
        assert!(declared.get(key).is_none(), "{declared}");
    }
    gateway.stop().await;
}
