//! The HTTP+SSE door of revision 2024-11-05, as its clients see it.

mod ending;
mod refusing;
mod unread;

use serde_json::{Value, json};

use crate::support::{Gateway, Journal, Sse, eventually, fake_shard, modern_meta};

const REVISION: &str = "2024-11-05";

#[tokio::test]
async fn a_session_lists_and_calls_and_each_message_is_taken_with_202() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = Sse::open_at(&gateway, "/sse").await;
    let (path, id) = client.address.split_once("?sessionId=").unwrap();
    assert_eq!((path, id.len()), ("/messages", 32), "{}", client.address);
    let result = client.initialize(REVISION, json!({})).await;
    assert_eq!(result["serverInfo"]["name"], "mcp-gateway");
    client.request(1, "tools/list", json!({})).await;
    let answer = client.answer(1).await;
    let tools = answer["result"]["tools"].as_array().unwrap();
    assert!(tools.iter().any(|tool| tool["name"] == "fake__echo"), "{answer}");
    assert_eq!(client.call(2, "fake__echo", json!({"a": 1.50})).await["structuredContent"], json!({"a": 1.50}));
    client.request("none", "tools/call", json!({"name": "fake__ecko"})).await;
    let refused = client.answer("none").await;
    assert_eq!(refused["error"]["code"], -32602, "{refused}");
    gateway.stop().await;
}

#[tokio::test]
async fn the_notices_of_a_call_come_before_its_answer() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    let mut client = Sse::open(&gateway, REVISION).await;
    let params = json!({"name": "fake__progress", "arguments": {"n": 3}, "_meta": {"progressToken": "p"}});
    client.request(1, "tools/call", params).await;
    for n in 1..=3 {
        let notice = client.next().await.unwrap();
        assert_eq!((&notice["params"]["progressToken"], &notice["params"]["progress"]), (&json!("p"), &json!(n)));
    }
    assert_eq!(client.next().await.unwrap()["id"], 1);
    gateway.stop().await;
}

#[tokio::test]
async fn a_client_hears_of_a_shard_that_comes_and_finds_its_tools() {
    let gateway = Gateway::builder().shard("one", fake_shard(&[])).start().await;
    gateway.until("one", "ready").await;
    let mut client = Sse::open(&gateway, REVISION).await;
    client.call("settled", "one__echo", json!({})).await;
    gateway.write_shard("two", &fake_shard(&[]));
    while client.next().await.unwrap()["method"] != "notifications/tools/list_changed" {}
    client.call("found", "two__echo", json!({})).await;
    gateway.stop().await;
}

#[tokio::test]
async fn the_address_of_the_stream_decides_what_its_session_sees() {
    let gateway =
        Gateway::builder().shard("a", fake_shard(&[])).shard("b", fake_shard(&[])).shard("c", fake_shard(&[])).start();
    let gateway = gateway.await;
    for name in ["a", "b", "c"] {
        gateway.until(name, "ready").await;
    }
    let cases = [
        ("/sse/", &["a__echo", "b__echo", "c__echo"][..]),
        ("/sse/b", &["echo"]),
        ("/sse/b/", &["echo"]),
        ("/sse?shards=a,c", &["a__echo", "c__echo"]),
    ];
    for (path, expected) in cases {
        let mut client = Sse::open_at(&gateway, path).await;
        client.initialize(REVISION, json!({})).await;
        client.request(1, "tools/list", json!({})).await;
        let answer = client.answer(1).await;
        let names = answer["result"]["tools"].as_array().unwrap().iter().filter_map(|tool| tool["name"].as_str());
        let mut echoes: Vec<_> = names.filter(|name| name.ends_with("echo")).collect();
        echoes.sort_unstable();
        assert_eq!(echoes, expected, "{path}");
        client.call(2, expected[0], json!({})).await;
    }
    gateway.stop().await;
}

#[tokio::test]
async fn sessions_that_use_the_same_ids_and_tokens_hear_their_own_answers_only() {
    const CLIENTS: usize = 4;
    const CALLS: usize = 50;
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(Sse::open(&gateway, REVISION).await);
    }
    for call in 0..CALLS {
        for (number, client) in clients.iter_mut().enumerate() {
            let (name, arguments) = match call % 2 {
                0 => ("fake__echo", json!({"of": number})),
                _ => ("fake__progress", json!({"n": number + 1})),
            };
            let params = json!({"name": name, "arguments": arguments, "_meta": {"progressToken": call}});
            client.request(call, "tools/call", params).await;
        }
    }
    for (number, client) in clients.iter_mut().enumerate() {
        let (mut answers, mut notices) = (vec![Value::Null; CALLS], vec![0; CALLS]);
        while answers.contains(&Value::Null) {
            let message = client.next().await.unwrap();
            match message["id"].as_u64() {
                Some(id) => answers[usize::try_from(id).unwrap()] = message,
                None => {
                    let token = usize::try_from(message["params"]["progressToken"].as_u64().unwrap()).unwrap();
                    assert_eq!(answers[token], Value::Null, "progress after the answer");
                    notices[token] += 1;
                }
            }
        }
        for call in 0..CALLS {
            let expected = if call % 2 == 0 { 0 } else { number + 1 };
            assert_eq!(notices[call], expected, "client {number}, call {call}");
            let of = &answers[call]["result"]["structuredContent"]["of"];
            assert!(call % 2 == 1 || *of == number, "client {number}, call {call}: {of}");
        }
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_question_of_a_shard_comes_on_the_stream_and_is_answered_by_a_post() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = Sse::open_as(&gateway, "2025-11-25", json!({"elicitation": {}})).await;
    let mut other = Sse::open(&gateway, REVISION).await;
    let params = json!({"message": "how many?", "requestedSchema": {"type": "object", "properties": {}}});
    let ask = json!({"method": "elicitation/create", "params": params});
    client.request(1, "tools/call", json!({"name": "fake__ask", "arguments": ask})).await;
    let question = client.next().await.unwrap();
    assert_eq!((&question["method"], &question["params"]), (&json!("elicitation/create"), &params));
    // Not the one who was asked.
    other.respond(&question, json!({"action": "decline"})).await;
    let result = json!({"action": "accept", "content": {"n": 1.50}});
    client.respond(&question, result.clone()).await;
    assert_eq!(client.answer(1).await["result"]["structuredContent"]["result"], result);
    gateway.stop().await;
}

#[tokio::test]
async fn a_call_is_cancelled_by_its_own_client_only_and_is_not_answered() {
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("fake", journal.fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = Sse::open(&gateway, REVISION).await;
    let mut other = Sse::open(&gateway, REVISION).await;
    client.request(7, "tools/call", json!({"name": "fake__hang"})).await;
    journal.call_of("hang").await;
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}});
    other.send(cancel.clone()).await;
    other.call(1, "fake__echo", json!({})).await;
    assert_eq!(journal.cancelled(), Vec::<Value>::new());
    client.send(cancel).await;
    eventually("the shard is told", async || (journal.cancelled().len() == 1).then_some(())).await;
    client.call(8, "fake__echo", json!({})).await;
    assert_eq!(client.heard(), Vec::<Value>::new(), "a cancelled call has no answer");
    gateway.stop().await;
}

#[tokio::test]
async fn the_log_level_of_a_session_is_its_own() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = Sse::open(&gateway, REVISION).await;
    client.request("level", "logging/setLevel", json!({"level": "emergency"})).await;
    assert_eq!(client.answer("level").await["result"], json!({}));
    client.call(1, "fake__log", json!({"n": 2})).await;
    assert_eq!(client.heard(), Vec::<Value>::new());
    client.request("level", "logging/setLevel", json!({"level": "debug"})).await;
    client.answer("level").await;
    client.call(2, "fake__log", json!({"n": 2})).await;
    let heard = client.heard();
    assert!(heard.len() == 2 && heard.iter().all(|message| message["method"] == "notifications/message"), "{heard:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn arrays_and_modern_requests_are_served_as_over_stdio() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = Sse::open(&gateway, "2025-03-26").await;
    let echo = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "fake__echo"}});
    client.send(json!([{"jsonrpc": "2.0", "id": 1, "method": "ping"}, echo])).await;
    assert_eq!(client.next().await.unwrap().as_array().unwrap().len(), 2);
    client.request("probe", "server/discover", json!({"_meta": modern_meta()})).await;
    assert_eq!(client.answer("probe").await["result"]["supportedVersions"], json!(["2026-07-28"]));
    gateway.stop().await;
}
