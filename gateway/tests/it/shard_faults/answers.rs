//! Answers that are odd, broken or too long.

use serde_json::json;

use super::{holds, told};
use crate::support::{Gateway, Legacy, eventually, fake_shard};

#[tokio::test]
async fn odd_answers_are_taken_for_what_they_mean() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    let pid = gateway.until("fake", "ready").await["pid"].clone();
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    let odd =
        ["answer_twice", "unknown_id", "error_null", "float_id", "string_id", "id_last", "garbage", "spaced", "echo"];
    for tool in odd {
        let result = client.call(&format!("fake__{tool}"), json!({})).await;
        let text = if tool == "echo" { "ok" } else { tool };
        assert_eq!(result["content"][0]["text"], text, "{tool}: {result}");
    }
    let answer = client.ask("tools/call", json!({"name": "fake__big_code"})).await.answer();
    assert_eq!(answer["error"]["code"].as_i64(), Some(99_999_999_999), "{answer}");
    let answer = client.ask("tools/call", json!({"name": "fake__null_id"})).await.answer();
    assert_eq!(answer["error"]["message"], "Parse error", "there was no other call that it could be for: {answer}");
    assert_eq!(gateway.shard("fake").await["pid"], pid);
    gateway.stop().await;
}

#[tokio::test]
async fn a_shard_that_prints_to_stdout_is_told_of_once() {
    const TOLD: &str = "the shard wrote to stdout what is no MCP message; logs belong on stderr";
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    for _ in 0..3 {
        client.call("fake__garbage", json!({})).await;
    }
    // What is logged at last stands behind all that was told before.
    let calls = async || (gateway.log().matches("fake__garbage").count() == 3).then_some(());
    eventually("the calls are logged", calls).await;
    assert_eq!(gateway.log().matches(TOLD).count(), 1, "{}", gateway.log());
    gateway.stop().await;
}

#[tokio::test]
async fn a_broken_answer_ends_its_own_call_and_no_other() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    let pid = gateway.until("fake", "ready").await["pid"].clone();
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    let mut other = Legacy::open(&gateway, "2025-11-25").await;
    let cases = [
        ("dup_result", "duplicate key `result`"),
        ("result_and_error", "a `result` or an `error`, not both"),
        ("no_result", "needs a `method`, a `result` or an `error`"),
        ("bad_utf8", "invalid UTF-8"),
    ];
    for (tool, fault) in cases {
        let tool = format!("fake__{tool}");
        let (broken, whole) =
            tokio::join!(client.call(&tool, json!({})), other.call("fake__sleep", json!({"ms": 100})));
        holds(told(&broken), &["shard `fake`", "the answer cannot be read", fault]);
        assert_eq!(whole["content"][0]["text"], "slept 100 ms");
    }
    let shard = gateway.shard("fake").await;
    assert_eq!((&shard["pid"], &shard["restarts"], &shard["failed"]), (&pid, &json!(0), &json!(cases.len())));
    gateway.stop().await;
}

#[tokio::test]
async fn an_answer_over_the_limit_ends_its_own_call_wherever_its_id_stands() {
    let shard = fake_shard(&[]) + "limits: { message: 64KiB }\n";
    let gateway = Gateway::builder().shard("fake", shard).start().await;
    let pid = gateway.until("fake", "ready").await["pid"].clone();
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    let mut other = Legacy::open(&gateway, "2025-11-25").await;
    for tool in ["fake__big", "fake__big_id_first"] {
        let (big, whole) =
            tokio::join!(client.call(tool, json!({"bytes": 3_000_000})), other.call("fake__sleep", json!({"ms": 100})));
        holds(told(&big), &["shard `fake`", "the limit is 65536 (`limits.message`)"]);
        assert_eq!(whole["content"][0]["text"], "slept 100 ms");
        let fits = client.call(tool, json!({"bytes": 60_000})).await;
        assert_eq!(fits["content"][0]["text"].as_str().unwrap().len(), 60_000);
    }
    assert_eq!(gateway.shard("fake").await["pid"], pid);
    gateway.stop().await;
}
