//! Names: what is exposed, what is not, and what a wrong one is told.

use serde_json::{Value, json};

use super::{ERAS, Pair};
use crate::support::{Gateway, Legacy, eventually, fake_shard};

#[tokio::test]
async fn an_unknown_tool_is_told_with_the_nearest_names() {
    let pair = Pair::start().await;
    for client in ERAS {
        let error = pair.error(client, "tools/call", json!({"name": "legacy__whoamy"})).await;
        assert_eq!((&error["code"], &error["data"]["nearest"][0]), (&json!(-32602), &json!("legacy__whoami")));
        assert!(error["message"].as_str().unwrap().contains("did you mean `legacy__whoami`"), "{error}");
        let error = pair.error(client, "tools/call", json!({"name": "x".repeat(5000)})).await;
        assert!(error.to_string().len() < 1000, "what is told is short");
        for params in [json!({}), json!({"name": 7}), json!({"name": null})] {
            assert_eq!(pair.error(client, "tools/call", params).await["code"], -32602);
        }
    }
    pair.gateway.stop().await;
}

#[tokio::test]
async fn rules_for_tools_hold_on_lists_and_on_calls() {
    let rules = "tools: { allow: [echo, whoami, \"s*\"], deny: [sleep], rename: { whoami: who } }\n";
    let pair = Pair::with_file(rules).await;
    let mut client = Legacy::open(&pair.gateway, "2025-11-25").await;
    let mut tools = client.tools().await;
    tools.retain(|name| name.starts_with("legacy__"));
    tools.sort_unstable();
    assert_eq!(tools, ["legacy__echo", "legacy__spaced", "legacy__stderr", "legacy__string_id", "legacy__who"]);
    for era in ERAS {
        let who = pair.result(era, "tools/call", json!({"name": "legacy__who"})).await;
        assert_eq!(who["structuredContent"]["name"], "legacy");
        for hidden in ["sleep", "crash", "whoami"] {
            let hidden = format!("legacy__{hidden}");
            let error = pair.error(era, "tools/call", json!({"name": hidden})).await;
            assert_eq!(error["code"], -32602, "{hidden}");
            assert!(!error["data"]["nearest"].to_string().contains(&hidden), "{error}");
        }
    }
    let calls = pair.legacy.of("tools/call");
    assert!(calls.iter().all(|call| call["params"]["name"] == "whoami"), "{calls:?}");
    assert_eq!(calls.len(), 2);
    pair.gateway.stop().await;
}

#[tokio::test]
async fn a_name_that_two_shards_want_stays_with_its_holder_for_as_long_as_that_has_a_file() {
    let file = |name: &str| fake_shard(&["--name", name]) + "prefix: \"\"\n";
    let gateway = Gateway::builder().shard("second", file("second")).start().await;
    gateway.until("second", "ready").await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    let mut holder = async || client.call("whoami", json!({})).await["structuredContent"]["name"].clone();
    assert_eq!(holder().await, "second");

    gateway.write_shard("first", &file("first"));
    gateway.until("first", "ready").await;
    assert_eq!(holder().await, "second", "though the other comes first in the order of names");
    let problems = gateway.health().await["problems"].clone();
    let told = |problem: &Value| {
        let text = problem.to_string();
        text.contains("whoami") && text.contains("first.yaml") && text.contains("second")
    };
    assert!(problems.as_array().unwrap().iter().any(told), "{problems}");

    // A holder that is down still holds the name.
    let pid = gateway.shard("second").await["pid"].clone();
    Legacy::open(&gateway, "2025-11-25").await.call("crash", json!({})).await;
    assert_eq!(holder().await, "second");
    assert_ne!(gateway.until("second", "ready").await["pid"], pid);

    gateway.remove_shard("second");
    eventually("the name passes on", async || {
        let result = client.ask("tools/call", json!({"name": "whoami"})).await.answer()["result"].take();
        (result["structuredContent"]["name"] == "first").then_some(())
    })
    .await;
    gateway.stop().await;
}
