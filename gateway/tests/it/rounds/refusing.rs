//! What a shard must not ask, and what cannot be made out.

use serde_json::{Value, json};

use super::{client, elicitation, roots, start};
use crate::support::Journal;

#[tokio::test]
async fn what_cannot_be_made_out_is_one_clear_error_and_nobody_is_asked() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let mut client = client(&gateway).await;
    let many: serde_json::Map<_, _> = (0..65).map(|n| (n.to_string(), roots())).collect();
    for (members, expected) in [
        (json!({}), "neither in `inputRequests` nor in `requestState`"),
        (json!({"inputRequests": {}}), "are empty"),
        (json!({"inputRequests": [elicitation("?")], "requestState": "s"}), "no object"),
        (json!({"inputRequests": {"a": {"method": "tools/call"}}}), "nothing that a client can be asked"),
        (json!({"inputRequests": {"a": elicitation("?"), "b": {"method": "vendor/x"}}}), "nothing that a client"),
        (json!({"inputRequests": many}), "65 questions at once"),
        (json!({"inputRequests": {"a": elicitation("?")}, "requestState": [1]}), "no string"),
    ] {
        let mut asking = members.clone();
        asking["resultType"] = json!("input_required");
        let answer = client.call("fake__raw_result", json!({"result": asking})).await;
        let text = answer["content"][0]["text"].as_str().unwrap();
        assert!(answer["isError"] == true && text.contains(expected), "{members}: {text}");
        assert!(text.contains("shard `fake`: it asks for input, but"), "{text}");
    }
    let calls = journal.of("tools/call").len();
    assert_eq!(calls, 7, "none of them was made again");
    let shard = gateway.shard("fake").await;
    assert_eq!((&shard["asked"], &shard["failed"]), (&json!(0), &json!(7)));
    gateway.stop().await;
}

#[tokio::test]
async fn only_tools_prompts_and_resources_may_need_input() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let mut client = client(&gateway).await;
    let params = json!({"ref": {"type": "ref/prompt", "name": "fake__greet"}, "argument": {"name": "name", "value": "needs_input"}});
    let error = client.ask("completion/complete", params).await.answer()["error"].take();
    assert_eq!(error["code"], -32603);
    let text = error["message"].as_str().unwrap();
    assert!(text.contains("`completion/complete`") && text.contains("`prompts/get`"), "{text}");
    assert_eq!(journal.of("completion/complete").len(), 1);
    gateway.stop().await;
}

#[tokio::test]
async fn a_result_of_a_kind_that_the_legacy_era_does_not_know_is_told_as_such() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let mut client = client(&gateway).await;
    let task: Value = json!({"resultType": "task", "taskId": "1"});
    let answer = client.call("fake__raw_result", json!({"result": task})).await;
    let text = answer["content"][0]["text"].as_str().unwrap();
    assert!(answer["isError"] == true && text.contains("`resultType`"), "{text}");
    gateway.stop().await;
}
