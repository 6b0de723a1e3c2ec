//! How it ends: with all answers given, well, and with nothing left at the gateway.

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{initialize, joined_at, modern};
use crate::support::{Gateway, Journal, eventually};

#[tokio::test]
async fn what_was_piped_in_is_answered_before_the_end_and_the_gateway_goes_on() {
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("fake", journal.fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = joined_at(&gateway.url());
    client.send(initialize(&json!({}))).await;
    client.send(json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
    client.request(2, "tools/call", json!({"name": "fake__sleep", "arguments": {"ms": 300}})).await;
    client.request(3, "tools/list", modern(json!({}))).await;
    client.close();
    let (said, status) = client.ends(&client.children()).await;
    assert_eq!(status.code(), Some(0), "log:\n{}", client.log());
    let ids: Vec<_> = said.iter().map(|message| message["id"].clone()).filter(|id| !id.is_null()).collect();
    assert_eq!(ids, [json!("hello"), json!(3), json!(2)]);
    assert_eq!(gateway.shard("fake").await["state"], "ready");
    gateway.stop().await;
}

/// Both eras: one call is cancelled by the end of its session, the other by that of its connection.
#[tokio::test]
async fn calls_that_never_end_are_cancelled_when_the_client_has_gone() {
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("fake", journal.fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = joined_at(&gateway.url());
    client.initialize("2025-11-25").await;
    client.request("old", "tools/call", json!({"name": "fake__hang"})).await;
    client.request("new", "tools/call", modern(json!({"name": "fake__hang"}))).await;
    let both = async || (journal.of("tools/call").len() == 2).then_some(());
    eventually("both calls are under way", both).await;
    assert_eq!(client.finish().await, Vec::<Value>::new(), "no answer is made up");
    eventually("both are cancelled", async || (journal.cancelled().len() == 2).then_some(())).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_signal_ends_it_well_whether_there_is_a_gateway_or_not() {
    let gateway = Gateway::builder().start().await;
    let mut client = joined_at(&gateway.url());
    client.initialize("2025-11-25").await;
    client.signal(Signal::TERM);
    let (_, status) = client.ends(&client.children()).await;
    assert_eq!(status.code(), Some(0), "log:\n{}", client.log());
    let url = gateway.url();
    gateway.stop().await;

    let mut alone = joined_at(&url);
    alone.request(1, "ping", json!({})).await;
    alone.answer(1).await;
    alone.send(initialize(&json!({}))).await;
    eventually("it looks out for one", async || alone.log().contains("the gateway is gone").then_some(())).await;
    alone.signal(Signal::INT);
    let (_, status) = alone.ends(&alone.children()).await;
    assert_eq!(status.code(), Some(0), "log:\n{}", alone.log());
}

#[tokio::test]
async fn a_client_that_reads_no_more_has_gone() {
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("fake", journal.fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = joined_at(&gateway.url());
    client.initialize("2025-11-25").await;
    client.request("endless", "tools/call", json!({"name": "fake__hang"})).await;
    let call = journal.call_of("hang").await;
    client.close_stdout();
    client.request("unread", "tools/list", json!({})).await;
    let (_, status) = client.ends(&client.children()).await;
    assert_eq!(status.code(), Some(0), "log:\n{}", client.log());
    journal.until_cancelled(&call).await;
    gateway.stop().await;
}
