//! `resources/subscribe`: who hears that a resource was updated, and what the shard is told.

mod bounds;
mod children;
mod lives;
mod races;
mod views;

use serde_json::{Value, json};

use crate::support::{Events, Gateway, Journal, Legacy, eventually};

const UPDATED: &str = "notifications/resources/updated";

async fn start(journal: &Journal) -> Gateway {
    let gateway = Gateway::builder().shard("fake", journal.fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    gateway
}

async fn open(gateway: &Gateway) -> (Legacy, Events) {
    let client = Legacy::open(gateway, "2025-11-25").await;
    let stream = Events::listen(gateway, &client.session).await;
    (client, stream)
}

async fn subscribe(client: &mut Legacy, uri: &str) {
    let answer = client.ask("resources/subscribe", json!({"uri": uri})).await.answer();
    assert_eq!(answer["result"], json!({}), "{answer}");
}

async fn unsubscribe(client: &mut Legacy, uri: &str) {
    let answer = client.ask("resources/unsubscribe", json!({"uri": uri})).await.answer();
    assert_eq!(answer["result"], json!({}), "{answer}");
}

/// Has the shard say that these were updated.
async fn update(client: &mut Legacy, uris: &[&str]) {
    for uri in uris {
        client.call("fake__updated", json!({"uri": uri})).await;
    }
}

/// The uri of the next message, which must say that it was updated.
async fn heard(stream: &mut Events) -> String {
    let message = stream.next().await.expect("an update");
    assert_eq!(message["method"], UPDATED, "{message}");
    message["params"]["uri"].as_str().unwrap().to_owned()
}

/// The uris of the requests of one method that the shard has had.
fn told(journal: &Journal, method: &str) -> Vec<Value> {
    journal.of(method).iter().map(|request| request["params"]["uri"].clone()).collect()
}

#[tokio::test]
async fn each_client_hears_of_what_it_follows_and_of_nothing_else() {
    let journal = Journal::new();
    let gateway = start(&journal).await;
    let (mut first, mut firsts) = open(&gateway).await;
    let (mut second, mut seconds) = open(&gateway).await;
    subscribe(&mut first, "fake://one").await;
    subscribe(&mut first, "fake://item/1").await;
    subscribe(&mut second, "fake://item/1").await;
    update(&mut first, &["fake://two", "fake://one"]).await;
    assert_eq!(heard(&mut firsts).await, "fake://one");
    update(&mut first, &["fake://item/10", "fake://item/1"]).await;
    assert_eq!((heard(&mut firsts).await, heard(&mut seconds).await), ("fake://item/1".into(), "fake://item/1".into()));
    update(&mut first, &["fake://item/1/part"]).await;
    assert_eq!(heard(&mut seconds).await, "fake://item/1/part", "a part of what it follows");
    gateway.stop().await;
}

#[tokio::test]
async fn the_shard_is_told_to_stop_by_the_last_client_and_by_the_end_of_its_session() {
    let journal = Journal::new();
    let gateway = start(&journal).await;
    let (mut first, _firsts) = open(&gateway).await;
    let (mut second, mut seconds) = open(&gateway).await;
    for client in [&mut first, &mut second] {
        subscribe(client, "fake://one").await;
    }
    unsubscribe(&mut first, "fake://one").await;
    assert_eq!(told(&journal, "resources/unsubscribe"), [""; 0]);
    update(&mut first, &["fake://one"]).await;
    assert_eq!(heard(&mut seconds).await, "fake://one");
    unsubscribe(&mut second, "fake://one").await;
    assert_eq!(told(&journal, "resources/unsubscribe"), ["fake://one"]);

    subscribe(&mut second, "fake://two").await;
    update(&mut second, &["fake://one", "fake://two"]).await;
    assert_eq!(heard(&mut seconds).await, "fake://two", "what it has left is silent");
    let headers = [("mcp-session-id", &*second.session)];
    assert_eq!(gateway.http().await.send("DELETE", "/mcp", &headers, "").await.status, 204);
    eventually("the shard is told", async || {
        (told(&journal, "resources/unsubscribe") == ["fake://one", "fake://two"]).then_some(())
    })
    .await;
    gateway.stop().await;
}

#[tokio::test]
async fn what_the_shard_answers_is_what_the_client_gets_and_a_refusal_follows_nothing() {
    let journal = Journal::new();
    let gateway = start(&journal).await;
    let (mut client, mut stream) = open(&gateway).await;
    let refused = client.ask("resources/subscribe", json!({"uri": "fake://item/refused"})).await.answer();
    assert_eq!(
        refused["error"],
        json!({"code": -32002, "message": "Resource not found", "data": {"uri": "fake://item/refused"}})
    );
    subscribe(&mut client, "fake://one").await;
    update(&mut client, &["fake://item/refused", "fake://one"]).await;
    assert_eq!(heard(&mut stream).await, "fake://one");
    assert_eq!(told(&journal, "resources/subscribe"), ["fake://item/refused", "fake://one"], "nothing is asked twice");
    let unknown = client.ask("resources/subscribe", json!({"uri": "other://x"})).await.answer();
    assert_eq!(unknown["error"]["code"], -32002);
    let unread = client.ask("resources/subscribe", json!({"uri": 7})).await.answer();
    assert_eq!(unread["error"]["code"], -32602);
    gateway.stop().await;
}

#[tokio::test]
async fn a_modern_client_has_no_such_methods() {
    let journal = Journal::new();
    let gateway = start(&journal).await;
    for method in ["resources/subscribe", "resources/unsubscribe"] {
        let response = gateway.modern(method, json!({"uri": "fake://one"})).await;
        assert_eq!((response.status, &response.answer()["error"]["code"]), (404, &json!(-32601)));
        assert_eq!(told(&journal, method), [""; 0]);
    }
    let discovered = gateway.modern("server/discover", json!({})).await.answer();
    // It says what `subscriptions/listen` grants.
    assert_eq!(discovered["result"]["capabilities"]["resources"], json!({"subscribe": true, "listChanged": true}));
    let (_, initialized) = Legacy::open_at(&gateway, "/mcp", "2025-11-25").await;
    assert_eq!(initialized["capabilities"]["resources"], json!({"subscribe": true, "listChanged": true}));
    gateway.stop().await;
}

#[tokio::test]
async fn a_client_on_stdio_hears_of_what_it_follows() {
    let journal = Journal::new();
    let mut client = Gateway::builder().shard("fake", journal.fake_shard(&[])).stdio();
    client.initialize("2025-06-18").await;
    client.request(1, "resources/subscribe", json!({"uri": "fake://one"})).await;
    assert_eq!(client.answer(1).await["result"], json!({}));
    client.call("2", "fake__updated", json!({"uri": "fake://one"})).await;
    loop {
        let message = client.next().await.expect("an update");
        if message["method"] == UPDATED {
            assert_eq!(message["params"], json!({"uri": "fake://one"}));
            break;
        }
    }
    client.finish().await;
}
