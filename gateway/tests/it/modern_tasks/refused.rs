//! What clients are refused, and by whom.

use serde_json::{Value, json};

use super::{at, declaring, gateway, ids};
use crate::support::{Gateway, Journal, modern_meta};

#[tokio::test]
async fn whoever_has_not_declared_the_extension_gets_the_plain_result_or_the_shards_own_refusal() {
    let journal = Journal::new();
    let gateway = gateway(&[("one", &journal)], "").await;
    let plain = json!({"name": "one__echo", "arguments": {"job": {"ms": 1}}});
    let answer = gateway.modern("tools/call", plain).await.answer();
    assert_eq!((&answer["result"]["resultType"], answer["result"].get("taskId")), (&json!("complete"), None));
    let required = json!({"name": "one__echo", "arguments": {"job": {"required": true}}});
    let refused = gateway.modern("tools/call", required).await;
    assert_eq!((refused.status, refused.code()), (400, Some(-32021)));
    let data = r#""data":{"requiredCapabilities":{"extensions":{"io.modelcontextprotocol/tasks":{ }}}}"#;
    assert!(refused.text().contains(data), "as the shard has written it: {}", refused.text());

    let id = at(&gateway, "/mcp").make("one__echo", json!({})).await;
    for id in [&*id, "unknown"] {
        for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
            let refused = gateway.modern(method, json!({"taskId": id, "inputResponses": {}})).await;
            assert_eq!((refused.status, refused.code()), (400, Some(-32021)), "{method} {id}");
            let error = &refused.answer()["error"];
            let required = json!({"requiredCapabilities": {"extensions": {"io.modelcontextprotocol/tasks": {}}}});
            assert_eq!(error["data"], required);
            assert!(error["message"].as_str().unwrap().starts_with("declare the extension"), "{error}");
            assert!(ids(&journal, method).is_empty());
        }
    }
    gateway.stop().await;
}

#[tokio::test]
async fn an_unknown_id_is_refused_and_no_shard_is_asked() {
    let (one, two) = (Journal::new(), Journal::new());
    let gateway = gateway(&[("one", &one), ("two", &two)], "").await;
    let clients = at(&gateway, "/mcp");
    let id = clients.make("one__echo", json!({})).await;
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        for unknown in [json!("job-2"), json!(""), json!("job-1~1"), json!("JOB-1"), json!("x".repeat(2000))] {
            let refused = ask_as(&gateway, method, json!({"taskId": unknown}), unknown.as_str()).await;
            assert_eq!(refused, (200, Some(-32602)), "{method} {unknown}");
        }
        for unreadable in [json!({"taskId": 7}), json!({"taskId": null}), json!({})] {
            let refused = ask_as(&gateway, method, unreadable.clone(), None).await;
            assert_eq!(refused, (200, Some(-32602)), "{method} {unreadable}");
        }
        let error = at(&gateway, "/mcp/two").follow(method, &id).await;
        assert_eq!(error["code"], -32602, "its shard is not to be seen there");
        assert!(error["message"].as_str().unwrap().contains("unknown task `job-1`"), "{error}");
        assert!(ids(&one, method).is_empty() && ids(&two, method).is_empty());
    }
    assert_eq!(at(&gateway, "/mcp/one").follow("tasks/get", &id).await["status"], "working");
    gateway.stop().await;
}

/// The status and the code of a request with this `Mcp-Name`.
async fn ask_as(gateway: &Gateway, method: &str, mut params: Value, name: Option<&str>) -> (u16, Option<i64>) {
    params["_meta"] = modern_meta();
    for (key, value) in declaring().as_object().unwrap() {
        params["_meta"][key] = value.clone();
    }
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let mut headers = vec![("mcp-protocol-version", "2026-07-28"), ("mcp-method", method)];
    headers.extend(name.map(|name| ("mcp-name", name)));
    let response = gateway.http().await.send("POST", "/mcp", &headers, request.to_string()).await;
    (response.status, response.code())
}

#[tokio::test]
async fn the_header_must_name_the_task_as_the_client_knows_it() {
    let (one, two) = (Journal::new(), Journal::new());
    let gateway = gateway(&[("one", &one), ("two", &two)], "").await;
    let clients = at(&gateway, "/mcp");
    clients.make("one__echo", json!({})).await;
    let id = clients.make("two__echo", json!({})).await;
    let (taken, refused) = ((200, None), (400, Some(-32020)));
    for (name, expected) in [(Some(&*id), taken), (Some("job-1"), refused), (Some(""), refused), (None, refused)] {
        for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
            let answer = ask_as(&gateway, method, json!({"taskId": id}), name).await;
            assert_eq!(answer, expected, "{method} {name:?}");
        }
    }
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        assert_eq!((ids(&one, method), ids(&two, method)), (vec![], vec![json!("job-1")]), "{method}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn what_only_the_legacy_era_has_is_not_found() {
    let journal = Journal::new();
    let gateway = gateway(&[("one", &journal)], "").await;
    let clients = at(&gateway, "/mcp");
    let id = clients.make("one__echo", json!({})).await;
    for method in ["tasks/list", "tasks/result"] {
        let refused = clients.ask(method, json!({"taskId": id})).await;
        assert_eq!((refused.status, refused.code()), (404, Some(-32601)), "{method}");
        assert!(journal.of(method).is_empty());
    }
    gateway.stop().await;
}
