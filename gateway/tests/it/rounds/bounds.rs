//! How often and how long a call may go round, and how much one client is asked at once.

use serde_json::{Value, json};

use super::{accepted, ask, client, elicitation, failure, heard, legs, question, roots, sampling, start};
use crate::support::Journal;

#[tokio::test]
async fn a_shard_that_is_never_satisfied_costs_ten_rounds_and_one_clear_error() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let mut client = client(&gateway).await;
    let plan = json!({"rounds": [{"a": elicitation("once more")}], "endless": true});
    let mut stream = client.follow(&gateway, "fake__input", plan).await;
    for _ in 0..10 {
        let question = question(&mut stream, "elicitation/create").await;
        assert_eq!(client.respond(&question, accepted(&json!({}))).await, 202);
    }
    let text = failure(&mut stream).await;
    assert!(text.contains("after 10 rounds"), "{text}");
    assert_eq!(legs(&journal).len(), 11);
    gateway.stop().await;
}

#[tokio::test]
async fn a_persons_time_to_answer_is_not_the_calls() {
    for sharing in super::SHARINGS {
        let journal = Journal::new();
        let gateway = start(&journal, &format!("instances: {sharing}\ntimeouts: {{ call: 1s }}\n")).await;
        let mut client = client(&gateway).await;
        let mut stream = ask(&mut client, &gateway, json!([{"a": elicitation("?")}])).await;
        let question = question(&mut stream, "elicitation/create").await;
        // Another call of the same length is over by its time limit meanwhile.
        let late = client.call("fake__hang", json!({})).await;
        assert_eq!(late["isError"], true);
        assert_eq!(client.respond(&question, accepted(&json!({}))).await, 202);
        assert_eq!(heard(&mut stream).await["responses"]["a"], accepted(&json!({})));
        gateway.stop().await;
    }
}

#[tokio::test]
async fn a_question_that_nobody_answers_is_taken_back_when_the_calls_time_is_over() {
    let journal = Journal::new();
    let gateway = start(&journal, "timeouts: { call: 3s, max: 3s }\n").await;
    let mut client = client(&gateway).await;
    let mut stream = ask(&mut client, &gateway, json!([{"a": elicitation("?"), "b": roots()}])).await;
    let (first, second) =
        (question(&mut stream, "elicitation/create").await, question(&mut stream, "roots/list").await);
    assert_eq!(client.respond(&first, accepted(&json!({}))).await, 202);
    let taken_back = stream.next().await.unwrap();
    assert_eq!(taken_back["method"], "notifications/cancelled");
    assert_eq!(taken_back["params"]["requestId"], second["id"]);
    let text = failure(&mut stream).await;
    assert!(text.contains("within 3s (`timeouts.max`)"), "{text}");
    // An answer after that is for nobody.
    assert_eq!(client.respond(&second, json!({"roots": []})).await, 202);
    super::settle(&gateway, &journal).await;
    assert_eq!(legs(&journal).len(), 1);
    gateway.stop().await;
}

#[tokio::test]
async fn all_rounds_together_have_the_time_of_one_call() {
    let journal = Journal::new();
    let gateway = start(&journal, "timeouts: { call: 3s, max: 3s }\n").await;
    let mut client = client(&gateway).await;
    // No single one of them takes so long.
    let plan = json!({"rounds": [{}], "endless": true, "ms": 1200});
    let answer = client.call("fake__input", plan).await;
    let text = answer["content"][0]["text"].as_str().unwrap();
    assert!(answer["isError"] == true && text.contains("within 3s (`timeouts.max`)"), "{text}");
    assert!(legs(&journal).len() > 1, "the first alone would have had time");
    gateway.stop().await;
}

#[tokio::test]
async fn what_one_client_is_asked_beyond_its_share_counts_as_cancelled() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let mut client = client(&gateway).await;
    let forty: serde_json::Map<_, _> = (0..40).map(|n| (n.to_string(), elicitation("?"))).collect();
    let mut first = ask(&mut client, &gateway, json!([forty])).await;
    let mut second = ask(&mut client, &gateway, json!([forty])).await;
    let mut questions = Vec::new();
    for (stream, count) in [(&mut first, 40), (&mut second, 24)] {
        for _ in 0..count {
            questions.push(question(stream, "elicitation/create").await);
        }
    }
    // Without this a call cannot go on, so it ends, and no question of it is left.
    let mut full = client.again(&gateway).await;
    let refused = full.call("fake__input", json!({"rounds": [{"a": sampling()}]})).await;
    assert!(refused["content"][0]["text"].as_str().unwrap().contains("asked too much"), "{refused}");
    for question in &questions {
        assert_eq!(client.respond(question, json!({"action": "decline"})).await, 202);
    }
    for (stream, expected) in [(&mut first, 0), (&mut second, 16)] {
        let responses = heard(stream).await["responses"].take();
        let cancelled = |response: &&Value| **response == json!({"action": "cancel"});
        assert_eq!(responses.as_object().unwrap().values().filter(cancelled).count(), expected, "{responses}");
    }
    // All of them have left room.
    let mut stream = ask(&mut client, &gateway, json!([{"a": elicitation("?")}])).await;
    let question = question(&mut stream, "elicitation/create").await;
    assert_eq!(client.respond(&question, accepted(&json!({}))).await, 202);
    heard(&mut stream).await;
    gateway.stop().await;
}
