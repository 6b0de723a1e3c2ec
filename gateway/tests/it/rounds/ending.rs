//! What becomes of a call that is given up, or whose shard goes, while its client is asked.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::{accepted, ask, client, elicitation, failure, heard, legs, question, roots, settle, start, start_as};
use crate::support::{Events, Gateway, Journal, Sse, eventually};

/// Kills the shard's process and waits until another serves.
async fn restart(gateway: &Gateway) {
    let before = gateway.until("fake", "ready").await["pid"].clone();
    let pid = i32::try_from(before.as_u64().unwrap()).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    eventually("another process serves", async || {
        let shard = gateway.shard("fake").await;
        (shard["state"] == "ready" && shard["pid"] != before).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_call_that_is_cancelled_while_its_client_is_asked_takes_its_questions_back_and_is_not_made_again() {
    for sharing in super::SHARINGS {
        let journal = Journal::new();
        let gateway = start_as(&journal, sharing).await;
        let mut client = client(&gateway).await;
        let mut stream = ask(&mut client, &gateway, json!([{"a": elicitation("?"), "b": roots()}])).await;
        let questions = [question(&mut stream, "elicitation/create").await, question(&mut stream, "roots/list").await];
        let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}});
        assert_eq!(client.post(cancel.to_string()).await.status, 202);
        let rest = stream.rest().await;
        assert_eq!(rest.len(), 2, "no answer: {rest:?}");
        for (told, question) in rest.iter().zip(&questions) {
            assert_eq!(told["method"], "notifications/cancelled");
            assert_eq!(told["params"]["requestId"], question["id"]);
        }
        for question in &questions {
            assert_eq!(client.respond(question, accepted(&json!({}))).await, 202);
        }
        settle(&gateway, &journal).await;
        assert_eq!(legs(&journal).len(), 1);
        assert_eq!(journal.cancelled(), Vec::<Value>::new(), "the shard had answered");
        gateway.stop().await;
    }
}

#[tokio::test]
async fn a_cancellation_reaches_the_call_that_was_made_again() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let mut client = client(&gateway).await;
    let plan = json!({"rounds": [{"a": roots()}], "ms": 1500});
    let mut stream = client.follow(&gateway, "fake__input", plan).await;
    let question = question(&mut stream, "roots/list").await;
    assert_eq!(client.respond(&question, json!({"roots": []})).await, 202);
    let retry = eventually("the call is made again", async || legs(&journal).get(1).cloned()).await;
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}});
    assert_eq!(client.post(cancel.to_string()).await.status, 202);
    journal.until_cancelled(&retry).await;
    assert_eq!(stream.next().await, None);
    gateway.stop().await;
}

#[tokio::test]
async fn nothing_is_made_again_for_a_session_that_is_over() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let mut gone = client(&gateway).await;
    let mut stream = ask(&mut gone, &gateway, json!([{"a": elicitation("?")}])).await;
    question(&mut stream, "elicitation/create").await;
    let headers = [("mcp-session-id", &*gone.session)];
    assert_eq!(gone.http.send("DELETE", "/mcp", &headers, "").await.status, 204);
    let rest = stream.rest().await;
    assert!(rest.iter().all(|message| message["method"] == "notifications/cancelled"), "{rest:?}");

    let mut hung_up = Sse::open_as(&gateway, "2025-11-25", json!({"elicitation": {}})).await;
    let arguments = json!({"rounds": [{"a": elicitation("?")}]});
    hung_up.request(1, "tools/call", json!({"name": "fake__input", "arguments": arguments})).await;
    assert_eq!(hung_up.next().await.unwrap()["method"], "elicitation/create");
    let address = hung_up.address.clone();
    drop(hung_up);
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    eventually("its session is over", async || {
        (gateway.http().await.send("POST", &address, &[], ping).await.status == 404).then_some(())
    })
    .await;
    settle(&gateway, &journal).await;
    assert_eq!(legs(&journal).len(), 2, "each was made once");
    gateway.stop().await;
}

#[tokio::test]
async fn a_client_whose_stream_broke_can_still_answer_and_comes_back_for_the_result() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let mut client = client(&gateway).await;
    let mut stream = ask(&mut client, &gateway, json!([{"a": elicitation("?")}])).await;
    let question = question(&mut stream, "elicitation/create").await;
    let last = stream.last_id();
    drop(stream);
    assert_eq!(client.respond(&question, accepted(&json!({"n": 1}))).await, 202);
    let mut resumed = Events::resume(&gateway, &client.session, &last).await;
    assert_eq!(heard(&mut resumed).await["responses"], json!({"a": accepted(&json!({"n": 1}))}));
    assert_eq!(legs(&journal).len(), 2);
    gateway.stop().await;
}

#[tokio::test]
async fn a_process_that_dies_while_the_client_is_asked_costs_nothing() {
    for sharing in super::SHARINGS {
        let journal = Journal::new();
        let gateway = start_as(&journal, sharing).await;
        let mut client = client(&gateway).await;
        let mut stream = ask(&mut client, &gateway, json!([{"a": elicitation("?")}, {"b": roots()}])).await;
        let first = question(&mut stream, "elicitation/create").await;
        restart(&gateway).await;
        assert_eq!(client.respond(&first, accepted(&json!({}))).await, 202);
        let second = question(&mut stream, "roots/list").await;
        assert_eq!(client.respond(&second, json!({"roots": []})).await, 202);
        assert_eq!(heard(&mut stream).await["rounds"], 2);
        assert_eq!(legs(&journal).len(), 3, "nothing ran twice");
        gateway.stop().await;
    }
}

#[tokio::test]
async fn a_process_that_dies_with_the_call_that_was_made_again_ends_it() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let mut client = client(&gateway).await;
    let plan = json!({"rounds": [{"a": roots()}], "ms": 1500});
    let mut stream = client.follow(&gateway, "fake__input", plan).await;
    let question = question(&mut stream, "roots/list").await;
    assert_eq!(client.respond(&question, json!({"roots": []})).await, 202);
    eventually("the call is made again", async || legs(&journal).get(1).cloned()).await;
    restart(&gateway).await;
    let text = failure(&mut stream).await;
    assert!(text.contains("it may have run and is not repeated"), "{text}");
    settle(&gateway, &journal).await;
    assert_eq!(legs(&journal).len(), 2);
    gateway.stop().await;
}

#[tokio::test]
async fn a_shard_that_is_taken_away_while_the_client_is_asked_is_told_as_such() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let mut client = client(&gateway).await;
    let mut stream = ask(&mut client, &gateway, json!([{"a": elicitation("?")}])).await;
    let question = question(&mut stream, "elicitation/create").await;
    gateway.remove_shard("fake");
    eventually("it is gone", async || gateway.shard("fake").await.is_null().then_some(())).await;
    assert_eq!(client.respond(&question, accepted(&json!({}))).await, 202);
    let text = failure(&mut stream).await;
    assert!(text.contains("it was taken away"), "{text}");
    assert_eq!(legs(&journal).len(), 1);
    gateway.stop().await;
}

#[tokio::test]
async fn a_shard_that_has_become_one_of_the_legacy_era_is_not_called_again() {
    let journal = Journal::new();
    journal.set_flags("--era modern");
    let gateway = Gateway::builder().shard("fake", journal.marked_fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = client(&gateway).await;
    let mut stream = ask(&mut client, &gateway, json!([{"a": elicitation("?")}])).await;
    let question = question(&mut stream, "elicitation/create").await;
    journal.set_flags("--era legacy");
    restart(&gateway).await;
    assert_eq!(gateway.shard("fake").await["era"], "legacy");
    assert_eq!(client.respond(&question, accepted(&json!({}))).await, 202);
    let text = failure(&mut stream).await;
    assert!(text.contains("speaks another revision"), "{text}");
    assert_eq!(legs(&journal).len(), 1);
    gateway.stop().await;
}

#[tokio::test]
async fn a_gateway_that_stops_while_a_client_is_asked_leaves_nothing_behind() {
    let journal = Journal::new();
    let text = journal.fake_shard(&["--era", "modern"]);
    let gateway = Gateway::builder().shard("fake", text).flags(&["--stop-grace", "2s"]).start().await;
    gateway.until("fake", "ready").await;
    let mut client = client(&gateway).await;
    let mut stream = ask(&mut client, &gateway, json!([{"a": elicitation("?")}])).await;
    question(&mut stream, "elicitation/create").await;
    let stopped = async { tokio::time::timeout(Duration::from_secs(30), gateway.stop()).await.expect("it stops") };
    tokio::join!(stopped, stream.rest());
    assert_eq!(legs(&journal).len(), 1);
}
