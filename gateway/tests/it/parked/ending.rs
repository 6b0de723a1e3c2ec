//! How a call that waits comes to its end: by its shard, by time, by its client.

use serde_json::{Value, json};

use super::{INSTANCES, Modern, accept, ask, end, heard, start, start_with};
use crate::support::{Gateway, Journal, Stdio, eventually, modern_meta};

/// What the shard was answered to its questions.
fn answers(journal: &Journal) -> Vec<Value> {
    let is_answer = |message: &Value| message["id"].as_str().is_some_and(|id| id.starts_with("ask-"));
    journal.messages().into_iter().filter(is_answer).collect()
}

#[tokio::test]
async fn when_its_time_is_over_the_shard_is_answered_politely_and_the_late_client_is_told() {
    for instances in INSTANCES {
        let journal = Journal::new();
        let gateway = start_with(&journal, &format!("instances: {instances}"), &["--parked-ttl", "300ms"]).await;
        let mut client = Modern::able();
        let round = client.interview(&gateway, json!([ask(), {"hear": 1}, ask(), {"hear": 2}])).await;
        eventually("the shard is answered", async || (answers(&journal).len() == 2).then_some(())).await;
        assert!(answers(&journal).iter().all(|answer| answer["result"] == json!({"action": "cancel"})));
        let late = client.answer(&gateway, &round, round.all(&accept())).await;
        assert_eq!(late["error"]["code"], -32602);
        let words = late["error"]["message"].as_str().unwrap();
        assert!(words.contains("within 300ms (`--parked-ttl`)"), "{words}");
        assert!(journal.cancelled().is_empty(), "the call came to its end");
        end(gateway, &journal).await;
    }
}

#[tokio::test]
async fn a_question_that_the_shard_takes_back_is_not_asked_again_and_its_result_waits() {
    for instances in INSTANCES {
        let journal = Journal::new();
        let gateway = start(&journal, &format!("instances: {instances}")).await;
        let mut client = Modern::able();
        let call = json!({"name": "fake__ask", "arguments": {"method": "elicitation/create", "withdraw_ms": 500}});
        let round = client.asked(&gateway, "tools/call", call).await;
        eventually("the shard has answered", async || (gateway.shard("fake").await["in_flight"] == 0).then_some(()))
            .await;
        let done = client.answer(&gateway, &round, round.all(&accept())).await;
        assert_eq!(done["result"]["structuredContent"], json!({"withdrawn": true}));
        assert!(answers(&journal).is_empty(), "what it took back is not answered");
        end(gateway, &journal).await;
    }
}

#[tokio::test]
async fn of_two_questions_the_one_that_was_taken_back_is_gone_when_the_other_is_asked_again() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let mut client = Modern::able();
    let steps = json!([ask(), ask(), {"sleep": 500}, {"withdraw": 0}, ask(), {"hear": 2}]);
    let round = client.interview(&gateway, steps).await;
    let keys = round.keys();
    assert_eq!(keys.len(), 2);
    // The third question shows that the first has been taken back by now.
    eventually("the third is asked", async || (gateway.shard("fake").await["asked"] == 3).then_some(())).await;
    let next = client.asked_on(&gateway, &round, json!({})).await;
    assert!(!next.keys().contains(&keys[0]) && next.keys().contains(&keys[1]) && next.keys().len() == 2, "{next:?}");
    let done = client.answer(&gateway, &next, next.all(&accept())).await;
    assert_eq!(heard(&done)[0], Value::Null);
    end(gateway, &journal).await;
}

/// The shard answers the call without an answer to its question.
#[tokio::test]
async fn a_result_that_arrives_meanwhile_is_kept_and_its_child_is_free() {
    for instances in INSTANCES {
        let journal = Journal::new();
        let gateway = start(&journal, &format!("instances: {instances}")).await;
        let mut client = Modern::able();
        let round = client.interview(&gateway, json!([ask(), {"sleep": 500}, ask(), {"progress": 1}])).await;
        eventually("the shard has answered", async || (gateway.shard("fake").await["in_flight"] == 0).then_some(()))
            .await;
        // What nobody needs any more is declined, also what the client has not been asked.
        eventually("its questions are answered", async || (answers(&journal).len() == 2).then_some(())).await;
        let before = gateway.shard("fake").await["pid"].clone();
        let who = client.call(&gateway, "fake__whoami", json!({})).await;
        assert_eq!(who["result"]["structuredContent"]["pid"], before, "{instances}: the child has other calls");
        let done = client.answer(&gateway, &round, round.all(&accept())).await;
        assert_eq!(heard(&done), [Value::Null, Value::Null]);
        end(gateway, &journal).await;
    }
}

#[tokio::test]
async fn a_result_that_waits_counts_in_the_memory_of_results() {
    let journal = Journal::new();
    let gateway = start_with(&journal, "", &["--result-memory", "200000"]).await;
    let mut client = Modern::able();
    let round = client.interview(&gateway, json!([ask(), {"sleep": 500}, {"bulk": 150_000}])).await;
    eventually("the shard has answered", async || (gateway.shard("fake").await["in_flight"] == 0).then_some(())).await;
    let big = client.call(&gateway, "fake__big", json!({"bytes": 100_000})).await;
    assert!(big["result"]["content"][0]["text"].as_str().unwrap().contains("`--result-memory`"));
    let done = client.answer(&gateway, &round, json!({})).await;
    assert_eq!(done["result"]["structuredContent"]["bulk"].as_str().unwrap().len(), 150_000);
    let big = client.call(&gateway, "fake__big", json!({"bytes": 100_000})).await;
    assert_ne!(big["result"]["isError"], true, "there is room again");
    end(gateway, &journal).await;
}

#[tokio::test]
async fn a_child_that_dies_meanwhile_is_a_clear_error_for_who_comes_back_and_nothing_is_repeated() {
    for instances in INSTANCES {
        let journal = Journal::new();
        let gateway = start(&journal, &format!("instances: {instances}")).await;
        let mut client = Modern::able();
        let round = client.interview(&gateway, json!([ask(), {"hear": 1}])).await;
        let pid = i32::try_from(gateway.shard("fake").await["pid"].as_i64().unwrap()).unwrap();
        rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::KILL)
            .unwrap();
        eventually("another child serves", async || {
            let shard = gateway.shard("fake").await;
            (shard["state"] == "ready" && shard["pid"] != pid).then_some(())
        })
        .await;
        let done = client.answer(&gateway, &round, round.all(&accept())).await;
        let text = done["result"]["content"][0]["text"].as_str().unwrap();
        assert!(
            done["result"]["isError"] == true && text.contains("SIGKILL") && text.contains("not repeated"),
            "{done}"
        );
        assert_eq!(journal.of("tools/call").len(), 1);
        end(gateway, &journal).await;
    }
}

#[tokio::test]
async fn a_persons_time_is_not_the_calls_but_it_is_part_of_the_whole() {
    let journal = Journal::new();
    let gateway = start(&journal, "timeouts: { call: 300ms, max: 3s }").await;
    let mut client = Modern::able();
    let round = client.interview(&gateway, json!([ask(), {"hear": 1}, ask(), {"hear": 2}])).await;
    // Another call of the same length is over by its time limit meanwhile.
    let late = Modern::new(json!({})).call(&gateway, "fake__sleep", json!({"ms": 60_000})).await;
    assert!(late["result"]["content"][0]["text"].as_str().unwrap().contains("`timeouts.call`"), "{late}");
    let round = client.asked_on(&gateway, &round, round.all(&accept())).await;
    let sent = journal.call_of("interview").await;
    journal.until_cancelled(&sent).await;
    let done = client.answer(&gateway, &round, round.all(&accept())).await;
    assert!(done["result"]["content"][0]["text"].as_str().unwrap().contains("`timeouts.max`"), "{done}");
    end(gateway, &journal).await;
}

#[tokio::test]
async fn who_hangs_up_on_the_second_request_cancels_the_call() {
    for instances in INSTANCES {
        let journal = Journal::new();
        let gateway = start(&journal, &format!("instances: {instances}")).await;
        let mut client = Modern::able();
        let round = client.interview(&gateway, json!([ask(), {"hear": 1}, {"sleep": 60_000}])).await;
        let call = journal.call_of("interview").await;
        {
            let hung = client.open(&gateway, "tools/call", round.retry(round.all(&accept())));
            let answered = eventually("the shard is answered", async || (!answers(&journal).is_empty()).then_some(()));
            tokio::select! {
                _ = hung => panic!("the call sleeps"),
                () = answered => {}
            }
        }
        journal.until_cancelled(&call).await;
        end(gateway, &journal).await;
    }
}

/// A modern request over stdio.
async fn request(stdio: &mut Stdio, id: &str, mut params: Value) {
    params["_meta"] = modern_meta();
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({"elicitation": {}});
    stdio.request(id, "tools/call", params).await;
}

#[tokio::test]
async fn over_stdio_the_end_of_the_connection_cancels_what_waits_and_a_word_about_an_answered_request_does_not() {
    for instances in INSTANCES {
        let journal = Journal::new();
        let text = format!("{}instances: {instances}\n", journal.fake_shard(&[]));
        let mut stdio = Gateway::builder().shard("fake", text).stdio();
        let call = json!({"name": "fake__interview", "arguments": {"steps": [ask(), {"hear": 1}, ask(), {"hear": 2}]}});
        request(&mut stdio, "one", call.clone()).await;
        let first = stdio.answer("one").await;
        stdio
            .send(json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "one"}}))
            .await;
        let round = super::Round::of("tools/call", call, &first);
        request(&mut stdio, "two", round.retry(round.all(&accept()))).await;
        let second = stdio.answer("two").await;
        assert_eq!(second["result"]["resultType"], "input_required", "it goes on: {second}");
        assert!(journal.cancelled().is_empty());
        let call = journal.call_of("interview").await;
        stdio.finish().await;
        assert_eq!(journal.cancelled(), [call["id"].clone()], "the shard heard of the end");
        assert_eq!(answers(&journal)[1]["result"], json!({"action": "cancel"}));
    }
}

#[tokio::test]
async fn over_stdio_a_second_request_is_cancelled_as_any_other() {
    let journal = Journal::new();
    let mut stdio = Gateway::builder().shard("fake", journal.fake_shard(&[])).stdio();
    let call = json!({"name": "fake__interview", "arguments": {"steps": [ask(), {"hear": 1}, {"sleep": 60_000}]}});
    request(&mut stdio, "one", call.clone()).await;
    let round = super::Round::of("tools/call", call, &stdio.answer("one").await);
    request(&mut stdio, "two", round.retry(round.all(&accept()))).await;
    eventually("the shard is answered", async || (!answers(&journal).is_empty()).then_some(())).await;
    stdio.send(json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "two"}})).await;
    journal.until_cancelled(&journal.call_of("interview").await).await;
    stdio.finish().await;
}

#[tokio::test]
async fn a_gateway_that_stops_cancels_what_waits() {
    let journal = Journal::new();
    let gateway = start(&journal, "instances: exclusive").await;
    let mut client = Modern::able();
    for _ in 0..3 {
        client.interview(&gateway, json!([ask(), {"hear": 1}])).await;
    }
    gateway.stop().await;
    assert_eq!(journal.cancelled().len(), 3);
}
