//! A shard file changes while calls are under way.

mod idle;
mod restart;

use serde_json::{Value, json};

use crate::support::{Gateway, Journal, Legacy, eventually, fake_shard};

/// Waits until another process than `old` serves, and gives it.
async fn until_other_than(gateway: &Gateway, old: &Value) -> Value {
    eventually("another process serves", async || {
        let shard = gateway.shard("fake").await;
        (shard["state"] == "ready" && shard["pid"] != *old).then(|| shard["pid"].clone())
    })
    .await
}

/// Waits until a problem is told that holds each of `words`.
async fn until_trouble(gateway: &Gateway, words: &[&str]) {
    let what = format!("a problem with {words:?}; log:\n{}", gateway.log());
    eventually(&what, async || {
        let health = gateway.health().await;
        let problems = health["problems"].as_array().unwrap();
        let message = |problem: &Value| problem["message"].as_str().unwrap().to_owned();
        problems.iter().map(message).find(|message| words.iter().all(|word| message.contains(word)))
    })
    .await;
}

async fn until_no_trouble(gateway: &Gateway) {
    eventually("nothing is wrong", async || (gateway.health().await["status"] == "ok").then_some(())).await;
}

#[tokio::test]
async fn a_swap_loses_no_call_and_leaves_no_process() {
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("fake", journal.fake_shard(&[])).start().await;
    let old = gateway.until("fake", "ready").await["pid"].clone();
    let (mut slow, mut quick) =
        (Legacy::open(&gateway, "2025-11-25").await, Legacy::open(&gateway, "2025-11-25").await);
    let (slept, ()) = tokio::join!(slow.call("fake__sleep", json!({"ms": 1500})), async {
        journal.call_of("sleep").await;
        gateway.write_shard("fake", &journal.fake_shard(&["--tools", "1"]));
        let mut made = 0;
        // Not one call fails, whichever process takes it.
        while gateway.shard("fake").await["pid"] == old {
            assert_eq!(quick.call("fake__echo", json!({"n": made})).await["structuredContent"], json!({"n": made}));
            made += 1;
        }
        assert!(quick.tools().await.contains(&"fake__t0".to_owned()));
        assert!(!quick.call("fake__t0", json!({})).await["isError"].as_bool().unwrap_or_default());
    });
    assert_eq!(slept["content"][0]["text"], "slept 1500 ms");
    eventually("the old process is gone", async || (gateway.children().len() == 1).then_some(())).await;
    let shard = gateway.shard("fake").await;
    assert_eq!((&shard["restarts"], &shard["failed"]), (&json!(0), &json!(0)));
    gateway.stop().await;
}

#[tokio::test]
async fn a_swap_that_fails_leaves_the_old_process_serving_and_says_so_until_the_file_is_mended() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    let old = gateway.until("fake", "ready").await["pid"].clone();
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    gateway.write_shard("fake", &(fake_shard(&["--on-initialize", "error"]) + "tools: { deny: [sleep] }\n"));
    let words = ["the changed process of `fake` does not come up", "cannot initialize", "`reload: restart`"];
    until_trouble(&gateway, &words).await;
    let shard = gateway.shard("fake").await;
    assert_eq!((&shard["state"], &shard["pid"]), (&json!("ready"), &old));
    assert_eq!(client.call("fake__echo", json!({"a": 1})).await["structuredContent"], json!({"a": 1}));
    // What the file hides is hidden all the same.
    assert!(!client.tools().await.contains(&"fake__sleep".to_owned()));
    gateway.write_shard("fake", &fake_shard(&["--tools", "1"]));
    assert_ne!(until_other_than(&gateway, &old).await, old);
    until_no_trouble(&gateway).await;
    eventually("one process is left", async || (gateway.children().len() == 1).then_some(())).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_file_that_says_again_what_runs_ends_the_exchange() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    let old = gateway.until("fake", "ready").await["pid"].clone();
    gateway.write_shard("fake", &fake_shard(&["--on-initialize", "silent"]));
    eventually("the new process is there", async || (gateway.children().len() == 2).then_some(())).await;
    gateway.write_shard("fake", &fake_shard(&[]));
    eventually("it is gone again", async || (gateway.children().len() == 1).then_some(())).await;
    assert_eq!(gateway.shard("fake").await["pid"], old);
    until_no_trouble(&gateway).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_removed_file_ends_both_processes_of_an_exchange() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    gateway.write_shard("fake", &fake_shard(&["--on-initialize", "silent"]));
    eventually("the new process is there", async || (gateway.children().len() == 2).then_some(())).await;
    gateway.remove_shard("fake");
    eventually("both are gone", async || gateway.children().is_empty().then_some(())).await;
    gateway.stop().await;
}

#[tokio::test]
async fn limits_change_under_calls_without_a_new_process() {
    let journal = Journal::new();
    let shard = |in_flight: u32| journal.fake_shard(&[]) + &format!("limits: {{ in_flight: {in_flight} }}\n");
    let gateway = Gateway::builder().shard("fake", shard(1)).start().await;
    let pid = gateway.until("fake", "ready").await["pid"].clone();
    let (mut first, mut second) =
        (Legacy::open(&gateway, "2025-11-25").await, Legacy::open(&gateway, "2025-11-25").await);
    let (slept, echoed) = tokio::join!(first.call("fake__sleep", json!({"ms": 2000})), async {
        journal.call_of("sleep").await;
        let (echoed, ()) = tokio::join!(second.call("fake__echo", json!({"a": 1})), async {
            gateway.write_shard("fake", &shard(2));
            journal.call_of("echo").await;
            assert_eq!(gateway.shard("fake").await["in_flight"], 1, "the first call is still under way");
        });
        echoed
    });
    assert_eq!(slept["content"][0]["text"], "slept 2000 ms");
    assert_eq!(echoed["structuredContent"], json!({"a": 1}));
    assert_eq!(gateway.shard("fake").await["pid"], pid);

    gateway.write_shard("fake", &(journal.fake_shard(&[]) + "limits: { message: 64KiB }\n"));
    let big = eventually("the new limit holds", async || {
        let big = second.call("fake__big", json!({"bytes": 150_000})).await;
        big["isError"].as_bool().unwrap_or_default().then(|| big["content"][0]["text"].to_string())
    });
    let big = big.await;
    assert!(big.contains("`limits.message`"), "{big}");
    assert_eq!(gateway.shard("fake").await["pid"], pid);
    gateway.stop().await;
}
