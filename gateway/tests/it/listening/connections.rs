//! Listening over stdio, over HTTP+SSE and by way of `stdio --connect`.

use serde_json::{Value, json};

use super::{ACKNOWLEDGED, ID, LISTEN, UPDATED, followed, request, start, until_followed};
use crate::support::{Gateway, Journal, Sse, Stdio, modern_meta};

async fn acknowledged(client: &mut Stdio) -> (Value, Value) {
    let mut message = client.next().await.expect("an acknowledgement");
    assert_eq!(message["method"], ACKNOWLEDGED, "{message}");
    (message["params"]["_meta"][ID].take(), message["params"]["notifications"].take())
}

async fn cancel(client: &mut Stdio, id: Value) {
    let params = json!({"requestId": id});
    client.send(json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})).await;
}

async fn call(client: &mut Stdio, id: &str, tool: &str, arguments: Value) {
    let params = json!({"name": format!("fake__{tool}"), "arguments": arguments, "_meta": modern_meta()});
    client.request(id, "tools/call", params).await;
    let answer = client.answer(id).await;
    assert!(answer["error"].is_null(), "{answer}");
}

/// What the next message says, and on which request.
async fn heard(client: &mut Stdio) -> (Value, Value) {
    let mut message = client.next().await.expect("a notification");
    (message["params"]["_meta"][ID].take(), message["method"].take())
}

/// Several at once, each with its own filter; one is cancelled, the others end with the client.
async fn several_at_once(mut client: Stdio, journal: &Journal, era: &str) {
    for (id, filter) in [
        (json!("a"), json!({"resourceSubscriptions": ["fake://one"]})),
        (json!(2), json!({"toolsListChanged": true, "resourceSubscriptions": ["fake://one", "fake://two"]})),
        (json!(3), json!({})),
    ] {
        client.send(request(&id, &filter)).await;
        assert_eq!(acknowledged(&mut client).await, (id, filter));
    }
    client.send(request(&json!("a"), &json!({}))).await;
    let twice = client.answer("a").await;
    assert_eq!(twice["error"]["code"], -32600, "{twice}");
    assert!(twice["error"]["message"].as_str().unwrap().contains("in use"), "{twice}");

    call(&mut client, "c1", "updated", json!({"uri": "fake://one"})).await;
    let mut told = vec![heard(&mut client).await, heard(&mut client).await];
    told.sort_by_key(|(id, _)| id.to_string());
    assert_eq!(told, [(json!("a"), json!(UPDATED)), (json!(2), json!(UPDATED))]);

    cancel(&mut client, json!("a")).await;
    // What came before the next call has been carried out.
    call(&mut client, "c2", "echo", json!({})).await;
    call(&mut client, "c3", "updated", json!({"uri": "fake://one"})).await;
    assert_eq!(heard(&mut client).await, (json!(2), json!(UPDATED)));
    call(&mut client, "c4", "list_changed", json!({"kind": "tools"})).await;
    assert_eq!(heard(&mut client).await, (json!(2), json!("notifications/tools/list_changed")));
    assert_eq!(followed(journal, era), ["fake://one", "fake://two"]);

    let mut rest = client.finish().await;
    rest.sort_by_key(|message| message["id"].to_string());
    let ended = |id: u64| json!({"jsonrpc": "2.0", "id": id, "result": {"resultType": "complete", "_meta": {ID: id}}});
    assert_eq!(rest, [ended(2), ended(3)]);
}

#[tokio::test]
async fn a_client_on_stdio_listens_to_several_things_at_once() {
    for era in super::ERAS {
        let journal = Journal::new();
        let client = Gateway::builder().shard("fake", journal.fake_shard(&["--era", era])).stdio();
        several_at_once(client, &journal, era).await;
    }
}

#[tokio::test]
async fn a_client_that_joins_a_gateway_listens_to_several_things_at_once() {
    for era in super::ERAS {
        let journal = Journal::new();
        let gateway = start(&journal, era, &[], "").await;
        let client = Gateway::builder().flags(&["--connect", &gateway.url()]).stdio();
        several_at_once(client, &journal, era).await;
        until_followed(&journal, era, &[]).await;
        gateway.stop().await;
    }
}

#[tokio::test]
async fn a_client_that_joins_a_gateway_is_told_when_that_stops() {
    let journal = Journal::new();
    let gateway = start(&journal, "modern", &[], "").await;
    let mut client = Gateway::builder().flags(&["--connect", &gateway.url()]).stdio();
    client.send(request(&json!("l"), &json!({"toolsListChanged": true}))).await;
    acknowledged(&mut client).await;
    gateway.stop().await;
    let ended = client.answer("l").await;
    assert_eq!(ended["result"], json!({"resultType": "complete", "_meta": {ID: "l"}}), "{ended}");
    assert_eq!(client.finish().await, Vec::<Value>::new());
}

#[tokio::test]
async fn one_connection_may_listen_sixty_four_times() {
    let mut client = Gateway::builder().stdio();
    for id in 0..64 {
        client.send(request(&json!(id), &json!({}))).await;
        assert_eq!(acknowledged(&mut client).await.0, json!(id));
    }
    client.send(request(&json!("more"), &json!({}))).await;
    let refused = client.answer("more").await;
    assert_eq!(refused["error"]["code"], -32603, "{refused}");
    assert!(refused["error"]["message"].as_str().unwrap().contains("64 `subscriptions/listen` open"), "{refused}");
    cancel(&mut client, json!(5)).await;
    loop {
        client.send(request(&json!("next"), &json!({}))).await;
        let answer = client.next().await.unwrap();
        if answer["method"] == ACKNOWLEDGED {
            break;
        }
        assert_eq!(answer["error"]["code"], -32603, "{answer}");
    }
    assert_eq!(client.finish().await.len(), 64);
}

#[tokio::test]
async fn a_legacy_client_has_no_such_method() {
    let mut client = Gateway::builder().stdio();
    client.initialize("2025-11-25").await;
    client.request(1, LISTEN, json!({"notifications": {"toolsListChanged": true}})).await;
    assert_eq!(client.answer(1).await["error"]["code"], -32601);
    client.finish().await;
}

#[tokio::test]
async fn a_client_on_http_and_sse_listens_and_hears_the_end() {
    let journal = Journal::new();
    let gateway = start(&journal, "modern", &[], "").await;
    let mut client = Sse::open_at(&gateway, "/sse").await;
    client.send(request(&json!("l"), &json!({"resourceSubscriptions": ["fake://one"]}))).await;
    let first = client.next().await.unwrap();
    assert_eq!((&first["method"], &first["params"]["_meta"][ID]), (&json!(ACKNOWLEDGED), &json!("l")));
    super::update(&gateway, "fake://one").await;
    let told = client.next().await.unwrap();
    assert_eq!((&told["method"], &told["params"]["uri"]), (&json!(UPDATED), &json!("fake://one")));
    let stopping = gateway.stop();
    let (last, ()) = tokio::join!(client.next(), stopping);
    assert_eq!(last.unwrap()["result"]["resultType"], "complete");
}
