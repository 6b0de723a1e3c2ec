//! Shards that cannot be listened to, or not for long.

use serde_json::{Value, json};

use super::{LISTEN, call, filters, heard, listen, start, to_resources, update};
use crate::support::{Gateway, Journal, eventually, fake_shard};

/// The id of the latest request that listens.
fn latest(journal: &Journal) -> Value {
    journal.of(LISTEN).last().expect("it was asked")["id"].clone()
}

async fn until_asked(journal: &Journal, times: usize) {
    eventually(&format!("it is asked {times} times"), async || (filters(journal).len() >= times).then_some(())).await;
}

#[tokio::test]
async fn a_shard_that_answers_with_an_error_is_not_asked_again_and_serves() {
    let journal = Journal::new();
    let gateway = start(&journal, "modern", &["--on-listen", "error"], "").await;
    let (mut stream, granted) = listen(
        &gateway,
        json!(1),
        json!({"toolsListChanged": true, "resourceSubscriptions": ["fake://one", "fake://two"]}),
    )
    .await;
    assert_eq!(granted, json!({"toolsListChanged": true}), "the gateway tells of the shards that come and go");
    let (_other, granted) = to_resources(&gateway, &["fake://two"]).await;
    assert_eq!((granted, filters(&journal).len()), (json!({}), 1));
    gateway.write_shard("two", &fake_shard(&[]));
    assert_eq!(stream.notification().await, "notifications/tools/list_changed");
    call(&gateway, "echo", json!({})).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_shard_that_never_acknowledges_is_ready_all_the_same_and_grants_nothing() {
    let journal = Journal::new();
    let gateway = start(&journal, "modern", &["--on-listen", "silent"], "").await;
    call(&gateway, "echo", json!({})).await;
    let (_stream, granted) = to_resources(&gateway, &["fake://one"]).await;
    assert_eq!(granted, json!({}));
    assert!(filters(&journal).len() <= 3, "{:?}", filters(&journal));
    gateway.stop().await;
    assert_eq!(journal.cancelled().len(), filters(&journal).len(), "each was taken back");
}

#[tokio::test]
async fn lists_are_fetched_again_when_the_acknowledgement_comes_late() {
    let journal = Journal::new();
    let gateway = start(&journal, "modern", &["--on-listen", "late"], "").await;
    eventually("they are fetched again", async || (journal.of("tools/list").len() == 2).then_some(())).await;
    let (mut stream, granted) = to_resources(&gateway, &["fake://one"]).await;
    assert_eq!(granted, json!({"resourceSubscriptions": ["fake://one"]}));
    update(&gateway, "fake://one").await;
    assert_eq!(heard(&mut stream).await, "fake://one");
    gateway.stop().await;
}

/// Has the shard end what it was asked for last, with its result or by cancelling it.
async fn end(gateway: &Gateway, journal: &Journal, how: &str) {
    let id = latest(journal);
    if how == "result" {
        let result = json!({"jsonrpc": "2.0", "id": id, "result": {"resultType": "complete"}});
        call(gateway, "later", json!({"ms": 0, "message": result})).await;
    } else {
        let params = json!({"requestId": id}).to_string();
        call(gateway, "raw_notice", json!({"method": "notifications/cancelled", "pieces": [params]})).await;
    }
}

#[tokio::test]
async fn a_shard_that_ends_it_politely_is_asked_again_and_what_it_may_have_kept_to_itself_is_told() {
    for how in ["result", "cancelled"] {
        let journal = Journal::new();
        let gateway = start(&journal, "modern", &[], "").await;
        let wished = json!({"toolsListChanged": true, "resourceSubscriptions": ["fake://one"]});
        let (mut stream, _) = listen(&gateway, json!(1), wished).await;
        end(&gateway, &journal, how).await;
        until_asked(&journal, 3).await;
        let mut told = vec![stream.notification().await, stream.notification().await];
        told.sort();
        assert_eq!(told, ["notifications/resources/updated", "notifications/tools/list_changed"], "{how}");
        update(&gateway, "fake://one").await;
        assert_eq!(heard(&mut stream).await, "fake://one", "{how}");
        gateway.stop().await;
    }
}

#[tokio::test]
async fn an_acknowledgement_or_an_end_of_something_else_means_nothing() {
    let journal = Journal::new();
    let gateway = start(&journal, "modern", &[], "").await;
    let (mut stream, _) = to_resources(&gateway, &["fake://one"]).await;
    let listens = latest(&journal);
    for (method, params) in [
        ("notifications/subscriptions/acknowledged", json!({"notifications": {}})),
        ("notifications/subscriptions/acknowledged", json!({"_meta": {super::ID: 99999}, "notifications": {}})),
        ("notifications/subscriptions/acknowledged", json!({"_meta": {super::ID: listens}, "notifications": {}})),
        ("notifications/cancelled", json!({"requestId": 99999})),
        ("notifications/cancelled", json!({"requestId": {}})),
    ] {
        call(&gateway, "raw_notice", json!({"method": method, "pieces": [params.to_string()]})).await;
    }
    update(&gateway, "fake://one").await;
    assert_eq!(heard(&mut stream).await, "fake://one");
    assert_eq!(latest(&journal), listens);
    gateway.stop().await;
}
