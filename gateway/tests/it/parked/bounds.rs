//! Who is asked where several could be, and how many calls may wait.

use serde_json::{Value, json};

use super::{Modern, accept, ask, end, heard, start, start_with};
use crate::support::Journal;

/// What the shard heard when nobody could be asked.
fn is_declined(answer: &Value) -> bool {
    answer["result"]["structuredContent"]["result"] == json!({"action": "cancel"})
}

#[tokio::test]
async fn of_two_modern_calls_at_a_shared_child_that_both_can_be_asked_neither_is() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let mut client = Modern::able();
    // A call that waits is one of those that could be meant.
    let round = client.interview(&gateway, json!([ask(), {"hear": 1}, ask(), {"hear": 2}])).await;
    let question = json!({"method": "elicitation/create"});
    let second = Modern::able().call(&gateway, "fake__ask", question.clone()).await;
    assert!(is_declined(&second), "{second}");
    let round = client.asked_on(&gateway, &round, round.all(&accept())).await;
    let done = client.answer(&gateway, &round, round.all(&accept())).await;
    assert_eq!(heard(&done)[1]["result"], accept());
    // Who cannot be asked does not stand in the way.
    let round = client.interview(&gateway, json!([ask(), {"hear": 1}, ask(), {"hear": 2}])).await;
    let mute = Modern::new(json!({})).call(&gateway, "fake__echo", json!({})).await;
    assert_eq!(mute["result"]["structuredContent"], json!({}));
    let round = client.asked_on(&gateway, &round, round.all(&accept())).await;
    client.answer(&gateway, &round, round.all(&accept())).await;
    end(gateway, &journal).await;
}

#[tokio::test]
async fn at_exclusive_children_each_modern_call_is_asked_its_own() {
    let journal = Journal::new();
    let gateway = start(&journal, "instances: exclusive").await;
    let mut waiting = Vec::new();
    for number in 0..4 {
        let mut client = Modern::able();
        let params = json!({"message": number.to_string(), "requestedSchema": {"type": "object", "properties": {}}});
        let steps = json!([{"ask": {"method": "elicitation/create", "params": params}}, {"hear": 1}]);
        let round = client.interview(&gateway, steps).await;
        assert_eq!(round.only().1["params"]["message"], number.to_string());
        waiting.push((number, client, round));
    }
    for (number, mut client, round) in waiting.into_iter().rev() {
        let answer = json!({"action": "accept", "content": {"n": number}});
        let done = client.answer(&gateway, &round, round.all(&answer)).await;
        assert_eq!(heard(&done)[0]["result"], answer);
    }
    end(gateway, &journal).await;
}

#[tokio::test]
async fn beyond_what_may_wait_a_question_is_declined_and_its_call_goes_on() {
    let journal = Journal::new();
    // A quarter of the four is for one principal, and all over HTTP without a session are one.
    let gateway = start_with(&journal, "instances: exclusive", &["--max-parked", "4"]).await;
    let mut client = Modern::able();
    let round = client.interview(&gateway, json!([ask(), {"hear": 1}])).await;
    let question = json!({"method": "elicitation/create"});
    let second = Modern::able().call(&gateway, "fake__ask", question.clone()).await;
    assert!(is_declined(&second), "{second}");
    assert!(gateway.log().contains("`--max-parked`"), "{}", gateway.log());
    client.answer(&gateway, &round, round.all(&accept())).await;
    let params = json!({"name": "fake__ask", "arguments": question});
    let third = client.asked(&gateway, "tools/call", params).await;
    client.answer(&gateway, &third, third.all(&accept())).await;
    end(gateway, &journal).await;
}

#[tokio::test]
async fn whoever_has_waited_longest_gives_way_to_a_call_that_finds_no_child() {
    let journal = Journal::new();
    // Whoever waits gives way after a thirtieth of it, also to one whose child is still to be started: four are, within that.
    let gateway = start_with(&journal, "instances: exclusive", &["--parked-ttl", "90s"]).await;
    let mut waiting = Vec::new();
    for _ in 0..4 {
        let mut client = Modern::able();
        let round = client.interview(&gateway, json!([ask(), {"hear": 1}])).await;
        waiting.push((client, round));
    }
    assert_eq!(gateway.shard("fake").await["parked"], 4);
    let fifth = Modern::new(json!({})).call(&gateway, "fake__echo", json!({})).await;
    assert_eq!(fifth["result"]["structuredContent"], json!({}));
    let (mut client, round) = waiting.remove(0);
    let late = client.answer(&gateway, &round, round.all(&accept())).await;
    let words = late["error"]["message"].as_str().unwrap();
    assert!(words.contains("another call waited for the shard's process"), "{words}");
    let polite = journal.messages().into_iter().filter(|message| message["result"] == json!({"action": "cancel"}));
    assert_eq!(polite.count(), 1);
    for (mut client, round) in waiting {
        let done = client.answer(&gateway, &round, round.all(&accept())).await;
        assert_eq!(heard(&done)[0]["result"], accept());
    }
    assert!(journal.cancelled().is_empty());
    end(gateway, &journal).await;
}
