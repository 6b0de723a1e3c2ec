//! Of several children of a shard one reports; a client that leaves a resource may reach another, or none.

use serde_json::{Value, json};

use super::lives::kill;
use super::{heard, open, subscribe, told, unsubscribe, update};
use crate::support::{Events, Gateway, Journal, Legacy, eventually};

/// Has a child of its own for as long as its question is open.
async fn occupy(gateway: &Gateway) -> (Legacy, Events, Value) {
    let (mut client, _) = Legacy::open_as(gateway, "/mcp", "2025-11-25", json!({"elicitation": {}})).await;
    let mut stream = client.follow(gateway, "fake__ask", json!({"method": "elicitation/create"})).await;
    let question = stream.next().await.expect("a question");
    assert_eq!(question["method"], "elicitation/create", "{question}");
    (client, stream, question)
}

/// Waits until the children have been told to stop as often as they were asked to report.
async fn until_left(journal: &Journal) {
    eventually("what was asked for is taken back", async || {
        (told(journal, "resources/subscribe").len() == told(journal, "resources/unsubscribe").len()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_client_leaves_a_resource_whichever_child_of_an_exclusive_shard_is_free() {
    let journal = Journal::new();
    let shard = journal.fake_shard(&["--strict"]) + "instances: exclusive\nprotocol: legacy\n";
    let gateway = Gateway::builder().shard("fake", shard).start().await;
    gateway.until("fake", "ready").await;
    let (mut client, mut stream) = open(&gateway).await;

    subscribe(&mut client, "fake://one").await;
    update(&mut client, &["fake://one"]).await;
    assert_eq!(heard(&mut stream).await, "fake://one");
    // From now on the child that reports has a call of another client.
    let (mut other, mut others, question) = occupy(&gateway).await;
    unsubscribe(&mut client, "fake://one").await;
    until_left(&journal).await;

    subscribe(&mut client, "fake://two").await;
    assert_eq!(heard(&mut stream).await, "fake://two", "the child that reports was asked later than the client");
    assert_eq!(other.respond(&question, json!({"action": "decline"})).await, 202);
    assert_eq!(others.rest().await.len(), 1);
    update(&mut client, &["fake://two"]).await;
    assert_eq!(heard(&mut stream).await, "fake://two");
    unsubscribe(&mut client, "fake://two").await;
    until_left(&journal).await;
    let never = client.ask("resources/unsubscribe", json!({"uri": "fake://two"})).await;
    assert_eq!(never.code(), Some(-32602), "that is the shard's to say");
    gateway.stop().await;
}

#[tokio::test]
async fn a_client_leaves_a_resource_while_its_shard_is_away() {
    let journal = Journal::new();
    let shard = journal.marked_fake_shard(&["--strict"]) + "protocol: legacy\n";
    let gateway = Gateway::builder().shard("fake", shard).start().await;
    let born = gateway.until("fake", "ready").await;
    let (mut client, _stream) = open(&gateway).await;
    subscribe(&mut client, "fake://one").await;
    journal.set_flags("--start-delay 1500");
    kill(&born["pid"]);
    eventually("it is away", async || (gateway.shard("fake").await["state"] != "ready").then_some(())).await;
    unsubscribe(&mut client, "fake://one").await;
    gateway.until("fake", "ready").await;
    let never = client.ask("resources/unsubscribe", json!({"uri": "fake://one"})).await;
    assert_eq!(never.code(), Some(-32602), "the new process reports on nothing");
    gateway.stop().await;
}
