//! JSON or events.

use serde_json::{Value, json};

use super::{call, open};
use crate::support::{Events, Gateway, Legacy, Response, fake_shard, modern_meta};

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";

fn kind(response: &Response) -> &str {
    response.headers["content-type"].to_str().unwrap()
}

#[tokio::test]
async fn an_answer_is_json_unless_something_precedes_it() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;

    let plain = client.post(call(1, "fake__echo", &json!({}))).await;
    assert_eq!((kind(&plain), plain.answer()["id"].clone()), (JSON, json!(1)));
    let tokenless = client.ask("tools/call", json!({"name": "fake__progress", "arguments": {"n": 3}})).await;
    assert_eq!(kind(&tokenless), JSON, "progress without a token is nobody's");

    let streamed = client.post(call(2, "fake__progress", &json!({"n": 3}))).await;
    assert_eq!(kind(&streamed), EVENTS);
    let messages = streamed.messages();
    let told: Vec<Value> = messages[..3].iter().map(|message| message["params"].clone()).collect();
    let expected = [1, 2, 3]
        .map(|n| json!({"progressToken": "token-2", "progress": n, "total": 3, "message": format!("step {n}")}));
    assert_eq!(told, expected);
    assert_eq!((messages.len(), messages[3]["id"].clone()), (4, json!(2)));

    let logged = client.ask("tools/call", json!({"name": "fake__log", "arguments": {"n": 2}})).await;
    let levels: Vec<Value> = logged.messages().iter().map(|message| message["params"]["data"].clone()).collect();
    assert_eq!((kind(&logged), levels), (EVENTS, vec![json!("line 1"), json!("line 2"), Value::Null]));
    gateway.stop().await;
}

#[tokio::test]
async fn a_client_gets_the_form_that_it_takes() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let client = Legacy::open(&gateway, "2025-11-25").await;
    let mut http = gateway.http().await;
    let mut ask = async |accept: &str, body: String| {
        let headers = [("mcp-session-id", &*client.session), ("accept", accept)];
        http.send("POST", "/mcp", &headers, body).await
    };
    let only_json = ask(JSON, call(1, "fake__progress", &json!({"n": 3}))).await;
    assert_eq!((kind(&only_json), only_json.messages().len()), (JSON, 1));
    for body in [call(2, "fake__echo", &json!({})), r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#.to_owned()] {
        let only_events = ask(EVENTS, body).await;
        assert_eq!((kind(&only_events), only_events.answer()["id"].clone()), (EVENTS, json!(2)));
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_modern_request_is_answered_with_events_only_if_it_asks_for_notices() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&["--era", "modern"])).start().await;
    gateway.until("fake", "ready").await;
    let headers =
        [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", "fake__progress")];
    let mut http = gateway.http().await;
    for (token, expected, count) in [(None, JSON, 1), (Some("p"), EVENTS, 6)] {
        let mut meta = modern_meta();
        meta.as_object_mut().unwrap().extend(token.map(|token| ("progressToken".to_owned(), json!(token))));
        let params = json!({"name": "fake__progress", "arguments": {"n": 5}, "_meta": meta});
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string();
        let response = http.send("POST", "/mcp", &headers, body).await;
        assert_eq!((kind(&response), response.messages().len()), (expected, count));
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_large_result_comes_whole_and_with_its_length() {
    const SIZE: usize = 3 << 20;
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    let whole = client.ask("tools/call", json!({"name": "fake__big", "arguments": {"bytes": SIZE}})).await;
    assert_eq!(whole.headers["content-length"], whole.body.len().to_string());
    let text = whole.answer()["result"]["content"][0]["text"].as_str().unwrap().to_owned();
    assert!(text.len() == SIZE && text.bytes().all(|byte| byte == b'x'));

    let headers = [("mcp-session-id", &*client.session), ("accept", EVENTS)];
    let body = call(9, "fake__big", &json!({"bytes": SIZE}));
    let event = gateway.http().await.send("POST", "/mcp", &headers, body).await;
    assert_eq!(event.answer()["result"]["content"][0]["text"].as_str().unwrap().len(), SIZE);
    gateway.stop().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_its_stream_holds_up_nobody() {
    const FLOOD: u64 = 100_000;
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let deaf = Legacy::open(&gateway, "2025-11-25").await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    let mut unread = Vec::new();
    for (id, tool) in [(1, "fake__progress"), (2, "fake__log")] {
        unread.push(open(&gateway, &deaf, call(id, tool, &json!({"n": FLOOD}))).await);
    }
    for n in 0..20 {
        assert_eq!(client.call("fake__echo", json!({"n": n})).await["structuredContent"], json!({"n": n}));
    }
    assert_eq!(gateway.shard("fake").await["in_flight"], 0, "the shard has answered, and nobody has read it");

    let mut progress = Events::of(unread.remove(0));
    let (mut last, mut heard) = (0, 0);
    let answer = loop {
        let message = progress.next().await.expect("the answer comes last");
        let Some(step) = message["params"]["progress"].as_u64() else { break message };
        assert!(step > last, "{step} after {last}");
        (last, heard) = (step, heard + 1);
    };
    assert_eq!((last, &answer["id"]), (FLOOD, &json!(1)), "the newest progress is never lost");
    assert!(heard < FLOOD, "the flood was larger than all buffers on the way");
    gateway.stop().await;
}
