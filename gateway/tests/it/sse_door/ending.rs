//! How a session ends: with its stream, and with nothing left behind.

use serde_json::{Value, json};

use super::REVISION;
use crate::support::{Gateway, Journal, Socket, Sse, eventually};

#[tokio::test]
async fn a_client_that_hangs_up_has_cancelled_its_calls_and_its_session_is_gone() {
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("fake", journal.fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = Sse::open(&gateway, REVISION).await;
    for id in 0..3 {
        client.request(id, "tools/call", json!({"name": "fake__hang"})).await;
    }
    eventually("all are under way", async || (journal.of("tools/call").len() == 3).then_some(())).await;
    let address = client.address.clone();
    drop(client);
    eventually("the shard is told of each", async || (journal.cancelled().len() == 3).then_some(())).await;
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    assert_eq!(gateway.http().await.send("POST", &address, &[], ping).await.status, 404);
    assert_eq!(gateway.shard("fake").await["in_flight"], 0);
    gateway.stop().await;
}

#[tokio::test]
async fn a_question_that_is_open_when_its_client_hangs_up_is_declined() {
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("fake", journal.fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = Sse::open_as(&gateway, "2025-11-25", json!({"elicitation": {}})).await;
    let ask = json!({"method": "elicitation/create", "params": {"message": "?"}});
    client.request(1, "tools/call", json!({"name": "fake__ask", "arguments": ask})).await;
    assert_eq!(client.next().await.unwrap()["method"], "elicitation/create");
    drop(client);
    eventually("the shard has its answer", async || {
        let answered = |message: &Value| message["result"] == json!({"action": "cancel"});
        journal.messages().iter().any(answered).then_some(())
    })
    .await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_gateway_that_stops_lets_quick_calls_finish_and_tells_the_others() {
    let journal = Journal::new();
    let shard = journal.fake_shard(&[]);
    let gateway = Gateway::builder().shard("fake", shard).flags(&["--stop-grace", "2s"]).start().await;
    gateway.until("fake", "ready").await;
    let mut client = Sse::open(&gateway, REVISION).await;
    let mut idle = Sse::open(&gateway, REVISION).await;
    client.request("quick", "tools/call", json!({"name": "fake__sleep", "arguments": {"ms": 300}})).await;
    client.request("endless", "tools/call", json!({"name": "fake__hang"})).await;
    for tool in ["sleep", "hang"] {
        journal.call_of(tool).await;
    }
    let reading = async {
        let quick = client.answer("quick").await;
        (quick, client.answer("endless").await, client.next().await)
    };
    let ((quick, told, rest), nothing, ()) = tokio::join!(reading, idle.next(), gateway.stop());
    assert_eq!(quick["result"]["content"][0]["text"], "slept 300 ms");
    assert!(told.to_string().contains("shard `fake`: it was stopped"), "{told}");
    assert_eq!((rest, nothing), (None, None));
}

#[tokio::test]
async fn sessions_that_come_and_go_with_calls_under_way_leave_nothing() {
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("fake", journal.fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    for round in 0..40 {
        let mut client = Sse::open(&gateway, REVISION).await;
        client.request(1, "tools/call", json!({"name": "fake__hang"})).await;
        if round % 2 == 0 {
            client.call(2, "fake__echo", json!({})).await;
        }
    }
    eventually("no call is left", async || {
        let shard = gateway.shard("fake").await;
        let hanging = journal.of("tools/call").iter().filter(|call| call["params"]["name"] == "hang").count();
        (shard["in_flight"] == 0 && journal.cancelled().len() == hanging).then_some(())
    })
    .await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_body_that_is_still_coming_when_its_session_ends_is_refused_at_once() {
    let gateway = Gateway::builder().start().await;
    let client = Sse::open(&gateway, REVISION).await;
    let mut socket = Socket::open(&gateway).await;
    let head = format!("POST {} HTTP/1.1\r\nhost: {}\r\n", client.address, gateway.host());
    socket.write(format!("{head}content-type: application/json\r\ncontent-length: 1000\r\n\r\n{{\"jsonrpc\"")).await;
    let health = gateway.http().await.send("GET", "/health", &[], "").await;
    assert_eq!(health.status, 200);
    drop(client);
    let refused = socket.response().await;
    assert_eq!(refused.status, 404, "{refused:?}");
    gateway.stop().await;
}
