//! What precedes an answer: progress and logs.

use serde_json::{Value, json};

use super::{ERAS, Pair, crossings};
use crate::support::{Gateway, Legacy, eventually, fake_shard};

const LEVEL: &str = "io.modelcontextprotocol/logLevel";

#[tokio::test]
async fn progress_comes_in_order_before_the_answer_with_the_clients_own_token() {
    let pair = Pair::start().await;
    for (client, shard) in crossings() {
        for token in [json!("a \"token\""), json!(7), json!("7")] {
            let params = json!({"name": format!("{shard}__progress"), "arguments": {"n": 20}});
            let response = pair.ask(client, "tools/call", params, json!({"progressToken": token})).await;
            assert_eq!(response.headers["content-type"], "text/event-stream");
            let mut messages = response.messages();
            let answer = messages.pop().unwrap();
            assert_eq!(answer["result"]["content"][0]["text"], "20 steps");
            let steps: Vec<_> =
                messages.iter().map(|message| message["params"]["progress"].as_u64().unwrap()).collect();
            assert_eq!(steps, (1..=20).collect::<Vec<_>>());
            for message in &messages {
                assert_eq!(message["method"], "notifications/progress");
                assert_eq!(message["params"]["progressToken"], token);
            }
        }
    }
    pair.gateway.stop().await;
}

fn logged(messages: &[Value]) -> usize {
    messages.iter().filter(|message| message["method"] == "notifications/message").count()
}

#[tokio::test]
async fn logs_reach_the_only_caller_at_the_level_that_it_wants() {
    let pair = Pair::start().await;
    for shard in ERAS {
        let params = json!({"name": format!("{shard}__log"), "arguments": {"n": 3}});
        for (level, expected) in [("debug", 3), ("info", 3), ("warning", 0), ("emergency", 0)] {
            let response = pair.ask("modern", "tools/call", params.clone(), json!({(LEVEL): level})).await;
            assert_eq!(logged(&response.messages()), expected, "modern client, {shard} shard, {level}");
            let mut client = Legacy::open(&pair.gateway, "2025-11-25").await;
            client.ask("logging/setLevel", json!({"level": level})).await;
            let messages = client.ask("tools/call", params.clone()).await.messages();
            assert_eq!(logged(&messages), expected, "legacy client, {shard} shard, {level}");
            assert_eq!(messages.last().unwrap()["result"]["content"][0]["text"], "ok");
        }
        let silent = pair.ask("modern", "tools/call", params.clone(), json!({})).await;
        assert_eq!(logged(&silent.messages()), 0, "a modern client that asks for no logs hears none");
        let heard = pair.ask("legacy", "tools/call", params, json!({})).await;
        assert_eq!(logged(&heard.messages()), 3, "a legacy client that has not said hears all");
    }
    pair.gateway.stop().await;
}

#[tokio::test]
async fn logs_are_for_nobody_when_two_clients_could_be_meant() {
    let pair = Pair::start().await;
    for shard in ERAS {
        let mut one = Legacy::open(&pair.gateway, "2025-11-25").await;
        let mut other = Legacy::open(&pair.gateway, "2025-11-25").await;
        let headers = [("mcp-session-id", &*one.session.clone())];
        let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}});
        let (hung, logs) = tokio::join!(one.ask("tools/call", json!({"name": format!("{shard}__hang")})), async {
            pair.journal(shard).call_of("hang").await;
            let params = json!({"name": format!("{shard}__log"), "arguments": {"n": 3}});
            let logs = other.ask("tools/call", params).await;
            pair.gateway.http().await.send("POST", "/mcp", &headers, cancel.to_string()).await;
            logs
        });
        assert_eq!((hung.status, logged(&logs.messages())), (202, 0));
    }
    pair.gateway.stop().await;
}

#[tokio::test]
async fn logs_for_nobody_are_in_the_gateways_log_without_secrets() {
    let shard = format!("{}env: {{ API_TOKEN: hunter2-and-more }}\n", fake_shard(&[]));
    let gateway = Gateway::builder().shard("fake", shard).start().await;
    gateway.until("fake", "ready").await;
    let params = r#"{"level":"error","data":"the token is hunter2-and-more"}"#;
    let arguments = json!({"method": "notifications/message", "pieces": [params]});
    // A modern request that names no level hears no logs.
    gateway.modern("tools/call", json!({"name": "fake__raw_notice", "arguments": arguments})).await;
    let log = eventually("it is logged", async || Some(gateway.log()).filter(|log| log.contains("the token is ***")));
    let log = log.await;
    assert!(!log.contains("hunter2"), "{log}");
    gateway.stop().await;
}

#[tokio::test]
async fn shards_hear_the_most_verbose_level_of_all_clients_each_in_its_own_way() {
    let pair = Pair::start().await;
    let level = async |level: &str| {
        let mut client = Legacy::open(&pair.gateway, "2025-11-25").await;
        assert_eq!(client.ask("logging/setLevel", json!({"level": level})).await.answer()["result"], json!({}));
        client
    };
    let told = async |expected: &[&str]| {
        eventually(&format!("the shard hears {expected:?}"), async || {
            let levels = pair.legacy.of("logging/setLevel");
            let levels: Vec<_> = levels.iter().map(|set| set["params"]["level"].as_str().unwrap()).collect();
            (levels == expected).then_some(())
        })
        .await;
    };
    let mut error = level("error").await;
    told(&["error"]).await;
    let mut info = level("info").await;
    told(&["error", "info"]).await;
    let _less = level("critical").await;
    for (client, expected) in [(&mut error, "error"), (&mut info, "info")] {
        client.call("modern__echo", json!({})).await;
        let call = pair.modern.of("tools/call").pop().unwrap();
        assert_eq!(call["params"]["_meta"][LEVEL], expected, "a modern shard hears it with each call");
    }
    assert!(pair.modern.of("logging/setLevel").is_empty());
    let headers = [("mcp-session-id", &*info.session)];
    assert_eq!(pair.gateway.http().await.send("DELETE", "/mcp", &headers, "").await.status, 204);
    told(&["error", "info", "error"]).await;
    pair.gateway.stop().await;
}

#[tokio::test]
async fn a_legacy_shard_hears_the_level_of_a_call_before_the_call() {
    let pair = Pair::start().await;
    let params = json!({"name": "legacy__echo", "arguments": {}});
    pair.ask("modern", "tools/call", params.clone(), json!({})).await;
    assert!(pair.legacy.of("logging/setLevel").is_empty(), "a modern client that asks for no logs changes nothing");
    for level in ["info", "debug", "error"] {
        pair.ask("modern", "tools/call", params.clone(), json!({(LEVEL): level})).await;
    }
    let mut client = Legacy::open(&pair.gateway, "2025-11-25").await;
    client.ask("logging/setLevel", json!({"level": "warning"})).await;
    client.call("legacy__echo", json!({})).await;
    let messages = pair.legacy.messages();
    let steps = messages.iter().filter_map(|message| match message["method"].as_str()? {
        "logging/setLevel" => message["params"]["level"].as_str(),
        "tools/call" => Some("call"),
        _ => None,
    });
    let steps: Vec<_> = steps.collect();
    assert_eq!(steps, ["call", "info", "call", "debug", "call", "call", "call"], "no less while others may come");
    pair.gateway.stop().await;
}

#[tokio::test]
async fn a_session_is_heard_at_its_level_by_the_call_that_follows() {
    let pair = Pair::start().await;
    let mut client = Legacy::open(&pair.gateway, "2025-11-25").await;
    for level in ["error", "info", "debug"] {
        client.ask("logging/setLevel", json!({"level": level})).await;
        client.call("legacy__echo", json!({})).await;
        let messages = pair.legacy.messages();
        let [.., set, call] = &messages[..] else { panic!("{messages:?}") };
        assert_eq!((&set["params"]["level"], &call["method"]), (&json!(level), &json!("tools/call")));
    }
    pair.gateway.stop().await;
}

#[tokio::test]
async fn what_no_revision_knows_reaches_the_only_client_with_a_call_untouched() {
    let pair = Pair::start().await;
    let params = r#"{"elicitationId": "e-1", "vendor": {"b": 1.50, "a": [ ]}}"#;
    for method in ["notifications/elicitation/complete", "notifications/vendor/said"] {
        let arguments = json!({"method": method, "pieces": [params]});
        let call = json!({"name": "legacy__raw_notice", "arguments": arguments});
        let response = pair.ask("legacy", "tools/call", call.clone(), json!({})).await;
        let expected = format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#);
        assert!(response.text().contains(&expected), "{}", response.text());
        let silent = pair.ask("modern", "tools/call", call, json!({})).await;
        assert_eq!(silent.messages().len(), 1, "a modern client that asks for no notices hears none");
        let log = pair.gateway.log();
        assert!(!log.contains("e-1"), "{log}");
    }
    pair.gateway.stop().await;
}

#[tokio::test]
async fn what_no_revision_knows_is_for_nobody_when_two_clients_could_be_meant() {
    const SAID: &str = "notifications/vendor/said";
    let pair = Pair::start().await;
    let mut one = Legacy::open(&pair.gateway, "2025-11-25").await;
    let mut other = Legacy::open(&pair.gateway, "2025-11-25").await;
    let headers = [("mcp-session-id", &*one.session.clone())];
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}});
    let (hung, said) = tokio::join!(one.ask("tools/call", json!({"name": "legacy__hang"})), async {
        pair.legacy.call_of("hang").await;
        let arguments = json!({"method": SAID, "pieces": ["{}"]});
        let said = other.ask("tools/call", json!({"name": "legacy__raw_notice", "arguments": arguments})).await;
        pair.gateway.http().await.send("POST", "/mcp", &headers, cancel.to_string()).await;
        said
    });
    assert_eq!((hung.status, said.messages().len()), (202, 1));
    eventually("the gateway logs it", async || {
        let log = pair.gateway.log();
        (log.contains("for no single client") && log.contains(SAID)).then_some(())
    })
    .await;
    pair.gateway.stop().await;
}
