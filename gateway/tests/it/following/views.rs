//! Which stream of a session tells of an update.

use serde_json::json;

use super::{heard, open, subscribe, update};
use crate::support::{Events, Gateway, Journal, Legacy, eventually, fake_shard};

#[tokio::test]
async fn of_several_streams_one_tells_and_when_it_closes_the_one_before_it() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).flags(&["--max-streams", "2"]).start().await;
    gateway.until("fake", "ready").await;
    let (mut client, mut older) = open(&gateway).await;
    let mut newer = Events::listen(&gateway, &client.session).await;
    subscribe(&mut client, "fake://one").await;
    subscribe(&mut client, "fake://two").await;
    update(&mut client, &["fake://one"]).await;
    assert_eq!(heard(&mut newer).await, "fake://one");
    drop(newer);
    let other = Legacy::open(&gateway, "2025-11-25").await;
    eventually("its place is free", async || {
        let headers = [("mcp-session-id", &*other.session)];
        let opened = gateway.http().await.open("GET", "/mcp", &headers, "").await;
        (opened.status() == 200).then_some(())
    })
    .await;
    update(&mut client, &["fake://two"]).await;
    assert_eq!(heard(&mut older).await, "fake://two", "and what the other one told is not told again");
    gateway.stop().await;
}

#[tokio::test]
async fn a_stream_tells_of_the_shards_that_its_view_shows() {
    let (one, two) = (Journal::new(), Journal::new());
    let gateway = Gateway::builder().shard("one", one.fake_shard(&[])).shard("two", two.fake_shard(&[])).start().await;
    gateway.until("one", "ready").await;
    gateway.until("two", "ready").await;
    let (mut client, _) = Legacy::open_at(&gateway, "/mcp/two", "2025-11-25").await;
    let mut ones = Events::listen_at(&gateway, "/mcp/one", &client.session).await;
    subscribe(&mut client, "fake://two").await;
    assert_eq!(
        (super::told(&one, "resources/subscribe").len(), super::told(&two, "resources/subscribe").len()),
        (0, 1)
    );
    client.call("updated", json!({"uri": "fake://two"})).await;
    client.turn_to("/mcp/one");
    subscribe(&mut client, "fake://one").await;
    client.call("updated", json!({"uri": "fake://one"})).await;
    assert_eq!(heard(&mut ones).await, "fake://one");
    let mut all = Events::listen(&gateway, &client.session).await;
    assert_eq!(heard(&mut all).await, "fake://two", "it was kept for a stream that may tell it");
    gateway.stop().await;
}

#[tokio::test]
async fn an_update_waits_for_the_stream_that_the_client_opens_next() {
    let journal = Journal::new();
    let gateway = super::start(&journal).await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    subscribe(&mut client, "fake://one").await;
    update(&mut client, &["fake://one", "fake://one", "fake://one"]).await;
    update(&mut client, &["fake://two"]).await;
    let mut stream = Events::listen(&gateway, &client.session).await;
    assert_eq!(heard(&mut stream).await, "fake://one");
    subscribe(&mut client, "fake://two").await;
    update(&mut client, &["fake://two"]).await;
    assert_eq!(heard(&mut stream).await, "fake://two", "three updates are one");
    gateway.stop().await;
}
