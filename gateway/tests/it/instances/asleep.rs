//! What the other children say while the first one, which keeps the lists and the subscriptions, sleeps.

use serde_json::json;

use super::{child, open, until_children};
use crate::support::{Events, Gateway, Journal, eventually};

async fn start(journal: &Journal, flags: &[&str], more: &str) -> Gateway {
    let shard = journal.fake_shard(flags) + "idle_stop: 1s\n" + more;
    let gateway = Gateway::builder().shard("fake", shard).start().await;
    gateway.until("fake", "ready").await;
    gateway
}

#[tokio::test]
async fn sessions_hear_that_a_list_has_changed_while_the_first_child_sleeps() {
    let journal = Journal::new();
    let gateway = start(&journal, &[], "instances: per_session\n").await;
    let (mut client, other) = (open(&gateway, json!({})).await, open(&gateway, json!({})).await);
    let mut own = Events::listen(&gateway, &client.session).await;
    let mut others = Events::listen(&gateway, &other.session).await;
    for (number, kind) in ["tools", "resources", "tools"].into_iter().enumerate() {
        gateway.until("fake", "asleep").await;
        client.call("fake__list_changed", json!({"kind": kind})).await;
        for stream in [&mut own, &mut others] {
            let message = stream.next().await.unwrap();
            assert_eq!(message["method"], format!("notifications/{kind}/list_changed"), "{message}");
        }
        assert_eq!(journal.of("tools/list").len(), number + 2, "it has been asked again");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn what_a_child_says_of_its_lists_as_it_is_put_to_sleep_does_not_wake_it() {
    let journal = Journal::new();
    let words = json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}).to_string();
    let shard = journal.fake_shard(&["--last-words", &words]) + "idle_stop: 1s\ninstances: per_session\n";
    let other = crate::support::fake_shard(&[]) + "idle_stop: 1s\n";
    let gateway = Gateway::builder().shard("fake", shard).shard("other", other).start().await;
    gateway.until("fake", "asleep").await;
    let mut client = open(&gateway, json!({})).await;
    for _ in 0..2 {
        // The other one, with the same patience, wakes and sleeps each time.
        client.call("other__echo", json!({})).await;
        gateway.until("other", "asleep").await;
    }
    assert_eq!(gateway.shard("fake").await["state"], "asleep");
    assert_eq!(journal.of("initialize").len(), 1);
    gateway.stop().await;
}

#[tokio::test]
async fn a_resource_that_is_followed_through_another_child_wakes_the_first() {
    let journal = Journal::new();
    let gateway = start(&journal, &[], "instances: exclusive\n").await;
    let (mut busy, mut client) = (open(&gateway, json!({})).await, open(&gateway, json!({})).await);
    let mut stream = Events::listen(&gateway, &client.session).await;
    let first = child(&mut client).await;
    let (_, other) = tokio::join!(busy.call("fake__sleep", json!({"ms": 500})), async {
        journal.call_of("sleep").await;
        child(&mut client).await
    });
    assert_ne!(first, other);
    gateway.until("fake", "asleep").await;
    let answer = client.ask("resources/subscribe", json!({"uri": "fake://one"})).await.answer();
    assert_eq!(answer["result"], json!({}), "{answer}");
    let message = stream.next().await.unwrap();
    assert_eq!(message["params"], json!({"uri": "fake://one"}), "it may have changed before the first child reports");
    until_children(&gateway, 2).await;
    eventually("both were asked", async || (journal.of("resources/subscribe").len() == 2).then_some(())).await;
    gateway.stop().await;
}
