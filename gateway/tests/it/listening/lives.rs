//! What is listened to outlives the process that was asked.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::{ERAS, ID, followed, heard, listen, start, to_resources, until_followed, update};
use crate::support::{Events, Gateway, Journal, Legacy, eventually};

fn kill(shard: &Value) {
    let pid = i32::try_from(shard["pid"].as_i64().unwrap()).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
}

async fn until_another(gateway: &Gateway, old: &Value) {
    eventually("another process serves", async || {
        let shard = gateway.shard("fake").await;
        (shard["state"] == "ready" && shard["pid"] != old["pid"]).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_killed_shard_is_asked_again_and_what_is_followed_counts_as_updated() {
    for era in ERAS {
        let journal = Journal::new();
        let gateway = start(&journal, era, &[], "").await;
        let born = gateway.shard("fake").await;
        let wished = json!({"toolsListChanged": true, "resourceSubscriptions": ["fake://one", "fake://two"]});
        let (mut stream, _) = listen(&gateway, json!(1), wished).await;
        kill(&born);
        let mut missed = vec![heard(&mut stream).await, heard(&mut stream).await];
        missed.sort();
        assert_eq!(missed, ["fake://one", "fake://two"], "{era}");
        until_another(&gateway, &born).await;
        update(&gateway, "fake://two").await;
        assert_eq!(heard(&mut stream).await, "fake://two", "{era}");
        gateway.stop().await;
    }
}

#[tokio::test]
async fn a_changed_process_is_asked_before_it_takes_over() {
    for era in ERAS {
        let (before, after) = (Journal::new(), Journal::new());
        let gateway = start(&before, era, &[], "").await;
        let old = gateway.shard("fake").await;
        let (mut stream, _) = to_resources(&gateway, &["fake://one"]).await;
        gateway.write_shard("fake", &after.fake_shard(&["--era", era]));
        until_another(&gateway, &old).await;
        assert_eq!(followed(&after, era), ["fake://one"]);
        assert_eq!(heard(&mut stream).await, "fake://one", "nobody knows what it was meanwhile");
        update(&gateway, "fake://one").await;
        assert_eq!(heard(&mut stream).await, "fake://one");
        gateway.stop().await;
    }
}

#[tokio::test]
async fn a_shard_that_becomes_modern_is_listened_to_for_a_legacy_client() {
    let (before, after) = (Journal::new(), Journal::new());
    let gateway = start(&before, "legacy", &[], "").await;
    let old = gateway.shard("fake").await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    let mut stream = Events::listen(&gateway, &client.session).await;
    let answer = client.ask("resources/subscribe", json!({"uri": "fake://one"})).await.answer();
    assert_eq!(answer["result"], json!({}));
    gateway.write_shard("fake", &after.fake_shard(&["--era", "modern"]));
    until_another(&gateway, &old).await;
    until_followed(&after, "modern", &["fake://one"]).await;
    update(&gateway, "fake://one").await;
    assert_eq!(heard(&mut stream).await, "fake://one");
    gateway.stop().await;
}

#[tokio::test]
async fn the_end_of_the_gateway_is_told_with_the_result() {
    let journal = Journal::new();
    let gateway = start(&journal, "modern", &[], "").await;
    let (mut one, _) = listen(&gateway, json!("one"), json!({"toolsListChanged": true})).await;
    let (mut two, _) = to_resources(&gateway, &["fake://one"]).await;
    let (first, second, ()) = tokio::join!(one.rest(), two.rest(), gateway.stop());
    let ended =
        |id: Value| json!({"jsonrpc": "2.0", "id": id, "result": {"resultType": "complete", "_meta": {ID: id}}});
    assert_eq!((first, second), (vec![ended(json!("one"))], vec![ended(json!(1))]));
    let asked = journal.of(super::LISTEN);
    assert!(journal.cancelled().contains(&asked.last().unwrap()["id"]), "the shard is told, too");
}
