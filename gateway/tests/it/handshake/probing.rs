//! Shards that can be agreed with, however they meet the probe.

use serde_json::json;

use super::Expected::{Down, Era};
use super::{Case, case, check};
use crate::support::{Gateway, Journal, Legacy, eventually};

const MODERN: &str = "| discover listen lists";
const STRAIGHT: &str = "| initialize initialized lists";
const AGAIN: &str = "| discover | initialize initialized lists";
const BOTH: &str = "| discover initialize initialized lists";

#[tokio::test]
async fn a_shard_that_answers_is_known_by_its_answer_at_the_first_start() {
    check(&[
        case("legacy", "--era legacy", Era("legacy"), BOTH),
        case("modern", "--era modern", Era("modern"), MODERN),
        case("python", "--era python", Era("modern"), MODERN),
        case("ts", "--era ts", Era("modern"), MODERN),
    ])
    .await;
}

#[tokio::test]
async fn a_shard_that_breaks_at_the_probe_is_started_again_and_only_initialized() {
    check(&[
        case("legacy-exit", "--era legacy --on-discover exit", Era("legacy"), AGAIN),
        case("python-exit", "--era python --on-discover exit", Era("legacy"), AGAIN),
        case("ts-exit", "--era ts --on-discover exit", Era("legacy"), AGAIN),
        case("legacy-close", "--era legacy --on-discover close-stdout", Era("legacy"), AGAIN),
        case("python-close", "--era python --on-discover close-stdout", Era("legacy"), AGAIN),
        case("ts-close", "--era ts --on-discover close-stdout", Era("legacy"), AGAIN),
    ])
    .await;
}

#[tokio::test]
async fn a_shard_that_is_silent_at_the_probe_is_initialized_on_the_same_pipe() {
    check(&[
        case("legacy-silent", "--era legacy --on-discover silent", Era("legacy"), BOTH),
        case("python-silent", "--era python --on-discover silent", Era("legacy"), BOTH),
        case("ts-silent", "--era ts --on-discover silent", Era("legacy"), BOTH),
        case("legacy-garbage", "--era legacy --on-discover garbage", Era("legacy"), BOTH),
        case("python-garbage", "--era python --on-discover garbage", Era("legacy"), BOTH),
        case("ts-garbage", "--era ts --on-discover garbage", Era("legacy"), BOTH),
        // One place in flight must do for both questions.
        case("one", "--on-discover silent", Era("legacy"), BOTH).with("limits: { in_flight: 1 }\n"),
    ])
    .await;
}

#[tokio::test]
async fn a_modern_shard_that_breaks_at_the_probe_is_down_and_says_why() {
    const START: &str = "timeouts: { start: 10s }\n";
    let steps = "| discover | initialize | discover";
    check(&[
        case("exit", "--era modern --on-discover exit", Down("exit status: 1"), steps).with(START),
        case("close", "--era modern --on-discover close-stdout", Down("closed its output"), steps).with(START),
    ])
    .await;
}

#[tokio::test]
async fn a_shard_that_refuses_initialize_as_modern_servers_do_is_modern_without_a_description() {
    let steps = "| discover initialize cancelled lists";
    check(&[
        case("silent", "--era modern --on-discover silent", Era("modern"), steps),
        case("garbage", "--era modern --on-discover garbage", Era("modern"), steps),
    ])
    .await;
}

/// Both questions wait in the pipe, and the answers tell the eras apart. The TypeScript SDK lets itself be pinned to the
/// legacy one and must be started again.
fn slow(delay: &str) -> [Case; 4] {
    let case = |era, expected, steps| case(era, format!("--era {era} --start-delay {delay}"), expected, steps);
    [
        case("legacy", Era("legacy"), BOTH),
        case("modern", Era("modern"), "| discover initialize listen lists"),
        case("python", Era("modern"), "| discover initialize listen lists"),
        case("ts", Era("modern"), "| discover initialize | discover listen lists"),
    ]
}

#[tokio::test]
async fn a_shard_that_starts_after_the_silence_is_known_by_its_answers() {
    check(&slow("4000")).await;
}

#[tokio::test]
async fn fifteen_seconds_before_the_first_byte_are_no_fault() {
    let [legacy, modern, ..] = slow("15000");
    check(&[legacy, modern]).await;
}

#[tokio::test]
async fn what_the_file_says_is_not_asked() {
    let (legacy, modern) = ("protocol: legacy\n", "protocol: modern\n");
    check(&[
        case("legacy-legacy", "--era legacy", Era("legacy"), STRAIGHT).with(legacy),
        case("legacy-python", "--era python", Era("legacy"), STRAIGHT).with(legacy),
        case("legacy-ts", "--era ts", Era("legacy"), STRAIGHT).with(legacy),
        case("modern-modern", "--era modern", Era("modern"), MODERN).with(modern),
        case("modern-python", "--era python", Era("modern"), MODERN).with(modern),
        case("modern-ts", "--era ts", Era("modern"), MODERN).with(modern),
        case("legacy-modern", "--era modern", Down("it speaks 2026-07-28"), "| initialize").with(legacy),
        case("modern-legacy", "--era legacy", Down("its file says `protocol: modern`"), "| discover").with(modern),
    ])
    .await;
}

/// The first DiscoverResult comes while the other answer is still waited for, the second when the shard serves already:
/// the calls that it has then end well.
#[tokio::test]
async fn a_late_discover_result_restarts_the_shard_once_and_straight_to_modern() {
    let (soon, late) = (Journal::new(), Journal::new());
    let gateway = Gateway::builder()
        .shard("soon", soon.marked_fake_shard(&["--era", "ts", "--discover-delay", "4000"]))
        .shard("late", late.marked_fake_shard(&["--era", "ts", "--discover-delay", "6500"]))
        .start()
        .await;
    let shard = gateway.until("late", "ready").await;
    assert_eq!((&shard["era"], &*late.steps()), (&json!("legacy"), BOTH));
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    let slept = client.call("late__sleep", json!({"ms": 2500})).await;
    assert_eq!(slept["content"][0]["text"], "slept 2500 ms");
    for (name, journal, steps) in [
        ("soon", &soon, "| discover initialize | discover listen lists"),
        ("late", &late, "| discover initialize initialized lists call | discover listen lists"),
    ] {
        let is_modern = async || {
            let shard = gateway.shard(name).await;
            (shard["state"] == "ready" && shard["era"] == "modern").then_some(shard)
        };
        let shard = eventually(&format!("`{name}` is modern"), is_modern).await;
        assert_eq!((&*journal.steps(), &shard["last_error"]), (steps, &json!(null)), "{name}");
    }
    assert_eq!(client.call("late__whoami", json!({})).await["structuredContent"]["era"], "ts");
    gateway.stop().await;
}
