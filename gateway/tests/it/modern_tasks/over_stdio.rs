//! Over stdio a task is its connection's, and of these there may be so many. Whoever joins a gateway is one of those who come
//! to that without a connection.

use serde_json::{Value, json};

use super::{declaring, gateway, modern_shard};
use crate::support::{Gateway, Journal, Stdio, modern_meta};

/// Makes one request that takes tasks.
async fn ask(client: &mut Stdio, id: usize, method: &str, mut params: Value) -> Value {
    params["_meta"] = modern_meta();
    for (key, value) in declaring().as_object().unwrap() {
        params["_meta"][key] = value.clone();
    }
    client.request(id, method, params).await;
    client.answer(id).await
}

async fn make(client: &mut Stdio, id: usize, job: Value) -> Value {
    ask(client, id, "tools/call", json!({"name": "one__echo", "arguments": {"job": job}})).await
}

/// All that a client does with tasks.
async fn makes_answers_and_cancels(mut client: Stdio) {
    let made = make(&mut client, 1, json!({"ask": ["k"]})).await;
    assert_eq!((&made["result"]["resultType"], &made["result"]["taskId"]), (&json!("task"), &json!("job-1")), "{made}");
    let update = json!({"taskId": "job-1", "inputResponses": {"k": {"action": "accept"}}});
    assert_eq!(ask(&mut client, 2, "tasks/update", update).await["result"], json!({"resultType": "complete"}));
    let looked = ask(&mut client, 3, "tasks/get", json!({"taskId": "job-1"})).await;
    assert_eq!(looked["result"]["result"]["structuredContent"], json!({"k": {"action": "accept"}}));
    make(&mut client, 4, json!({})).await;
    let cancelled = ask(&mut client, 5, "tasks/cancel", json!({"taskId": "job-2"})).await;
    assert_eq!(cancelled["result"], json!({"resultType": "complete"}));
    for (id, method, code) in [(6, "tasks/list", -32601), (7, "tasks/result", -32601), (8, "tasks/get", -32602)] {
        let refused = ask(&mut client, id, method, json!({"taskId": "job-3"})).await;
        assert_eq!(refused["error"]["code"], code, "{method}");
    }
    let mut bare = json!({"taskId": "job-1"});
    bare["_meta"] = modern_meta();
    client.request(9, "tasks/get", bare).await;
    assert_eq!(client.answer(9).await["error"]["code"], -32021);
    assert_eq!(client.finish().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_task_is_made_answered_and_cancelled_over_stdio() {
    let journal = Journal::new();
    makes_answers_and_cancels(Gateway::builder().shard("one", modern_shard("one", &journal)).stdio()).await;
}

#[tokio::test]
async fn a_client_that_joins_a_gateway_makes_answers_and_cancels_tasks_which_outlive_it() {
    let journal = Journal::new();
    let gateway = gateway(&[("one", &journal)], "").await;
    let joined = || Gateway::builder().flags(&["--connect", &gateway.url()]).stdio();
    makes_answers_and_cancels(joined()).await;
    let (mut client, mut other) = (joined(), joined());
    let made = make(&mut client, 1, json!({"ask": ["k"]})).await;
    assert_eq!(made["result"]["taskId"], "job-3", "{made}");
    client.finish().await;
    let looked = ask(&mut other, 1, "tasks/get", json!({"taskId": "job-3"})).await;
    assert_eq!(looked["result"]["status"], "input_required", "{looked}");
    other.finish().await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_connection_has_so_many_tasks_and_those_that_are_done_make_room() {
    const MOST: usize = 256;
    let journal = Journal::new();
    let mut client = Gateway::builder().shard("one", modern_shard("one", &journal)).stdio();
    for id in 1..=MOST {
        assert_eq!(make(&mut client, id, json!({})).await["result"]["taskId"], format!("job-{id}"));
    }
    let refused = make(&mut client, 1000, json!({})).await;
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("256 tasks of this connection are under way"), "{refused}");
    assert_eq!(journal.of("tools/call").len(), MOST, "it did not run");
    ask(&mut client, 1001, "tasks/cancel", json!({"taskId": "job-7"})).await;
    assert_eq!(make(&mut client, 1002, json!({})).await["result"]["taskId"], "job-257");
    let gone = ask(&mut client, 1003, "tasks/get", json!({"taskId": "job-7"})).await;
    assert_eq!(gone["error"]["code"], -32602);
    client.finish().await;
}
