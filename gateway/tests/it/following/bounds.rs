//! How much can be followed, and what a flood of updates comes to.

use std::collections::BTreeSet;

use serde_json::json;

use super::{heard, open, start, subscribe, told, update};
use crate::support::{Journal, Legacy};

#[tokio::test]
async fn a_session_has_1024_subscriptions_and_an_error_says_so() {
    let journal = Journal::new();
    let gateway = start(&journal).await;
    let (mut client, mut stream) = open(&gateway).await;
    for number in 0..1024 {
        subscribe(&mut client, &format!("fake://item/{number}")).await;
    }
    let refused = client.ask("resources/subscribe", json!({"uri": "fake://one"})).await.answer();
    assert_eq!(refused["error"]["code"], -32602);
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.contains("1024 subscriptions") && message.contains("unsubscribe"), "{message}");
    subscribe(&mut client, "fake://item/7").await;
    let mut other = Legacy::open(&gateway, "2025-11-25").await;
    subscribe(&mut other, "fake://one").await;
    update(&mut other, &["fake://item/1023"]).await;
    assert_eq!(heard(&mut stream).await, "fake://item/1023");
    assert_eq!(told(&journal, "resources/subscribe").len(), 1026);
    let long = client.ask("resources/subscribe", json!({"uri": format!("fake://item/{}", "x".repeat(3000))})).await;
    assert!(long.text().contains("the limit is 2048"), "{}", long.text());
    gateway.stop().await;
}

#[tokio::test]
async fn a_client_that_does_not_listen_finds_a_flood_of_parts_as_few_updates() {
    let journal = Journal::new();
    let gateway = start(&journal).await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    subscribe(&mut client, "fake://item/1").await;
    for part in 0..400 {
        update(&mut client, &[&format!("fake://item/1/{part}")]).await;
    }
    let mut stream = crate::support::Events::listen(&gateway, &client.session).await;
    let mut uris = BTreeSet::new();
    while uris.len() < 257 {
        assert!(uris.insert(heard(&mut stream).await), "{uris:?}");
    }
    assert!(uris.contains("fake://item/1"), "what it follows stands for the parts that are too many");
    gateway.stop().await;
}
