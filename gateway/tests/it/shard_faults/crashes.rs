//! Shards that die, and what becomes of the calls that they had.

use serde_json::json;

use super::{holds, told};
use crate::support::{Gateway, Journal, Legacy, fake_shard};

const SECRET: &str = "hunter2-and-more";

#[tokio::test]
async fn a_crash_is_told_with_its_last_words_and_costs_nobody_else_anything() {
    let journal = Journal::new();
    let shard = format!("{}env: {{ API_TOKEN: {SECRET} }}\n", journal.fake_shard(&[]));
    let gateway = Gateway::builder().shard("fake", shard).shard("other", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let other_pid = gateway.until("other", "ready").await["pid"].clone();
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    let mut second = Legacy::open(&gateway, "2025-11-25").await;
    let mut third = Legacy::open(&gateway, "2025-11-25").await;
    client.call("fake__stderr", json!({"lines": 9, "text": format!("the token is {SECRET}")})).await;
    let ((hung, crashed), slept) = tokio::join!(
        async {
            tokio::join!(second.call("fake__hang", json!({})), async {
                journal.call_of("hang").await;
                client.call("fake__crash", json!({})).await
            })
        },
        third.call("other__sleep", json!({"ms": 500})),
    );
    for result in [&crashed, &hung] {
        let what = "it ended with exit status: 3 while the call was under way; it may have run and is not repeated";
        let words = "the token is *** | fake_shard: about to crash | fake_shard: crashed on demand";
        let text = told(result).strip_prefix(&format!("shard `fake`: {what}; its last lines: {words}; ")).unwrap();
        // The first start is at once, and may already be under way, or over.
        let back = ["it is started again at once", "it is being started again", "it has been started again"];
        assert!(back.contains(&text), "{text}");
    }
    assert_eq!(slept["content"][0]["text"], "slept 500 ms");
    assert_eq!(client.call("fake__echo", json!({"a": 1})).await["structuredContent"], json!({"a": 1}));
    let of = |tool: &str| journal.of("tools/call").iter().filter(|call| call["params"]["name"] == tool).count();
    assert_eq!((of("hang"), of("crash")), (1, 1), "what may have run is not run again");

    let shard = gateway.until("fake", "ready").await;
    assert_eq!((&shard["restarts"], &shard["failed"]), (&json!(1), &json!(2)));
    assert_eq!(shard["last_error"], "it ended with exit status: 3");
    assert_eq!(gateway.shard("other").await["pid"], other_pid);
    assert!(!gateway.health().await.to_string().contains(SECRET));
    assert!(!gateway.log().contains(SECRET) && gateway.log().contains("the token is ***"));
    gateway.stop().await;
}

#[tokio::test]
async fn a_shard_that_crashes_again_says_when_it_comes_back_and_then_does() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    holds(told(&client.call("fake__crash", json!({})).await), &["started again"]);
    holds(told(&client.call("fake__crash", json!({})).await), &["it is started again in 1 s"]);
    // A call that has not been sent waits for it.
    assert_eq!(client.call("fake__echo", json!({"a": 1})).await["structuredContent"], json!({"a": 1}));
    gateway.stop().await;
}

#[tokio::test]
async fn a_shard_that_closes_its_output_has_ended() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    let pid = gateway.until("fake", "ready").await["pid"].clone();
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    holds(told(&client.call("fake__close_stdout", json!({})).await), &["it closed its output", "not repeated"]);
    client.call("fake__echo", json!({})).await;
    assert_ne!(gateway.until("fake", "ready").await["pid"], pid);
    gateway.stop().await;
}

/// The crash waits behind the sleep, and the echo behind the crash.
#[tokio::test]
async fn a_call_that_was_not_sent_goes_to_the_next_child() {
    let journal = Journal::new();
    let shard = journal.marked_fake_shard(&[]) + "limits: { in_flight: 1 }\n";
    let gateway = Gateway::builder().shard("fake", shard).start().await;
    gateway.until("fake", "ready").await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(Legacy::open(&gateway, "2025-11-25").await);
    }
    let [sleeps, crashes, echoes] = &mut clients[..] else { unreachable!() };
    let calls = async || gateway.shard("fake").await["calls"].clone();
    let until_calls = async |count: u64| {
        crate::support::eventually("the call is made", async || (calls().await == count).then_some(())).await;
    };
    let (slept, crashed, echoed) = tokio::join!(
        sleeps.call("fake__sleep", json!({"ms": 1500})),
        async {
            until_calls(1).await;
            crashes.call("fake__crash", json!({})).await
        },
        async {
            until_calls(2).await;
            echoes.call("fake__echo", json!({"a": 1})).await
        },
    );
    assert_eq!(slept["content"][0]["text"], "slept 1500 ms");
    holds(told(&crashed), &["exit status: 3"]);
    assert_eq!(echoed["structuredContent"], json!({"a": 1}));
    let steps = "| discover initialize initialized lists call call | initialize initialized lists call";
    assert_eq!(journal.steps(), steps);
    let shard = gateway.shard("fake").await;
    assert_eq!((&shard["calls"], &shard["failed"]), (&json!(3), &json!(1)));
    gateway.stop().await;
}

/// What was remembered of it is still listed.
#[tokio::test]
async fn a_shard_that_is_down_is_told_with_the_next_try() {
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("fake", journal.marked_fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let dir = gateway.dir().clone();
    gateway.stop().await;
    journal.set_flags("--on-initialize error");
    let gateway = Gateway::builder().in_dir(&dir).start().await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    let mut other = Legacy::open(&gateway, "2025-11-25").await;
    assert!(client.tools().await.contains(&"fake__echo".to_owned()));
    let (called, read) =
        tokio::join!(client.call("fake__echo", json!({})), other.ask("resources/read", json!({"uri": "fake://one"})),);
    holds(told(&called), &["shard `fake`: it is down: the handshake failed", "cannot initialize", "started again"]);
    let error = read.answer()["error"].clone();
    assert_eq!((&error["code"], &error["data"]["shard"]), (&json!(-32603), &json!("fake")));
    assert!(error["data"]["nextRetrySeconds"].is_u64(), "{error}");
    holds(error["message"].as_str().unwrap(), &["shard `fake`", "cannot initialize"]);
    gateway.stop().await;
}
