//! Subscriptions outlive the process that was told of them.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::{heard, open, subscribe, told, unsubscribe, update};
use crate::support::{Gateway, Journal, Legacy, eventually, fake_shard};

const BORN: &str = "| initialize initialized lists";

pub(super) fn kill(pid: &serde_json::Value) {
    let pid = i32::try_from(pid.as_i64().unwrap()).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
}

/// Waits until another process serves than the one of this entry.
async fn until_another(gateway: &Gateway, old: &serde_json::Value) {
    eventually("another process serves", async || {
        let shard = gateway.shard("fake").await;
        (shard["state"] == "ready" && shard["pid"] != old["pid"]).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_killed_shard_is_told_again_before_it_serves() {
    let journal = Journal::new();
    let shard = journal.marked_fake_shard(&[]) + "protocol: legacy\n";
    let gateway = Gateway::builder().shard("fake", shard).start().await;
    let first_life = gateway.until("fake", "ready").await;
    let (mut client, mut stream) = open(&gateway).await;
    let (mut other, mut others) = open(&gateway).await;
    subscribe(&mut client, "fake://one").await;
    subscribe(&mut other, "fake://one").await;
    subscribe(&mut other, "fake://two").await;
    unsubscribe(&mut other, "fake://two").await;
    kill(&first_life["pid"]);
    until_another(&gateway, &first_life).await;
    update(&mut client, &["fake://one"]).await;
    assert_eq!((heard(&mut stream).await, heard(&mut others).await), ("fake://one".into(), "fake://one".into()));
    let steps = journal.steps();
    assert!(steps.ends_with(&format!("{BORN} subscribe call")), "{steps}");
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_followed_counts_as_updated_when_another_process_reports_on_it() {
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("fake", journal.fake_shard(&[])).start().await;
    let first_life = gateway.until("fake", "ready").await;
    let (mut client, mut stream) = open(&gateway).await;
    let (mut other, mut others) = open(&gateway).await;
    subscribe(&mut client, "fake://one").await;
    subscribe(&mut other, "fake://two").await;
    kill(&first_life["pid"]);
    assert_eq!((heard(&mut stream).await, heard(&mut others).await), ("fake://one".into(), "fake://two".into()));
    gateway.stop().await;
}

#[tokio::test]
async fn a_changed_process_is_told_before_it_takes_over() {
    let (before, after) = (Journal::new(), Journal::new());
    let gateway = Gateway::builder().shard("fake", before.fake_shard(&[])).start().await;
    let old = gateway.until("fake", "ready").await;
    let (mut client, mut stream) = open(&gateway).await;
    subscribe(&mut client, "fake://one").await;
    gateway.write_shard("fake", &(after.marked_fake_shard(&[]) + "protocol: legacy\n"));
    until_another(&gateway, &old).await;
    assert_eq!(after.steps(), "| initialize initialized lists subscribe");
    update(&mut client, &["fake://one"]).await;
    assert_eq!(heard(&mut stream).await, "fake://one");
    unsubscribe(&mut client, "fake://one").await;
    assert_eq!((told(&before, "resources/unsubscribe").len(), told(&after, "resources/unsubscribe").len()), (0, 1));
    gateway.stop().await;
}

#[tokio::test]
async fn a_shard_whose_resources_are_followed_does_not_sleep() {
    let shard = fake_shard(&[]) + "idle_stop: 1s\n";
    let gateway = Gateway::builder().shard("fake", shard.clone()).start().await;
    gateway.until("fake", "ready").await;
    // Whoever is there first has the resources.
    gateway.write_shard("idle", &shard);
    gateway.until("idle", "ready").await;
    let (mut client, _stream) = open(&gateway).await;
    subscribe_at(&mut client, "fake://item/fake").await;
    let awake = gateway.shard("fake").await;
    gateway.until("idle", "asleep").await;
    for _ in 0..2 {
        // The other one, with the same patience, sleeps each time.
        client.call("idle__echo", json!({})).await;
        gateway.until("idle", "asleep").await;
    }
    let still = gateway.shard("fake").await;
    assert_eq!((&still["state"], &still["pid"]), (&json!("ready"), &awake["pid"]));
    unsubscribe(&mut client, "fake://item/fake").await;
    gateway.until("fake", "asleep").await;
    gateway.stop().await;
}

/// Both shards have a template for it; whoever has shown it is asked.
async fn subscribe_at(client: &mut Legacy, uri: &str) {
    let shown = json!({"result": {"content": [{"type": "resource_link", "uri": uri, "name": "x"}]}});
    client.call("fake__raw_result", shown).await;
    subscribe(client, uri).await;
}
