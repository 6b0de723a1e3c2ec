//! Shards that write without end.

use serde_json::json;

use super::{MEMORY, is_served};
use crate::support::{Gateway, Legacy, eventually, fake_shard};

const MIB: usize = 1024 * 1024;

/// Lets a shard write `mib` of something while another one is called, and gives the gateway's log.
async fn check(what: &str, mib: usize) -> String {
    let gateway = Gateway::builder().shard("bad", fake_shard(&[])).shard("good", fake_shard(&[])).start().await;
    for name in ["bad", "good"] {
        gateway.until(name, "ready").await;
    }
    let mut flooded = Legacy::open(&gateway, "2025-11-25").await;
    flooded.ask("logging/setLevel", json!({"level": "emergency"})).await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    let flood = flooded.call("bad__flood", json!({"what": what, "bytes": mib * MIB}));
    let (answer, ()) = tokio::join!(flood, is_served(&mut client));
    assert_eq!(answer["content"][0]["text"], "ok", "the answer after the flood is found: {answer}");
    is_served(&mut client).await;
    assert_eq!(flooded.call("bad__echo", json!({"a": 1})).await["structuredContent"], json!({"a": 1}));
    assert!(gateway.peak_memory() < MEMORY, "{} MiB after {mib} MiB of {what}", gateway.peak_memory());
    assert!(gateway.log().len() < mib * MIB / 2, "the log has {} bytes after {mib} MiB of {what}", gateway.log().len());
    let log = gateway.log();
    gateway.stop().await;
    log
}

#[tokio::test]
async fn a_flood_on_stderr_is_read_and_the_log_says_that_lines_were_left_out() {
    let gateway = Gateway::builder().shard("bad", fake_shard(&[])).start().await;
    gateway.until("bad", "ready").await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    client.call("bad__flood", json!({"what": "stderr", "bytes": 40 * MIB})).await;
    // Only what comes after the flood ends the silence about it.
    eventually("the log tells", async || {
        client.call("bad__stderr", json!({"lines": 1, "text": "the last words"})).await;
        gateway.log().contains("lines were left out here").then_some(())
    })
    .await;
    let crashed = client.call("bad__crash", json!({})).await;
    assert!(crashed.to_string().contains("crashed on demand"), "the end is always kept: {crashed}");
    assert!(gateway.log().len() < 4 * MIB, "{}", gateway.log().len());
    assert!(gateway.peak_memory() < MEMORY, "{} MiB", gateway.peak_memory());
    gateway.stop().await;
}

#[tokio::test]
async fn garbage_on_stdout_is_passed_over() {
    check("garbage", 8).await;
    check("empty", 5).await;
}

#[tokio::test]
async fn answers_to_nobody_and_progress_of_nothing_are_passed_over() {
    check("strays", 4).await;
    check("progress", 4).await;
    check("unknown", 4).await;
}

#[tokio::test]
async fn log_messages_for_nobody_are_logged_in_part() {
    let log = check("logs", 4).await;
    assert!(log.contains("nothing happened"), "{log}");
}

#[tokio::test]
async fn lists_that_change_without_end_are_fetched_now_and_then() {
    check("changes", 5).await;
}

#[tokio::test]
async fn questions_without_end_are_dropped_while_the_shard_reads_no_answers() {
    let log = check("questions", 8).await;
    let complaints = log.matches("the shard does not read: messages to it are dropped").count();
    assert!((1..100).contains(&complaints), "{complaints} complaints");
}

#[tokio::test]
async fn an_answer_of_a_hundred_mebibytes_costs_its_own_call_and_no_memory() {
    let gateway = Gateway::builder().shard("bad", fake_shard(&[])).shard("good", fake_shard(&[])).start().await;
    for name in ["bad", "good"] {
        gateway.until(name, "ready").await;
    }
    let mut calling = Legacy::open(&gateway, "2025-11-25").await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    let big = calling.call("bad__big", json!({"bytes": 100 * MIB}));
    let (big, ()) = tokio::join!(big, is_served(&mut client));
    assert!(big["content"][0]["text"].as_str().unwrap().contains("`limits.message`"), "{big}");
    assert_eq!(calling.call("bad__echo", json!({"a": 1})).await["structuredContent"], json!({"a": 1}));
    assert!(gateway.peak_memory() < MEMORY, "{} MiB", gateway.peak_memory());
    gateway.stop().await;
}
