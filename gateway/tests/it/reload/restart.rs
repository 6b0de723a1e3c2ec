//! `reload: restart`, for what cannot run twice at the same time.

use serde_json::json;

use super::{until_no_trouble, until_other_than, until_trouble};
use crate::support::{Gateway, Journal, Legacy, eventually};

/// A shard that holds a lock as long as it runs, and cannot start without it.
fn exclusive(journal: &Journal, flags: &[&str], more: &str) -> String {
    let lock = format!("{}.lock", journal.path());
    let script = r#"exec 9>"$0"; flock --nonblock 9 || { echo "the lock is taken" >&2; exit 7; }; exec "$@""#;
    let shard = journal.fake_shard(flags);
    let (command, args) = shard.trim_end().split_once("\nargs: ").unwrap();
    let mut words = vec![json!("-c"), json!(script), json!(lock), json!(command.strip_prefix("command: ").unwrap())];
    words.extend(serde_json::from_str::<Vec<_>>(args).unwrap());
    format!("command: sh\nargs: {}\n{more}", json!(words))
}

#[tokio::test]
async fn what_needs_a_lock_is_told_of_restart_and_then_restarts_while_calls_wait() {
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("fake", exclusive(&journal, &[], "")).start().await;
    let old = gateway.until("fake", "ready").await["pid"].clone();
    gateway.write_shard("fake", &exclusive(&journal, &["--tools", "1"], ""));
    until_trouble(&gateway, &["exit status: 7", "the lock is taken", "`reload: restart`"]).await;

    let (mut slow, mut quick) =
        (Legacy::open(&gateway, "2025-11-25").await, Legacy::open(&gateway, "2025-11-25").await);
    let (slept, echoed) = tokio::join!(slow.call("fake__sleep", json!({"ms": 1000})), async {
        journal.call_of("sleep").await;
        gateway.write_shard("fake", &exclusive(&journal, &["--tools", "1"], "reload: restart\n"));
        gateway.until("fake", "draining").await;
        quick.call("fake__echo", json!({"a": 1})).await
    });
    assert_eq!(slept["content"][0]["text"], "slept 1000 ms");
    assert_eq!(echoed["structuredContent"], json!({"a": 1}));
    assert_ne!(gateway.until("fake", "ready").await["pid"], old);
    assert!(quick.tools().await.contains(&"fake__t0".to_owned()));
    until_no_trouble(&gateway).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_restart_that_fails_goes_back_to_the_old_spec_while_calls_wait() {
    let journal = Journal::new();
    let restart = "reload: restart\n";
    let gateway = Gateway::builder().shard("fake", exclusive(&journal, &["--tools", "1"], restart)).start().await;
    let old = gateway.until("fake", "ready").await["pid"].clone();
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    gateway.write_shard("fake", &exclusive(&journal, &["--on-initialize", "error"], restart));
    eventually("the old process is asked to stop", async || (gateway.shard("fake").await["pid"] != old).then_some(()))
        .await;
    assert!(!client.call("fake__t0", json!({})).await["isError"].as_bool().unwrap_or_default());
    until_trouble(&gateway, &["does not come up", "cannot initialize", "the old spec is back"]).await;
    let back = until_other_than(&gateway, &old).await;

    // Not tried again before the file changes.
    gateway.write_shard("other", "command: [");
    until_trouble(&gateway, &["expected"]).await;
    gateway.remove_shard("other");
    until_trouble(&gateway, &["the old spec is back"]).await;
    assert_eq!(gateway.shard("fake").await["pid"], back);
    gateway.write_shard("fake", &exclusive(&journal, &["--tools", "2"], restart));
    until_no_trouble(&gateway).await;
    until_other_than(&gateway, &back).await;
    assert!(client.tools().await.contains(&"fake__t1".to_owned()));
    gateway.stop().await;
}
