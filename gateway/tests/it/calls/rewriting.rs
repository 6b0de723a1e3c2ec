//! What is set and stripped on the way to a shard, and what of its answer.

use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::{ERAS, Pair, crossings, is_complete};

const PREFIX: &str = "io.modelcontextprotocol/";

#[tokio::test]
async fn a_call_carries_the_meta_keys_of_its_shards_era_and_its_answer_those_of_the_clients() {
    let pair = Pair::start().await;
    for (client, shard) in crossings() {
        let arguments = json!({"client": client, "n": 1.50});
        let params = json!({"name": format!("{shard}__echo"), "arguments": arguments, "extra": [1]});
        let meta = json!({"progressToken": "mine", "vendor.example/key": {"kept": true}});
        let answer = pair.ask(client, "tools/call", params, meta).await.answer();
        let result = &answer["result"];
        assert_eq!(result["structuredContent"], arguments);
        is_complete(result, client, shard);

        let calls = pair.journal(shard).of("tools/call");
        let call = calls.last().unwrap();
        assert_eq!((&call["params"]["name"], &call["params"]["arguments"]), (&json!("echo"), &arguments));
        assert_eq!(call["params"]["extra"], json!([1]));
        let meta = call["params"]["_meta"].as_object().unwrap();
        assert_eq!(meta["vendor.example/key"], json!({"kept": true}));
        assert_eq!(meta["progressToken"], call["id"], "the client's own token stays here");
        let mut keys: Vec<&str> = meta.keys().filter_map(|key| key.strip_prefix(PREFIX)).collect();
        keys.sort_unstable();
        let expected: &[&str] =
            if shard == "modern" { &["clientCapabilities", "clientInfo", "protocolVersion"] } else { &[] };
        assert_eq!(keys, expected, "{client} client, {shard} shard");
        if shard == "modern" {
            assert_eq!(meta[&format!("{PREFIX}protocolVersion")], "2026-07-28");
            assert_eq!(meta[&format!("{PREFIX}clientInfo")], json!({"name": "test", "version": "1"}));
            assert_eq!(meta[&format!("{PREFIX}clientCapabilities")], json!({}));
        }
    }
    pair.gateway.stop().await;
}

#[tokio::test]
async fn a_call_without_meta_gets_none_at_a_legacy_shard() {
    let pair = Pair::start().await;
    pair.result("legacy", "tools/call", json!({"name": "legacy__echo", "arguments": {}})).await;
    assert_eq!(pair.legacy.of("tools/call")[0]["params"], json!({"name": "echo", "arguments": {}}));
    pair.gateway.stop().await;
}

#[tokio::test]
async fn prompts_are_got_across_eras() {
    let pair = Pair::start().await;
    for (client, shard) in crossings() {
        let params = json!({"name": format!("{shard}__greet"), "arguments": {"name": "x"}});
        let result = pair.result(client, "prompts/get", params).await;
        assert_eq!(result["messages"][0]["content"]["text"], format!("{shard} has greet"));
        is_complete(&result, client, shard);
        let error = pair.error(client, "prompts/get", json!({"name": format!("{shard}__greeet")})).await;
        assert_eq!((&error["code"], &error["data"]["nearest"][0]), (&json!(-32602), &json!(format!("{shard}__greet"))));
    }
    pair.gateway.stop().await;
}

#[tokio::test]
async fn completions_find_their_prompt_and_their_template() {
    let files = ERAS.map(|era| {
        let file = NamedTempFile::new().unwrap();
        let template = json!([{"uriTemplate": format!("{era}://{{id}}"), "name": "t"}]);
        std::fs::write(file.path(), template.to_string()).unwrap();
        file
    });
    let flags = [0, 1].map(|at| ["--templates-file", files[at].path().to_str().unwrap()]);
    let pair = Pair::with_flags(&flags[0], &flags[1]).await;
    for (client, shard) in crossings() {
        let argument = json!({"name": "name", "value": "al"});
        for reference in [
            json!({"type": "ref/prompt", "name": format!("{shard}__greet")}),
            json!({"type": "ref/resource", "uri": format!("{shard}://{{id}}")}),
        ] {
            let params = json!({"ref": reference, "argument": argument});
            let result = pair.result(client, "completion/complete", params).await;
            assert_eq!(result["completion"]["values"], json!(["alpha", "beta"]));
            is_complete(&result, client, shard);
            let seen = pair.journal(shard).of("completion/complete");
            let mut own = reference.clone();
            if own["type"] == "ref/prompt" {
                own["name"] = json!("greet");
            }
            assert_eq!(seen.last().unwrap()["params"]["ref"], own);
        }
    }
    for params in [
        json!({"ref": {"type": "ref/prompt", "name": "legacy__nobody"}}),
        json!({"ref": {"type": "ref/other"}}),
        json!({}),
    ] {
        assert_eq!(pair.error("legacy", "completion/complete", params).await["code"], -32602);
    }
    pair.gateway.stop().await;
}

#[tokio::test]
async fn ping_and_log_levels_are_of_the_legacy_era_alone() {
    let pair = Pair::start().await;
    assert_eq!(pair.result("legacy", "ping", json!({})).await, json!({}));
    assert_eq!(pair.result("legacy", "logging/setLevel", json!({"level": "error"})).await, json!({}));
    let wrong = pair.error("legacy", "logging/setLevel", json!({"level": "loud"})).await;
    assert_eq!(wrong["code"], -32602);
    assert!(wrong["message"].as_str().unwrap().contains("debug, info, notice"), "{wrong}");
    for method in ["ping", "logging/setLevel", "resources/subscribe", "vendor/unheard_of"] {
        let response = pair.ask("modern", method, json!({"level": "error"}), json!({})).await;
        assert_eq!((response.status, response.code()), (404, Some(-32601)), "{method}");
    }
    for method in ["server/discover", "subscriptions/listen", "vendor/unheard_of"] {
        let response = pair.ask("legacy", method, json!({}), json!({})).await;
        assert_eq!((response.status, response.code()), (200, Some(-32601)), "{method}");
    }
    pair.gateway.stop().await;
}

#[tokio::test]
async fn what_else_is_in_a_result_arrives_in_both_eras() {
    let pair = Pair::start().await;
    for (client, shard) in crossings() {
        let mut own = json!({"content": [], "isError": false, "vendor": {"z": 1, "a": null}, "_meta": {"x": 1}});
        if shard == "modern" {
            own["resultType"] = json!("complete");
        }
        let params = json!({"name": format!("{shard}__raw_result"), "arguments": {"result": own}});
        let mut result = pair.result(client, "tools/call", params).await;
        is_complete(&result, client, shard);
        for result in [&mut result, &mut own] {
            result.as_object_mut().unwrap().remove("resultType");
        }
        assert_eq!(result, own, "{client} client, {shard} shard");
    }
    pair.gateway.stop().await;
}

#[tokio::test]
async fn a_modern_shard_that_only_ever_wants_input_costs_a_legacy_client_one_clear_error() {
    let pair = Pair::start().await;
    let asking = json!({"resultType": "input_required", "inputRequests": {}, "requestState": "s"});
    let params = json!({"name": "modern__raw_result", "arguments": {"result": asking}});
    let result = pair.result("legacy", "tools/call", params.clone()).await;
    let Value::String(text) = &result["content"][0]["text"] else { panic!("{result}") };
    assert!(result["isError"] == true && text.contains("it asks for input"), "{result}");
    assert_eq!(pair.result("modern", "tools/call", params).await, asking, "a modern client can answer itself");
    pair.gateway.stop().await;
}
