//! What goes through, both ways, while the gateway is there.

use serde_json::{Value, json};

use super::{joined_at, joined_by_folder, modern, next};
use crate::support::{Gateway, Journal, fake_shard};

#[tokio::test]
async fn both_eras_are_carried_on_one_pipe_to_the_gateway_that_runs_here() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = joined_by_folder(&gateway);
    client.request("probe", "server/discover", modern(json!({}))).await;
    assert_eq!(client.answer("probe").await["result"]["supportedVersions"], json!(["2026-07-28"]));
    let hello = client.initialize("2025-06-18").await;
    assert_eq!(
        (&hello["protocolVersion"], &hello["serverInfo"]["name"]),
        (&json!("2025-06-18"), &json!("mcp-gateway"))
    );
    assert_eq!(client.call("old", "fake__echo", json!({"n": 1.50})).await["structuredContent"], json!({"n": 1.50}));
    client.request("new", "tools/call", modern(json!({"name": "fake__echo", "arguments": {"ü": [1]}}))).await;
    let answer = client.answer("new").await;
    assert_eq!(
        (&answer["result"]["structuredContent"], &answer["result"]["resultType"]),
        (&json!({"ü": [1]}), &json!("complete"))
    );
    assert_eq!(gateway.shard("fake").await["calls"], 2, "it was this gateway's shard");
    assert_eq!(client.finish().await, Vec::<Value>::new());
    gateway.stop().await;
}

#[tokio::test]
async fn names_that_no_header_can_carry_reach_the_gateway() {
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("fake", journal.fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = joined_at(&gateway.url());
    for (id, name) in ["ünbekannt", "=?base64?eA==?=", " a b ", "x\ny"].into_iter().enumerate() {
        client.request(id, "tools/call", modern(json!({"name": name}))).await;
        let answer = client.answer(id).await;
        assert_eq!(answer["error"]["code"], -32602, "unknown, and not a mismatch of headers: {answer}");
        client.request(id, "resources/read", modern(json!({"uri": name}))).await;
        let answer = client.answer(id).await;
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
    }
    client.finish().await;
    gateway.stop().await;
}

#[tokio::test]
async fn the_notices_of_a_call_come_in_order_before_its_answer_and_on_their_own_token() {
    const CALLS: u64 = 20;
    const STEPS: u64 = 10;
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = joined_at(&gateway.url());
    client.initialize("2025-11-25").await;
    for id in 0..CALLS {
        let params = json!({"name": "fake__progress", "arguments": {"n": STEPS}, "_meta": {"progressToken": id}});
        client.request(id, "tools/call", if id % 2 == 0 { params } else { modern(params) }).await;
    }
    let mut steps = vec![0; usize::try_from(CALLS).unwrap()];
    let mut answered = 0;
    while answered < CALLS {
        let message = next(&mut client).await;
        if let Some(id) = message["id"].as_u64() {
            assert_eq!(steps[usize::try_from(id).unwrap()], STEPS, "{message}");
            answered += 1;
        } else {
            let step = &mut steps[usize::try_from(message["params"]["progressToken"].as_u64().unwrap()).unwrap()];
            *step += 1;
            assert_eq!(message["params"]["progress"], *step);
        }
    }
    client.finish().await;
    gateway.stop().await;
}

#[tokio::test]
async fn the_address_of_a_view_shows_what_that_shows() {
    let gateway = Gateway::builder().shard("one", fake_shard(&[])).shard("two", fake_shard(&[])).start().await;
    gateway.until("one", "ready").await;
    let mut client = joined_at(&format!("{}/one", gateway.url()));
    client.initialize("2025-11-25").await;
    assert_eq!(client.call("own", "echo", json!({})).await["structuredContent"], json!({}));
    client.request("other", "tools/call", json!({"name": "two__echo"})).await;
    assert_eq!(client.answer("other").await["error"]["code"], -32602);
    client.finish().await;

    let mut lost = joined_at(&format!("{}/oen", gateway.url()));
    lost.send(super::initialize(&json!({}))).await;
    let refused = lost.answer("hello").await;
    assert!(refused["error"]["message"].as_str().unwrap().contains("did you mean `one`?"), "{refused}");
    lost.finish().await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_question_of_a_shard_is_answered_by_the_client() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = joined_at(&gateway.url());
    client.initialize_as("2025-11-25", json!({"elicitation": {}, "sampling": {}})).await;
    client.request(1, "tools/call", json!({"name": "fake__ask", "arguments": {"method": "elicitation/create"}})).await;
    let question = next(&mut client).await;
    assert_eq!(
        (&question["method"], &question["params"]["message"]),
        (&json!("elicitation/create"), &json!("Proceed?"))
    );
    let result = json!({"action": "accept", "content": {"ok": true}, "n": 1.50});
    client.send(json!({"jsonrpc": "2.0", "id": question["id"], "result": result})).await;
    assert_eq!(client.answer(1).await["result"]["structuredContent"]["result"], result);

    let taken_back = json!({"method": "sampling/createMessage", "withdraw_ms": 1});
    client.request(2, "tools/call", json!({"name": "fake__ask", "arguments": taken_back})).await;
    let question = next(&mut client).await;
    let told = next(&mut client).await;
    assert_eq!((&told["method"], &told["params"]["requestId"]), (&json!("notifications/cancelled"), &question["id"]));
    assert_eq!(client.answer(2).await["result"]["structuredContent"], json!({"withdrawn": true}));
    client.send(json!({"jsonrpc": "2.0", "id": question["id"], "result": {}})).await;
    client.call("last", "fake__echo", json!({})).await;
    assert_eq!(client.finish().await, Vec::<Value>::new());
    gateway.stop().await;
}

#[tokio::test]
async fn a_cancelled_call_is_cancelled_at_its_shard_and_never_answered() {
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("fake", journal.fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = joined_at(&gateway.url());
    client.initialize("2025-11-25").await;
    for id in 0..10 {
        let params = json!({"name": "fake__hang"});
        let params = if id % 2 == 0 { params } else { modern(params) };
        let call = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params});
        let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}});
        // In one write: over HTTP the second can overtake the first.
        client.write(format!("{call}\n{cancel}\n")).await;
    }
    client.call("last", "fake__echo", json!({})).await;
    let cancelled = async || {
        let sent = journal.of("tools/call").iter().filter(|call| call["params"]["name"] == "hang").count();
        (sent == journal.cancelled().len()).then_some(())
    };
    crate::support::eventually("what was sent is cancelled", cancelled).await;
    let rest = client.finish().await;
    assert_eq!(rest, Vec::<Value>::new());
    assert_eq!(gateway.shard("fake").await["in_flight"], 0);
    gateway.stop().await;
}

#[tokio::test]
async fn the_client_hears_of_a_shard_that_comes_and_of_its_logs() {
    let gateway = Gateway::builder().shard("one", fake_shard(&[])).start().await;
    gateway.until("one", "ready").await;
    let mut client = joined_by_folder(&gateway);
    client.initialize("2025-11-25").await;
    client.call("settled", "one__echo", json!({})).await;
    gateway.write_shard("two", &fake_shard(&[]));
    while client.next().await.unwrap()["method"] != "notifications/tools/list_changed" {}
    client.call("found", "two__echo", json!({})).await;
    client.request("level", "logging/setLevel", json!({"level": "debug"})).await;
    assert_eq!(client.answer("level").await["result"], json!({}));
    client.request("log", "tools/call", json!({"name": "one__log", "arguments": {"n": 2}})).await;
    for _ in 0..2 {
        assert_eq!(next(&mut client).await["method"], "notifications/message");
    }
    assert_eq!(next(&mut client).await["id"], "log");
    client.finish().await;
    gateway.stop().await;
}

#[tokio::test]
async fn each_bad_line_gets_one_error_and_the_next_line_works() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = Gateway::builder().flags(&["--max-body", "100000", "--connect", &gateway.url()]).stdio();
    client.request(1, "ping", json!({})).await;
    assert_eq!(client.answer(1).await["result"], json!({}));
    client.request(2, "tools/list", json!({})).await;
    let refused = client.answer(2).await;
    assert!(refused["error"]["message"].as_str().unwrap().contains("send `initialize` first"), "{refused}");
    client.initialize("2025-11-25").await;
    let long = format!(r#"{{"jsonrpc":"2.0","method":"x","params":{{"x":"{}"}},"id":1}}"#, "x".repeat(100_000));
    let cases: [(&[u8], Value, i64, &str); 7] = [
        (b"hello", Value::Null, -32700, "invalid JSON"),
        (b"{\"x\":\"\xff\"}", Value::Null, -32700, "invalid UTF-8"),
        (br#"{"jsonrpc":"2.0","id":1,"method":7}"#, json!(1), -32600, "`method` must be a string"),
        (br#"{"jsonrpc":"2.0","id":1,"method":"no/such"}"#, json!(1), -32601, "`no/such` is not served"),
        (br#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, Value::Null, -32600, "has no arrays"),
        (br#"{"jsonrpc":"2.0","id":1,"method":"initialize"}"#, json!(1), -32600, "answered already"),
        (long.as_bytes(), json!(1), -32600, "over the limit of 100000 (`--max-body`)"),
    ];
    for (line, id, code, words) in cases {
        client.write(&[line, b"\n"].concat()).await;
        let mut answer = next(&mut client).await;
        if answer.is_array() {
            answer = answer[0].take();
        }
        assert_eq!(answer["error"]["code"].as_i64(), Some(code), "{answer}");
        assert!(id.is_null() || answer["id"] == id, "{answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains(words), "{answer}");
        client.call("good", "fake__echo", json!({})).await;
    }
    assert_eq!(client.finish().await, Vec::<Value>::new());
    gateway.stop().await;
}

#[tokio::test]
async fn an_array_of_the_one_revision_that_has_them_is_answered_with_one() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = joined_at(&gateway.url());
    client.initialize("2025-03-26").await;
    let echo = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "fake__echo"}});
    client.send(json!([{"jsonrpc": "2.0", "id": 1, "method": "ping"}, echo])).await;
    let array = next(&mut client).await;
    let mut ids: Vec<_> = array.as_array().unwrap().iter().map(|answer| answer["id"].as_u64().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids, [1, 2]);
    client.finish().await;
    gateway.stop().await;
}
