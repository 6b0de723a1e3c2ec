//! What results carry: what the client's revision demands is there, and nothing that its clients would choke on.

use serde_json::{Value, json};

use super::listed;
use crate::support::{Gateway, Legacy, fake_shard};

const ERAS: [&str; 2] = ["legacy", "modern"];

async fn pair() -> Gateway {
    let modern = ["--era", "modern", "--ttl-ms", "5000", "--cache-scope", "public"];
    let builder = Gateway::builder().shard("legacy", fake_shard(&[])).shard("modern", fake_shard(&modern));
    let gateway = builder.start().await;
    for era in ERAS {
        gateway.until(era, "ready").await;
    }
    gateway
}

/// What a shard answers, by method, at its own address; the last says whether the result may be kept.
fn requests() -> [(&'static str, Value, bool); 8] {
    let prompt = json!({"name": "greet", "arguments": {"name": "x"}});
    let reference = json!({"ref": {"type": "ref/prompt", "name": "greet"}, "argument": {"name": "name", "value": ""}});
    [
        ("tools/list", json!({}), true),
        ("prompts/list", json!({}), true),
        ("resources/list", json!({}), true),
        ("resources/templates/list", json!({}), true),
        ("resources/read", json!({"uri": "fake://one"}), true),
        ("tools/call", json!({"name": "echo", "arguments": {}}), false),
        ("prompts/get", prompt, false),
        ("completion/complete", reference, false),
    ]
}

#[tokio::test]
async fn a_modern_client_gets_complete_results_with_hints_where_they_belong_from_every_shard() {
    let gateway = pair().await;
    for era in ERAS {
        for (method, params, is_kept) in requests() {
            let answer = gateway.modern_at(&format!("/mcp/{era}"), method, params, json!({})).await.answer();
            let result = &answer["result"];
            assert_eq!(result["resultType"], "complete", "{era} {method}: {answer}");
            let hints = match (is_kept, era) {
                (false, _) => (None, None),
                (true, "legacy") => (Some(json!(0)), Some(json!("private"))),
                (true, _) => (Some(json!(5000)), Some(json!("public"))),
            };
            let told = (result.get("ttlMs").cloned(), result.get("cacheScope").cloned());
            assert_eq!(told, hints, "{era} {method}: {answer}");
        }
    }
    let discovered = gateway.modern("server/discover", json!({})).await.answer()["result"].take();
    assert_eq!(discovered["resultType"], "complete");
    assert_eq!(discovered["supportedVersions"], json!(["2026-07-28"]));
    assert_eq!((&discovered["ttlMs"], &discovered["cacheScope"]), (&json!(0), &json!("private")));
    assert_eq!(discovered["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "mcp-gateway");
    assert!(discovered["capabilities"]["tools"].is_object(), "{discovered}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_result_of_a_legacy_shard_reaches_a_legacy_client_without_members_of_the_modern_era() {
    let gateway = pair().await;
    for (method, params, _) in requests() {
        let (mut client, _) = Legacy::open_at(&gateway, "/mcp/legacy", "2025-11-25").await;
        let answer = client.ask(method, params).await.answer();
        for key in ["resultType", "ttlMs", "cacheScope"] {
            assert!(answer["result"].is_object() && answer["result"].get(key).is_none(), "{method} {key}: {answer}");
        }
    }
    gateway.stop().await;
}

#[tokio::test]
async fn schemas_and_structures_that_only_the_modern_era_knows_do_not_break_a_legacy_client() {
    let object = json!({"type": "object", "properties": {"n": {"type": "integer"}}});
    let tool =
        |name: &str, output: Value| json!({"name": name, "inputSchema": {"type": "object"}, "outputSchema": output});
    let tools = listed(&json!([
        tool("array", json!({"type": "array", "items": {"type": "integer"}})),
        tool("object", object.clone()),
        tool("any", json!({"anyOf": [object, {"type": "null"}]})),
        {"name": "raw_result", "inputSchema": {"type": "object"}},
    ]));
    let flags = ["--era", "modern", "--tools-file", tools.path().to_str().unwrap()];
    let gateway = Gateway::builder().shard("fake", fake_shard(&flags)).start().await;
    gateway.until("fake", "ready").await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    let listed = client.ask("tools/list", json!({})).await.answer()["result"]["tools"].take();
    let outputs: Vec<_> = listed.as_array().unwrap().iter().map(|tool| tool.get("outputSchema").cloned()).collect();
    assert_eq!(outputs, [None, Some(object), None, None]);
    let listed = gateway.modern("tools/list", json!({})).await.answer()["result"]["tools"].take();
    assert!((0..3).all(|at| listed[at]["outputSchema"].is_object()), "{listed}");

    for structured in [json!([1, 2]), json!("text"), json!(null), json!({"n": 1})] {
        let own = json!({"resultType": "complete", "content": [], "structuredContent": structured});
        let params = json!({"name": "fake__raw_result", "arguments": {"result": own}});
        let called = client.ask("tools/call", params.clone()).await.answer()["result"]["structuredContent"].take();
        let expected = if structured.is_object() { structured.clone() } else { json!({"result": structured}) };
        assert_eq!(called, expected);
        let called = gateway.modern("tools/call", params).await.answer()["result"]["structuredContent"].take();
        assert_eq!(called, structured);
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_resource_that_its_shard_has_not_has_the_code_of_the_clients_era_and_its_uri() {
    let gateway = pair().await;
    let params = json!({"uri": "fake://nobody"});
    for era in ERAS {
        let path = format!("/mcp/{era}");
        let response = gateway.modern_at(&path, "resources/read", params.clone(), json!({})).await;
        let error = response.answer()["error"].take();
        assert_eq!((response.status, &error["code"]), (200, &json!(-32602)), "{era}: {error}");
        assert_eq!(error["data"]["uri"], "fake://nobody", "{era}: {error}");
        let (mut client, _) = Legacy::open_at(&gateway, &path, "2025-11-25").await;
        let error = client.ask("resources/read", params.clone()).await.answer()["error"].take();
        assert_eq!(error["code"], -32002, "{era}: {error}");
    }
    gateway.stop().await;
}
