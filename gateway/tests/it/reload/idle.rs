//! `start: lazy` and `idle_stop`: a shard without a process is listed, and wakes when it is called.

use serde_json::json;

use crate::support::{Gateway, Journal, Legacy, eventually, fake_shard};

#[tokio::test]
async fn a_lazy_shard_starts_when_it_is_first_called_and_is_listed_meanwhile() {
    let journal = Journal::new();
    let shard = journal.fake_shard(&[]) + "start: lazy\n";
    let gateway = Gateway::builder().shard("fake", shard).start().await;
    // Nothing is known of it yet, so that it must be asked.
    gateway.until("fake", "ready").await;
    let dir = gateway.dir().clone();
    gateway.stop().await;
    journal.clear();

    let gateway = Gateway::builder().in_dir(&dir).start().await;
    gateway.until("fake", "asleep").await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    assert!(client.tools().await.contains(&"fake__echo".to_owned()));
    assert!(gateway.children().is_empty() && gateway.health().await["status"] == "ok");
    assert_eq!(gateway.http().await.send("GET", "/readyz", &[], "").await.status, 200);
    assert_eq!(client.call("fake__echo", json!({"a": 1})).await["structuredContent"], json!({"a": 1}));
    gateway.until("fake", "ready").await;
    assert_eq!(journal.of("tools/call").len(), 1);
    gateway.stop().await;
}

#[tokio::test]
async fn an_idle_shard_sleeps_until_it_is_called_again_and_no_call_under_way_is_cut() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[]) + "idle_stop: 1s\n").start().await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    for round in 0..2 {
        let slept = client.call("fake__sleep", json!({"ms": 1500})).await;
        assert_eq!(slept["content"][0]["text"], "slept 1500 ms", "round {round}");
        gateway.until("fake", "asleep").await;
        assert!(gateway.children().is_empty());
        assert!(client.tools().await.contains(&"fake__echo".to_owned()));
    }
    let shard = gateway.shard("fake").await;
    assert_eq!((&shard["restarts"], &shard["failed"], &shard["calls"]), (&json!(0), &json!(0), &json!(2)));
    gateway.stop().await;
}

/// Time in which nobody can call is not idle time; counted, the shard would sleep again before the call gets through.
#[tokio::test]
async fn a_shard_that_starts_for_longer_than_it_may_idle_serves_the_call_that_woke_it() {
    let file = fake_shard(&["--start-delay", "1500"]) + "idle_stop: 1s\n";
    let gateway = Gateway::builder().shard("fake", file).start().await;
    gateway.until("fake", "asleep").await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    assert_eq!(client.call("fake__echo", json!({"a": 1})).await["structuredContent"], json!({"a": 1}));
    gateway.stop().await;
}

#[tokio::test]
async fn a_shard_that_sleeps_takes_up_a_changed_file() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[]) + "idle_stop: 1s\n").start().await;
    gateway.until("fake", "asleep").await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    gateway.write_shard("fake", &(fake_shard(&["--tools", "1"]) + "idle_stop: 1s\n"));
    eventually("the new tool is listed", async || client.tools().await.contains(&"fake__t0".to_owned()).then_some(()))
        .await;
    gateway.until("fake", "asleep").await;
    assert!(!client.call("fake__t0", json!({})).await["isError"].as_bool().unwrap_or_default());
    gateway.remove_shard("fake");
    eventually("it is gone", async || gateway.children().is_empty().then_some(())).await;
    gateway.stop().await;
}
