//! Two clients at once on one shard, with the same ids and the same progress tokens: nothing crosses, nothing is lost.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{Gateway, Http, Journal, Legacy, fake_shard};

/// Both clients together make so many calls, each with three progress notifications.
const CALLS: usize = 2_000;
const STEPS: usize = 3;
/// So many calls of each client are under way at once.
const AT_ONCE: usize = 16;
/// For so long after a call was given up nobody but its client is asked on a shared shard.
const GIVEN_UP: Duration = Duration::from_secs(2);

/// Makes every [`AT_ONCE`]th call of one client from `first` on, and counts the progress notifications that came, each of
/// which must be of its own call, in order and before the answer.
async fn calls(host: String, session: String, client: &'static str, first: usize) -> usize {
    let mut http = Http::connect(&host).await;
    let mut arrived = 0;
    for id in (first..CALLS / 2).step_by(AT_ONCE) {
        let mark = format!(" of call {id} of {client}");
        // With a pause the messages come one at a time, and without one all in one piece with the answer.
        let arguments = json!({"n": STEPS, "delay_ms": id % 2, "mark": mark});
        let params = json!({"name": "fake__progress", "arguments": arguments, "_meta": {"progressToken": id}});
        let request = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params});
        let response = http.send("POST", "/mcp", &[("mcp-session-id", &session)], request.to_string()).await;
        let step = |step: usize| {
            let message = format!("step {step}{mark}");
            let params = json!({"progressToken": id, "progress": step, "total": STEPS, "message": message});
            json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": params})
        };
        let result = json!({"content": [{"type": "text", "text": format!("{STEPS} steps{mark}")}]});
        let answer = json!({"jsonrpc": "2.0", "id": id, "result": result});
        let expected: Vec<Value> = (1..=STEPS).map(step).chain([answer]).collect();
        let messages = response.messages();
        assert_eq!(messages, expected);
        arrived += messages.len() - 1;
    }
    arrived
}

#[tokio::test]
async fn six_thousand_of_six_thousand_arrive_in_order_before_their_result_and_none_crosses() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let one = Legacy::open(&gateway, "2025-11-25").await;
    let other = Legacy::open(&gateway, "2025-11-25").await;
    let mut calling = JoinSet::new();
    for (client, legacy) in [("one", &one), ("the other", &other)] {
        for first in 0..AT_ONCE {
            calling.spawn(calls(gateway.host().to_owned(), legacy.session.clone(), client, first));
        }
    }
    let arrived: usize = calling.join_all().await.into_iter().sum();
    assert_eq!(arrived, CALLS * STEPS);
    gateway.stop().await;
}

/// Lets one client be asked again and again, answers with what only it knows, and checks that this is what its shard hears.
async fn rounds(gateway: &Gateway, client: &mut Legacy, name: &str, rounds: usize) {
    for round in 0..rounds {
        let message = format!("round {round} of {name}");
        let arguments = json!({"method": "elicitation/create", "params": {"message": message}});
        let mut stream = client.follow(gateway, "fake__ask", arguments).await;
        let question = stream.next().await.expect("a question");
        assert_eq!(
            (&question["method"], &question["params"]["message"]),
            (&json!("elicitation/create"), &json!(message))
        );
        let said = json!({"action": "accept", "content": {"said": message}});
        assert_eq!(client.respond(&question, said.clone()).await, 202);
        let answer = stream.next().await.expect("an answer");
        assert_eq!(answer["result"]["structuredContent"]["result"], said);
        assert_eq!(stream.next().await, None);
    }
}

async fn two_who_can_be_asked(gateway: &Gateway) -> [Legacy; 2] {
    let open = || Legacy::open_as(gateway, "/mcp", "2025-11-25", json!({"elicitation": {}}));
    [open().await.0, open().await.0]
}

#[tokio::test]
async fn on_an_exclusive_shard_each_question_reaches_the_client_in_whose_call_it_is_asked() {
    const ROUNDS: usize = 50;
    let gateway = Gateway::builder().shard("fake", fake_shard(&[]) + "instances: exclusive\n").start().await;
    gateway.until("fake", "ready").await;
    let [mut one, mut other] = two_who_can_be_asked(&gateway).await;
    tokio::join!(rounds(&gateway, &mut one, "one", ROUNDS), rounds(&gateway, &mut other, "the other", ROUNDS));
    let shard = gateway.shard("fake").await;
    assert_eq!((&shard["asked"], &shard["declined"]), (&json!(2 * ROUNDS), &json!(0)));
    gateway.stop().await;
}

#[tokio::test]
async fn on_a_shared_shard_one_session_is_asked_and_of_two_that_could_be_meant_none() {
    const ROUNDS: usize = 50;
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("fake", journal.fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let [mut one, mut other] = two_who_can_be_asked(&gateway).await;
    rounds(&gateway, &mut one, "one", ROUNDS).await;
    rounds(&gateway, &mut other, "the other", ROUNDS).await;
    // While this call is in flight, either could be meant.
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "hangs"}});
    let hangs = json!({"jsonrpc": "2.0", "id": "hangs", "method": "tools/call", "params": {"name": "fake__hang"}});
    let mut beside = gateway.http().await;
    let session = other.session.clone();
    let headers = [("mcp-session-id", &*session)];
    let (hung, ()) = tokio::join!(other.post(hangs.to_string()), async {
        let call = journal.call_of("hang").await;
        for _ in 0..ROUNDS {
            let declined = one.call("fake__ask", json!({"method": "elicitation/create"})).await;
            assert_eq!(declined["structuredContent"]["result"], json!({"action": "cancel"}));
        }
        assert_eq!(beside.send("POST", "/mcp", &headers, cancel.to_string()).await.status, 202);
        journal.until_cancelled(&call).await;
    });
    assert_eq!(hung.status, 202, "a call that was cancelled is not answered");
    // For a while the shard may still ask for that call, so that only its own client can be meant.
    rounds(&gateway, &mut other, "the other", ROUNDS).await;
    tokio::time::sleep(GIVEN_UP).await;
    rounds(&gateway, &mut one, "one", ROUNDS).await;
    let shard = gateway.shard("fake").await;
    assert_eq!((&shard["asked"], &shard["declined"]), (&json!(4 * ROUNDS), &json!(ROUNDS)));
    gateway.stop().await;
}
