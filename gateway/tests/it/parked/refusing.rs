//! Second requests that are refused, and that refusing takes nothing from the call.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{INSTANCES, Modern, Round, accept, ask, end, heard, start};
use crate::support::{Gateway, Journal, Sse, fake_shard};

/// The words of a refusal.
fn refused(answer: &Value) -> &str {
    assert_eq!(answer["error"]["code"], -32602, "{answer}");
    answer["error"]["message"].as_str().unwrap()
}

#[tokio::test]
async fn malformed_answers_are_refused_and_consume_nothing() {
    for instances in INSTANCES {
        let journal = Journal::new();
        let gateway = start(&journal, &format!("instances: {instances}")).await;
        let mut client = Modern::able();
        let round = client.interview(&gateway, json!([ask(), {"hear": 1}])).await;
        let key = round.only().0;
        for bad in [json!(null), json!(7), json!("x"), json!([]), json!({key: null}), json!({key: 7}), json!({key: []})]
        {
            let answer = client.answer(&gateway, &round, bad).await;
            assert!(refused(&answer).contains("`params.inputResponses`"), "{answer}");
        }
        let done = client.answer(&gateway, &round, round.all(&accept())).await;
        assert_eq!(heard(&done)[0]["result"], accept());
        end(gateway, &journal).await;
    }
}

#[tokio::test]
async fn another_request_is_refused_and_the_same_written_otherwise_is_not() {
    for instances in INSTANCES {
        let journal = Journal::new();
        let gateway = start(&journal, &format!("instances: {instances}")).await;
        let mut client = Modern::able();
        let arguments = json!({"steps": [ask(), {"hear": 1}], "n": 1.0, "z": {"a": 1, "b": 2}});
        let params = json!({"name": "fake__interview", "arguments": arguments});
        let round = client.asked(&gateway, "tools/call", params).await;
        let mut retry = round.retry(round.all(&accept()));
        retry["arguments"]["n"] = json!(2);
        let answer = client.request(&gateway, "tools/call", retry.clone()).await;
        assert!(refused(&answer).contains("other arguments"), "{answer}");
        retry["name"] = json!("fake__echo");
        let answer = client.request(&gateway, "tools/call", retry.clone()).await;
        assert!(refused(&answer).contains("names another one"), "{answer}");
        let answer = client.request(&gateway, "prompts/get", retry).await;
        assert!(refused(&answer).contains("its method is `tools/call`"), "{answer}");
        client.path = "/mcp?shards=fake";
        let answer = client.answer(&gateway, &round, round.all(&accept())).await;
        assert!(refused(&answer).contains("another address"), "{answer}");
        client.path = "/mcp";
        assert_eq!(journal.of("tools/call").len(), 1, "nothing was called");
        // The same keys in another order, and a number in another spelling.
        let mut same = round.clone();
        same.params["arguments"] = json!({"z": {"b": 2, "a": 1.0}, "n": 1, "steps": [ask(), {"hear": 1}]});
        let done = client.answer(&gateway, &same, round.all(&accept())).await;
        assert_eq!(heard(&done)[0]["result"], accept());
        end(gateway, &journal).await;
    }
}

#[tokio::test]
async fn a_state_is_good_once_and_only_for_whom_it_was_made() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let mut client = Modern::able();
    let round = client.interview(&gateway, json!([ask(), {"hear": 1}])).await;
    // Another connection.
    let mut other = Sse::open_at(&gateway, "/sse").await;
    other.request("thief", "tools/call", client.params(round.retry(round.all(&accept())))).await;
    let answer = other.answer("thief").await;
    assert!(refused(&answer).contains("no call of this client"), "{answer}");
    let done = client.answer(&gateway, &round, round.all(&accept())).await;
    assert_eq!(heard(&done)[0]["result"], accept());
    let answer = client.answer(&gateway, &round, round.all(&accept())).await;
    assert!(refused(&answer).contains("has been used"), "{answer}");
    let mut unknown = round.clone();
    let state = round.state.as_str().unwrap();
    unknown.state = json!(format!("{}AAAAAAAAAAAAAAAAAAAAAA", &state[..=state.rfind('.').unwrap()]));
    let answer = client.answer(&gateway, &unknown, json!({})).await;
    assert!(
        refused(&answer).contains("no call of this client") && refused(&answer).contains("again without"),
        "{answer}"
    );
    assert_eq!(journal.of("tools/call").len(), 1);
    end(gateway, &journal).await;
}

#[tokio::test]
async fn of_two_requests_that_go_on_with_one_call_exactly_one_does() {
    for instances in INSTANCES {
        let journal = Journal::new();
        let gateway = start(&journal, &format!("instances: {instances}")).await;
        let mut client = Modern::able();
        let mut same = Modern::able();
        for _ in 0..10 {
            let round = client.interview(&gateway, json!([ask(), {"hear": 1}])).await;
            let answers: [Value; 2] = tokio::join!(
                client.answer(&gateway, &round, round.all(&accept())),
                same.answer(&gateway, &round, round.all(&accept())),
            )
            .into();
            let done = answers.iter().filter(|answer| answer["result"]["resultType"] == "complete").count();
            let late = answers.iter().filter(|answer| answer["error"]["code"] == -32602).count();
            assert_eq!((done, late), (1, 1), "{answers:?}");
        }
        end(gateway, &journal).await;
    }
}

#[tokio::test]
async fn a_state_of_an_earlier_process_is_told_as_such() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let mut client = Modern::able();
    let round = client.interview(&gateway, json!([ask(), {"hear": 1}])).await;
    let dir = Arc::clone(gateway.dir());
    gateway.stop().await;
    let gateway = Gateway::builder().in_dir(&dir).start().await;
    gateway.until("fake", "ready").await;
    let answer = client.answer(&gateway, &round, round.all(&accept())).await;
    assert!(refused(&answer).contains("a gateway process that has ended"), "{answer}");
    assert_eq!(journal.of("tools/call").len(), 1, "it is not made again");
    end(gateway, &journal).await;
}

#[tokio::test]
async fn what_a_shard_made_up_passes_to_a_modern_shard_untouched_and_a_legacy_one_is_not_bothered() {
    let journal = Journal::new();
    let modern = Journal::new();
    let builder = Gateway::builder().shard("fake", journal.fake_shard(&[]));
    let gateway = builder.shard("new", modern.fake_shard(&["--era", "modern"])).start().await;
    for shard in ["fake", "new"] {
        gateway.until(shard, "ready").await;
    }
    let mut client = Modern::able();
    let state = json!("eyJ4IjoxfQ.c2ln");
    for (state, responses) in [
        (Some(&state), Some(json!({"k": {"a": 1.50}}))),
        (Some(&json!("mcp-gateway.other.x")), None),
        (None, Some(json!({}))),
    ] {
        let mut params = json!({"name": "new__echo", "arguments": {"n": 1}});
        state.into_iter().for_each(|state| params["requestState"] = state.clone());
        responses.iter().for_each(|responses| params["inputResponses"] = responses.clone());
        let answer = client.request(&gateway, "tools/call", params.clone()).await;
        assert_eq!(answer["result"]["structuredContent"], json!({"n": 1}));
        let sent = modern.of("tools/call").pop().unwrap();
        for key in ["requestState", "inputResponses"] {
            assert_eq!(sent["params"].get(key), params.get(key));
        }
        params["name"] = json!("fake__echo");
        let answer = client.request(&gateway, "tools/call", params).await;
        assert!(refused(&answer).contains("shard `fake`") && refused(&answer).contains("again without"), "{answer}");
    }
    assert_eq!(journal.of("tools/call").len(), 0);
    end(gateway, &journal).await;
}

#[tokio::test]
async fn who_did_not_say_so_is_never_asked() {
    for instances in INSTANCES {
        let journal = Journal::new();
        let gateway = start(&journal, &format!("instances: {instances}")).await;
        let url = json!({"mode": "url", "message": "go", "url": "https://example.org/", "elicitationId": "e1"});
        let cases = [
            (json!({}), json!({"method": "elicitation/create"})),
            (json!({"sampling": {}, "roots": {}}), json!({"method": "elicitation/create"})),
            (json!({"elicitation": {}}), json!({"method": "elicitation/create", "params": url})),
            (json!({"elicitation": {}}), json!({"method": "sampling/createMessage"})),
            (
                json!({"sampling": {}}),
                json!({"method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 1, "tools": []}}),
            ),
        ];
        for (capabilities, question) in cases {
            let answer = Modern::new(capabilities.clone()).call(&gateway, "fake__ask", question.clone()).await;
            let told = &answer["result"]["structuredContent"];
            let is_polite = told["result"] == json!({"action": "cancel"}) || told["error"]["code"] == -32600;
            assert!(is_polite, "{capabilities} {question}: {answer}");
        }
        end(gateway, &journal).await;
    }
}

#[tokio::test]
async fn who_does_not_say_so_any_more_is_not_asked_on() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let mut client = Modern::able();
    let sampling = json!({"ask": {"method": "sampling/createMessage"}});
    let round: Round = client.interview(&gateway, json!([ask(), {"hear": 1}, sampling, {"hear": 2}])).await;
    client.capabilities = json!({"elicitation": {}});
    let done = client.answer(&gateway, &round, round.all(&accept())).await;
    assert_eq!(heard(&done)[1]["error"]["code"], -32600, "{done}");
    end(gateway, &journal).await;
}

/// Completions cannot be answered with questions (2026-07-28, basic/patterns/mrtr), nor can anything of the legacy era.
#[tokio::test]
async fn a_legacy_session_goes_on_with_nothing() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut legacy = crate::support::Legacy::open(&gateway, "2025-11-25").await;
    let params = json!({"name": "fake__echo", "arguments": {}, "requestState": "mcp-gateway.x.y", "inputResponses": 7});
    let answer = legacy.ask("tools/call", params).await.answer();
    assert_eq!(answer["result"]["structuredContent"], json!({}), "the words mean nothing there: {answer}");
    gateway.stop().await;
}
