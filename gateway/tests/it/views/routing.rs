//! Calls, prompts, resources and completions stay inside their view.

use serde_json::json;

use super::{ERAS, Three};
use crate::support::{Journal, Legacy, eventually};

#[tokio::test]
async fn a_call_finds_the_shard_of_its_view_and_no_other() {
    let three = Three::start().await;
    let whoami = json!({"name": "whoami"});
    for era in ERAS {
        // One name, three answers: `plain` has it for all.
        for (path, shard) in [("/mcp", "plain"), ("/mcp/plain", "plain"), ("/mcp/modern", "modern")] {
            let result = three.result(era, path, "tools/call", whoami.clone()).await;
            assert_eq!(result["structuredContent"]["name"], shard, "{era} {path}");
        }
        let renamed = three.result(era, "/mcp/legacy", "tools/call", json!({"name": "who_am_I"})).await;
        assert_eq!(renamed["structuredContent"]["name"], "legacy");
        // Hidden tools, prefixed names and the tools of others are unknown, and not even suggested.
        for (path, name, near) in [
            ("/mcp/legacy", "crash", "crash"),
            ("/mcp/legacy", "whoami", "m__whoami"),
            ("/mcp/modern", "m__echo", "m__echo"),
            ("/mcp?shards=legacy,modern", "whoami", "\"whoami\""),
            ("/mcp?shards=plain", "m__whoami", "m__"),
        ] {
            let error = three.error(era, path, "tools/call", json!({"name": name})).await;
            assert_eq!(error["code"], -32602, "{era} {path} {name}: {error}");
            assert!(!error["data"]["nearest"].to_string().contains(near), "{era} {path} {name}: {error}");
        }
    }
    assert!(three.journal("legacy").of("tools/call").iter().all(|call| call["params"]["name"] == "whoami"));
    three.gateway.stop().await;
}

#[tokio::test]
async fn prompts_and_completions_keep_to_their_view() {
    let three = Three::start().await;
    let prompt = |name: &str| json!({"name": name, "arguments": {"name": "Ada"}});
    let complete = |reference: serde_json::Value| json!({"ref": reference, "argument": {"name": "name", "value": "a"}});
    for era in ERAS {
        for (path, name, shard) in [("/mcp/modern", "greet", "modern"), ("/mcp?shards=modern", "m__greet", "modern")] {
            let before = three.journal(shard).of("prompts/get").len();
            three.result(era, path, "prompts/get", prompt(name)).await;
            assert_eq!(three.journal(shard).of("prompts/get").len(), before + 1, "{era} {path}");
            let reference = complete(json!({"type": "ref/prompt", "name": name}));
            three.result(era, path, "completion/complete", reference).await;
            let asked = three.journal(shard).of("completion/complete").pop().unwrap();
            assert_eq!(asked["params"]["ref"]["name"], "greet", "{era} {path}");
        }
        for (path, name) in
            [("/mcp/modern", "m__greet"), ("/mcp?shards=legacy", "m__greet"), ("/mcp?shards=legacy", "greet")]
        {
            assert_eq!(
                three.error(era, path, "prompts/get", prompt(name)).await["code"],
                -32602,
                "{era} {path} {name}"
            );
            let reference = complete(json!({"type": "ref/prompt", "name": name}));
            assert_eq!(three.error(era, path, "completion/complete", reference).await["code"], -32602);
        }
    }
    three.gateway.stop().await;
}

#[tokio::test]
async fn a_uri_that_two_shards_have_is_read_at_each_of_them() {
    let three = Three::start().await;
    let read = json!({"uri": "shared://one"});
    for era in ERAS {
        for (path, shard) in [
            ("/mcp/legacy", "legacy"),
            ("/mcp/modern", "modern"),
            ("/mcp?shards=modern,plain", "modern"),
            ("/mcp?shards=legacy,modern", "legacy"),
            ("/mcp", "legacy"),
        ] {
            let result = three.result(era, path, "resources/read", read.clone()).await;
            assert_eq!(result["contents"][0]["text"], format!("{shard} has shared://one"), "{era} {path}");
        }
        let missing = if era == "legacy" { -32002 } else { -32602 };
        for path in ["/mcp?shards=plain", "/mcp/plain"] {
            assert_eq!(three.error(era, path, "resources/read", read.clone()).await["code"], missing, "{era} {path}");
        }
        let others = json!({"uri": "modern://own"});
        assert_eq!(three.error(era, "/mcp?shards=legacy,plain", "resources/read", others).await["code"], missing);
    }
    let problems = three.gateway.health().await["problems"].to_string();
    assert!(
        problems.contains("shared://one") && problems.contains("`/mcp/modern` has it"),
        "the one that gave way is told of: {problems}"
    );
    three.gateway.stop().await;
}

#[tokio::test]
async fn a_session_sees_at_each_address_what_that_address_shows() {
    let three = Three::start().await;
    let (mut client, _) = Legacy::open_at(&three.gateway, "/mcp/modern", "2025-11-25").await;
    assert!(client.tools().await.contains(&"echo".to_owned()));
    assert_eq!(client.ask("logging/setLevel", json!({"level": "error"})).await.status, 200);
    client.turn_to("/mcp?shards=plain");
    assert_eq!(client.tools().await, ["echo", "whoami", "sleep"]);
    client.turn_to("/mcp/legacy");
    let call = client.call("who_am_I", json!({})).await;
    assert_eq!(call["structuredContent"]["name"], "legacy", "a name means what it means at the address of the call");
    client.turn_to("/mcp/nowhere");
    assert_eq!(client.ask("tools/list", json!({})).await.status, 404);
    // The session has not ended by that, and ends for all addresses at once.
    client.turn_to("/mcp/modern");
    assert_eq!(client.ask("ping", json!({})).await.status, 200);
    let headers = [("mcp-session-id", &*client.session)];
    let deleted = three.gateway.http().await.send("DELETE", "/mcp/plain", &headers, "").await;
    assert_eq!(deleted.status, 204);
    assert_eq!(client.ask("ping", json!({})).await.status, 404);
    three.gateway.stop().await;
}

#[tokio::test]
async fn a_call_at_one_address_is_cancelled_by_its_id_at_another() {
    let three = Three::start().await;
    let (mut client, _) = Legacy::open_at(&three.gateway, "/mcp/legacy", "2025-11-25").await;
    let mut other = three.gateway.http().await;
    let session = client.session.clone();
    let journal: &Journal = three.journal("legacy");
    let cancel = async {
        let call = journal.call_of("hang").await;
        let headers = [("mcp-session-id", &*session)];
        // An id belongs to the session and not to the address.
        let again =
            json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "m__echo"}}).to_string();
        let refused = other.send("POST", "/mcp", &headers, again).await;
        assert_eq!(refused.code(), Some(-32600), "{refused:?}");
        let note =
            json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}).to_string();
        assert_eq!(other.send("POST", "/mcp?shards=plain", &headers, note).await.status, 202);
        journal.until_cancelled(&call).await;
    };
    let (cancelled, ()) = tokio::join!(client.ask("tools/call", json!({"name": "hang"})), cancel);
    assert_eq!(cancelled.status, 202);
    eventually("nothing is left", async || (three.gateway.shard("legacy").await["in_flight"] == 0).then_some(())).await;
    three.gateway.stop().await;
}

#[tokio::test]
async fn an_array_of_messages_keeps_to_the_view() {
    let three = Three::start().await;
    let (mut client, _) = Legacy::open_at(&three.gateway, "/mcp/modern", "2025-03-26").await;
    let call =
        |id: u64, name: &str| json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": name}});
    let answers = client.post(json!([call(1, "whoami"), call(2, "legacy__echo")]).to_string()).await.answer();
    let of = |id: u64| answers.as_array().unwrap().iter().find(|answer| answer["id"] == id).unwrap().clone();
    assert_eq!(of(1)["result"]["structuredContent"]["name"], "modern");
    assert_eq!(of(2)["error"]["code"], -32602);
    three.gateway.stop().await;
}

#[tokio::test]
async fn a_slash_at_the_end_of_an_address_changes_nothing() {
    let three = Three::start().await;
    for era in ERAS {
        for (path, slip) in
            [("/mcp", "/mcp/"), ("/mcp/modern", "/mcp/modern/"), ("/mcp?shards=plain", "/mcp/?shards=plain")]
        {
            let meant = three.listed(era, path, "tools", "name").await;
            assert_eq!(three.listed(era, slip, "tools", "name").await, meant, "{era} {slip}");
        }
        let result = three.result(era, "/mcp/modern/", "tools/call", json!({"name": "whoami"})).await;
        assert_eq!(result["structuredContent"]["name"], "modern", "{era}");
    }
    let (client, _) = Legacy::open_at(&three.gateway, "/mcp/plain/", "2025-11-25").await;
    let headers = [("mcp-session-id", &*client.session)];
    let stream = three.gateway.http().await.open("GET", "/mcp/plain/", &headers, "").await;
    assert_eq!(stream.status().as_u16(), 200);
    assert_eq!(three.gateway.http().await.send("DELETE", "/mcp/plain/", &headers, "").await.status, 204);
    three.gateway.stop().await;
}
