//! The rounds themselves: what is asked, what is answered, and what reaches the shard.

use serde_json::{Value, json};

use super::{INSTANCES, Modern, accept, ask, end, heard, start};
use crate::support::{Journal, eventually};

#[tokio::test]
async fn a_question_and_its_answer_pass_untouched_and_the_second_request_has_the_result() {
    for instances in INSTANCES {
        let journal = Journal::new();
        let gateway = start(&journal, &format!("instances: {instances}")).await;
        let mut client = Modern::able();
        let schema = json!({"type": "object", "properties": {"n": {"type": "number", "default": 1.50}}});
        let params = json!({"message": "ü?", "requestedSchema": schema, "vendor": {"x": [1]}});
        let call = json!({"name": "fake__ask", "arguments": {"method": "elicitation/create", "params": params}});
        let round = client.asked(&gateway, "tools/call", call).await;
        let (key, question) = round.only();
        assert_eq!(*question, json!({"method": "elicitation/create", "params": params}));
        assert_eq!(gateway.shard("fake").await["in_flight"], 1, "the call waits at the shard");
        let result = json!({"action": "accept", "content": {"n": 2.50}, "vendor": true});
        let answer = client.answer(&gateway, &round, json!({key: result, "unknown": {}})).await;
        assert_eq!(answer["result"]["structuredContent"]["result"], result);
        assert_eq!(answer["result"]["resultType"], "complete");
        assert_eq!(journal.of("tools/call").len(), 1, "the second request is no second call");
        let passed = &journal.of("tools/call")[0]["params"];
        assert!(passed.get("inputResponses").is_none() && passed.get("requestState").is_none(), "{passed}");
        end(gateway, &journal).await;
    }
}

#[tokio::test]
async fn several_questions_in_a_row_take_a_round_each_with_a_state_of_its_own() {
    for instances in INSTANCES {
        let journal = Journal::new();
        let gateway = start(&journal, &format!("instances: {instances}")).await;
        let mut client = Modern::able();
        let steps = json!([ask(), {"hear": 1}, ask(), {"hear": 2}, ask(), {"hear": 3}]);
        let mut round = client.interview(&gateway, steps).await;
        let (mut states, mut keys) = (vec![round.state.clone()], round.keys());
        for number in 0..2 {
            let answer = json!({"action": "accept", "content": {"n": number}});
            round = client.asked_on(&gateway, &round, round.all(&answer)).await;
            assert!(!states.contains(&round.state) && !keys.contains(&round.only().0.to_owned()), "{round:?}");
            states.push(round.state.clone());
            keys.extend(round.keys());
        }
        let last = client.answer(&gateway, &round, round.all(&json!({"action": "decline"}))).await;
        let heard = heard(&last);
        assert_eq!((&heard[0]["result"]["content"]["n"], &heard[1]["result"]["content"]["n"]), (&json!(0), &json!(1)));
        assert_eq!(heard[2]["result"], json!({"action": "decline"}));
        end(gateway, &journal).await;
    }
}

#[tokio::test]
async fn several_questions_at_once_of_every_kind_go_out_together() {
    let journal = Journal::new();
    let gateway = start(&journal, "instances: exclusive").await;
    let mut client = Modern::able();
    let url = json!({"mode": "url", "message": "go", "url": "https://example.org/", "elicitationId": "e1"});
    let tools = json!([{"name": "t", "inputSchema": {"type": "object"}}]);
    let sampling = json!({"messages": [], "maxTokens": 1, "tools": tools});
    let questions = [
        json!({"method": "elicitation/create", "params": {"message": "?", "requestedSchema": {"type": "object", "properties": {}}}}),
        json!({"method": "elicitation/create", "params": url}),
        json!({"method": "sampling/createMessage", "params": sampling}),
        json!({"method": "roots/list", "params": {}}),
    ];
    let mut steps: Vec<_> = questions.iter().map(|question| json!({"ask": question})).collect();
    steps.push(json!({"hear": 4}));
    let round = client.interview(&gateway, steps.into()).await;
    let keys = round.keys();
    let asked: Vec<_> = keys.iter().map(|key| round.requests[key].clone()).collect();
    assert_eq!(asked, questions);
    let answers = [
        accept(),
        json!({"action": "accept"}),
        json!({"role": "assistant", "model": "m", "content": {"type": "text", "text": "hi"}, "stopReason": "endTurn"}),
        json!({"roots": [{"uri": "file:///a"}]}),
    ];
    let responses: serde_json::Map<_, _> = keys.into_iter().zip(answers.clone()).rev().collect();
    let done = client.answer(&gateway, &round, responses.into()).await;
    let told: Vec<_> = heard(&done).into_iter().map(|line| line["result"].clone()).collect();
    assert_eq!(told, answers);
    end(gateway, &journal).await;
}

#[tokio::test]
async fn what_is_not_answered_is_asked_again_under_a_new_state() {
    for instances in INSTANCES {
        let journal = Journal::new();
        let gateway = start(&journal, &format!("instances: {instances}")).await;
        let mut client = Modern::able();
        let first = client.interview(&gateway, json!([ask(), ask(), {"hear": 2}])).await;
        let keys = first.keys();
        let second = client.asked_on(&gateway, &first, json!({&*keys[0]: accept()})).await;
        assert_eq!(second.keys(), keys[1..], "only the other one is open");
        assert_ne!(second.state, first.state);
        // Without any answer nothing changes but the state.
        let mut bare = second.clone();
        bare.params["requestState"] = second.state.clone();
        let third = client.request(&gateway, "tools/call", bare.params.clone()).await;
        let third = super::Round::of("tools/call", first.params.clone(), &third);
        assert_eq!((third.keys(), &third.requests), (second.keys(), &second.requests));
        let done = client.answer(&gateway, &third, third.all(&json!({"action": "cancel"}))).await;
        let heard = heard(&done);
        assert_eq!((&heard[0]["result"], &heard[1]["result"]), (&accept(), &json!({"action": "cancel"})));
        end(gateway, &journal).await;
    }
}

#[tokio::test]
async fn prompts_and_resources_ask_as_tools_do() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let mut client = Modern::able();
    let requests = [
        ("prompts/get", json!({"name": "fake__greet", "arguments": {"name": "asks"}})),
        ("resources/read", json!({"uri": "fake://item/asks"})),
    ];
    for (method, params) in requests {
        let round = client.asked(&gateway, method, params).await;
        let done = client.answer(&gateway, &round, round.all(&accept())).await;
        assert_eq!(done["result"]["structuredContent"]["result"], accept(), "{method}");
        assert_eq!(done["result"]["resultType"], "complete", "{method}");
    }
    end(gateway, &journal).await;
}

#[tokio::test]
async fn progress_and_logs_that_come_while_nobody_is_there_reach_the_second_request() {
    for instances in INSTANCES {
        let journal = Journal::new();
        let gateway = start(&journal, &format!("instances: {instances}")).await;
        let mut client = Modern::able();
        client.meta = json!({"progressToken": "first", "io.modelcontextprotocol/logLevel": "info"});
        let said = [json!({"progress": 2}), json!({"log": 7}), json!({"progress": 3})];
        let before = [json!({"progress": 1}), ask(), json!({"sleep": 500})];
        let after = [ask(), json!({"hear": 2}), json!({"progress": 4})];
        let steps = [before, said, after].concat();
        let params = json!({"name": "fake__interview", "arguments": {"steps": steps}});
        let mut messages = client.messages(&gateway, "tools/call", params.clone()).await;
        let round = super::Round::of("tools/call", params, &messages.pop().unwrap());
        assert_eq!(messages.len(), 1);
        assert_eq!(messages[0]["params"]["progressToken"], "first");
        // What the shard asks last comes behind all that it has said.
        eventually("it has said all that", async || (gateway.shard("fake").await["asked"] == 2).then_some(())).await;
        client.meta["progressToken"] = json!("second");
        let mut messages = client.messages(&gateway, "tools/call", round.retry(round.all(&accept()))).await;
        let round = super::Round::of("tools/call", round.params.clone(), &messages.pop().unwrap());
        let progress = |token: &str, step: u64| (json!(token), json!(step));
        let log = (json!("log"), json!("line 7"));
        assert_eq!(told(&messages), [progress("second", 2), log, progress("second", 3)], "{instances}");
        client.meta["progressToken"] = json!("third");
        let mut messages = client.messages(&gateway, "tools/call", round.retry(round.all(&accept()))).await;
        assert_eq!(heard(&messages.pop().unwrap())[1]["result"], accept());
        assert_eq!(told(&messages), [progress("third", 4)], "{instances}");
        end(gateway, &journal).await;
    }
}

/// What notifications say: each step of progress with its token, each line of the log.
fn told(notices: &[Value]) -> Vec<(Value, Value)> {
    let of = |notice: &Value| {
        let params = &notice["params"];
        match notice["method"].as_str().expect("a notification") {
            "notifications/progress" => (params["progressToken"].clone(), params["progress"].clone()),
            "notifications/message" => (json!("log"), params["data"].clone()),
            method => panic!("{method}"),
        }
    };
    notices.iter().map(of).collect()
}

#[tokio::test]
async fn a_second_request_that_wants_to_hear_nothing_hears_nothing() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let mut client = Modern::able();
    client.meta = json!({"progressToken": 1, "io.modelcontextprotocol/logLevel": "info"});
    let round = client.interview(&gateway, json!([ask(), {"hear": 1}, {"progress": 2}, {"log": 7}])).await;
    client.meta = json!({"io.modelcontextprotocol/logLevel": "error"});
    let messages = client.messages(&gateway, "tools/call", round.retry(round.all(&accept()))).await;
    assert_eq!(messages.len(), 1, "{messages:?}");
    end(gateway, &journal).await;
}

/// That notification, and the id that it names, are not in the client's revision.
#[tokio::test]
async fn the_end_of_an_elicitation_by_url_is_not_told_to_a_modern_client() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let mut client = Modern::able();
    client.meta = json!({"io.modelcontextprotocol/logLevel": "info"});
    let url = json!({"mode": "url", "message": "go", "url": "https://example.org/", "elicitationId": "e1"});
    let told =
        json!({"jsonrpc": "2.0", "method": "notifications/elicitation/complete", "params": {"elicitationId": "e1"}});
    let question = json!({"ask": {"method": "elicitation/create", "params": url}});
    let round = client.interview(&gateway, json!([question, {"hear": 1}, {"say": told}, {"log": 7}])).await;
    let retry = round.retry(round.all(&json!({"action": "accept"})));
    let messages = client.messages(&gateway, "tools/call", retry).await;
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert_eq!(messages[0]["params"]["data"], "line 7");
    end(gateway, &journal).await;
}

/// Only what a request declares may be asked in the answer to it.
#[tokio::test]
async fn a_second_request_that_can_be_asked_less_is_not_asked_again_what_it_cannot() {
    for instances in INSTANCES {
        let journal = Journal::new();
        let gateway = start(&journal, &format!("instances: {instances}")).await;
        let mut client = Modern::able();
        let sampling = json!({"ask": {"method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 1}}});
        let first = client.interview(&gateway, json!([ask(), sampling, {"hear": 2}])).await;
        client.capabilities = json!({"sampling": {}});
        let second = client.asked_on(&gateway, &first, json!({})).await;
        assert_eq!(second.only().1["method"], "sampling/createMessage", "the rest is asked again");
        client.capabilities = json!({});
        let done = client.answer(&gateway, &second, json!({})).await;
        let heard = heard(&done);
        assert_eq!(heard[0]["result"], json!({"action": "cancel"}), "{done}");
        assert!(heard[1]["error"].is_object(), "{done}");
        end(gateway, &journal).await;
    }
}
