//! Clients of every legacy revision, at the doors where the stream is the session.

use serde_json::{Value, json};

use super::{elicitation, legs, roots, sampling};
use crate::support::{Events, Gateway, Journal, Sse};

fn shard(journal: &Journal) -> String {
    journal.fake_shard(&["--era", "modern"])
}

fn call(id: u64, rounds: &Value) -> Value {
    let params = json!({"name": "fake__input", "arguments": {"rounds": rounds}});
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params})
}

#[tokio::test]
async fn over_stdio_a_client_is_asked_and_can_cancel() {
    for (revision, asked, answer) in [
        ("2025-11-25", elicitation("?"), json!({"action": "accept", "content": {}})),
        ("2025-06-18", elicitation("?"), json!({"action": "decline"})),
        ("2025-03-26", roots(), json!({"roots": []})),
        (
            "2024-11-05",
            sampling(),
            json!({"role": "assistant", "content": {"type": "text", "text": "x"}, "model": "m"}),
        ),
    ] {
        let journal = Journal::new();
        let mut gateway = Gateway::builder().shard("fake", shard(&journal)).stdio();
        gateway.initialize_as(revision, json!({"elicitation": {}, "sampling": {}, "roots": {}})).await;
        gateway.send(call(1, &json!([{"q": asked}]))).await;
        let question = gateway.next().await.unwrap();
        assert_eq!((&question["method"], &question["params"]), (&asked["method"], &asked["params"]), "{revision}");
        gateway.send(json!({"jsonrpc": "2.0", "id": question["id"], "result": answer})).await;
        let told = gateway.answer(1).await;
        assert_eq!(told["result"]["structuredContent"]["responses"], json!({"q": answer}), "{revision}");

        gateway.send(call(2, &json!([{"q": asked}]))).await;
        let question = gateway.next().await.unwrap();
        let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 2}});
        gateway.send(cancel).await;
        let taken_back = gateway.next().await.unwrap();
        assert_eq!(taken_back["method"], "notifications/cancelled");
        assert_eq!(taken_back["params"]["requestId"], question["id"]);
        gateway.call("last", "fake__echo", json!({})).await;
        assert_eq!(legs(&journal).len(), 3, "{revision}");
        assert_eq!(gateway.finish().await, Vec::<Value>::new());
    }
}

#[tokio::test]
async fn over_the_older_transport_a_client_is_asked() {
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("fake", shard(&journal)).start().await;
    gateway.until("fake", "ready").await;
    let mut client = Sse::open_as(&gateway, "2024-11-05", json!({"sampling": {}, "roots": {}})).await;
    client.send(call(1, &json!([{"a": roots(), "b": sampling()}]))).await;
    let questions = [client.next().await.unwrap(), client.next().await.unwrap()];
    let said = json!({"role": "assistant", "content": {"type": "text", "text": "x"}, "model": "m"});
    client.respond(&questions[1], said.clone()).await;
    client.respond(&questions[0], json!({"roots": []})).await;
    let told = client.answer(1).await;
    assert_eq!(told["result"]["structuredContent"]["responses"], json!({"a": {"roots": []}, "b": said}));
    gateway.stop().await;
}

#[tokio::test]
async fn calls_of_one_array_go_round_side_by_side() {
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("fake", shard(&journal)).start().await;
    gateway.until("fake", "ready").await;
    let declared = json!({"roots": {}});
    let mut client = crate::support::Legacy::open_as(&gateway, "/mcp", "2025-03-26", declared).await.0;
    let calls = json!([call(1, &json!([{"a": roots()}])), call(2, &json!([{}, {"b": roots()}]))]).to_string();
    let headers = [("mcp-session-id", &*client.session)];
    let mut stream = Events::of(gateway.http().await.open("POST", "/mcp", &headers, calls).await);
    for _ in 0..2 {
        let question = stream.next().await.unwrap();
        assert_eq!(client.respond(&question, json!({"roots": []})).await, 202);
    }
    let answers = stream.next().await.unwrap();
    let answers = answers.as_array().unwrap();
    for (id, key) in [(1, "a"), (2, "b")] {
        let answer = answers.iter().find(|answer| answer["id"] == id).unwrap();
        assert_eq!(answer["result"]["structuredContent"]["responses"], json!({key: {"roots": []}}));
    }
    gateway.stop().await;
}
