//! Session headers, and request ids within a session.

use serde_json::{Value, json};

use super::{Bench, Told};
use crate::support::{Gateway, Journal, Legacy, Socket, eventually};

const INVALID: i64 = -32600;
const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
const RESPONSE: &str = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;

#[tokio::test]
async fn a_missing_session_id_is_400_and_a_forged_or_foreign_one_404() {
    let mut bench = Bench::start(&[]).await;
    let own = bench.client.session.clone();
    let stranger = Gateway::builder().start().await;
    let foreign = Legacy::open(&stranger, "2025-11-25").await.session;
    stranger.stop().await;
    let (payload, signature) = own.split_once('.').unwrap();
    let changed = |text: &str| text.replacen(|letter: char| letter != 'A', "A", 1);
    let no_session = Told(404, INVALID, "send `initialize` again");
    let unknown = ["".into(), "1".into(), format!("{}.{signature}", changed(payload)), "x".repeat(5000), foreign];
    let cases = [LIST, INITIALIZED, RESPONSE, "[]"];
    for body in cases {
        bench.refuses("no session id", &[], body, Told(400, INVALID, "no `Mcp-Session-Id` header")).await;
        for id in &unknown {
            bench.refuses(id, &[("mcp-session-id", id)], body, no_session).await;
        }
    }
    for method in ["GET", "DELETE"] {
        bench.refuses_request(method, method, &[], "", Told(400, INVALID, "no `Mcp-Session-Id` header")).await;
        for id in &unknown {
            bench.refuses_request(id, method, &[("mcp-session-id", id)], "", no_session).await;
        }
    }
    let twice = [("mcp-session-id", &*own), ("mcp-session-id", &*own)];
    bench.refuses("two session ids", &twice, LIST, Told(400, INVALID, "must not stand more than once")).await;
    let version = [("mcp-session-id", &*own), ("mcp-protocol-version", "1999-01-01")];
    bench.refuses("an unknown version", &version, LIST, Told(400, INVALID, "unknown `MCP-Protocol-Version`")).await;
    bench.gateway.stop().await;
}

#[tokio::test]
async fn a_get_that_takes_no_events_is_refused() {
    let mut bench = Bench::start(&[]).await;
    let session = bench.client.session.clone();
    let headers = [("mcp-session-id", &*session), ("accept", "application/json")];
    let told = Told(406, INVALID, "`text/event-stream` only");
    bench.refuses_request("GET", "GET", &headers, "", told).await;
    bench.gateway.stop().await;
}

#[tokio::test]
async fn a_session_that_is_too_old_is_404_and_a_new_one_works() {
    let gateway = Gateway::builder().flags(&["--session-ttl", "1s"]).start().await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    let ended = eventually("the session ends", async || {
        Some(client.ask("tools/list", json!({})).await).filter(|answer| answer.status != 200)
    });
    let ended = ended.await;
    assert_eq!((ended.status, ended.code()), (404, Some(INVALID)), "{}", ended.text());
    Legacy::open(&gateway, "2025-11-25").await;
    gateway.stop().await;
}

#[tokio::test]
async fn an_initialize_that_fails_makes_no_session() {
    let mut bench = Bench::start(&[]).await;
    let cases = [
        (Value::Null, "`initialize` needs `params`"),
        (json!({}), "`params.protocolVersion` must be a string"),
        (json!({"protocolVersion": 20_250_618}), "`params.protocolVersion` must be a string"),
        (json!({"protocolVersion": "2025-06-18", "capabilities": []}), "`params.capabilities` must be an object"),
    ];
    for (params, words) in cases {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}).to_string();
        bench.refuses(words, &[], body, Told(200, -32602, words)).await;
    }
    bench.gateway.stop().await;
}

#[tokio::test]
async fn a_request_id_that_is_under_way_cannot_be_used_again_until_it_is_over() {
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("fake", journal.fake_shard(&[])).start().await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    let mut other = Legacy::open(&gateway, "2025-11-25").await;
    let call = |id: &str, tool: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"fake__{tool}"}}}}"#)
    };
    let mut hanging = Socket::open(&gateway).await;
    let body = call("7", "hang");
    let head = format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nmcp-session-id: {}\r\n",
        client.session
    );
    hanging.write(format!("{head}content-length: {}\r\n\r\n{body}", body.len())).await;
    let sent = journal.call_of("hang").await;

    for id in ["7", "7.0", "70e-1"] {
        let refused = client.post(call(id, "echo")).await;
        assert_eq!((refused.status, refused.code()), (200, Some(INVALID)), "{id}: {}", refused.text());
        assert!(refused.text().contains("is in use by a request under way"), "{}", refused.text());
    }
    for (client, id) in [(&mut client, r#""7""#), (&mut other, "7")] {
        assert_eq!(client.post(call(id, "echo")).await.answer()["result"]["structuredContent"], json!({}));
    }
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}).to_string();
    assert_eq!(other.post(cancel.clone()).await.status, 202, "another session's id 7 is not this one");
    assert_eq!(client.post(cancel).await.status, 202);
    journal.until_cancelled(&sent).await;
    assert_eq!(hanging.response().await.status, 202, "nothing is left to say");
    assert_eq!(client.post(call("7", "echo")).await.answer()["result"]["structuredContent"], json!({}));
    assert_eq!(journal.cancelled().len(), 1);
    gateway.stop().await;
}
