//! What a shard asks in the midst of a call, and whom (DESIGN D2).

mod complete;

use serde_json::{Value, json};

use crate::support::{Events, Gateway, Journal, Legacy, eventually};

async fn client(gateway: &Gateway, capabilities: Value) -> Legacy {
    Legacy::open_as(gateway, "/mcp", "2025-11-25", capabilities).await.0
}

async fn ask(client: &mut Legacy, gateway: &Gateway, arguments: Value) -> Events {
    client.follow(gateway, "fake__ask", arguments).await
}

/// The rest of the stream, which must be the answer, and what the shard says it heard.
async fn heard(stream: &mut Events) -> Value {
    let mut answer = stream.next().await.expect("an answer");
    assert!(answer.get("method").is_none(), "{answer}");
    assert_eq!(stream.next().await, None);
    answer["result"]["structuredContent"].take()
}

#[tokio::test]
async fn a_question_reaches_the_client_untouched_on_its_calls_stream_and_the_answer_the_shard() {
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("fake", journal.fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = client(&gateway, json!({"elicitation": {}, "sampling": {}})).await;
    let schema = json!({"type": "object", "properties": {"n": {"type": "number", "default": 1.50}}});
    let params = json!({"message": "ü?", "requestedSchema": schema, "vendor": {"x": [1]}, "_meta": {"progressToken": "t", "k": 1}});
    let mut stream = ask(&mut client, &gateway, json!({"method": "elicitation/create", "params": params})).await;
    let mut question = stream.next().await.unwrap();
    assert_eq!(question["method"], "elicitation/create");
    let token = question["params"]["_meta"]["progressToken"].take();
    let mut expected = params.clone();
    expected["_meta"]["progressToken"] = Value::Null;
    assert_eq!(question["params"], expected);
    let progress = json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": token, "progress": 1}});
    assert_eq!(client.post(progress.to_string()).await.status, 202);
    let told = eventually("the shard hears how far the client is", async || journal.of("notifications/progress").pop());
    assert_eq!(told.await["params"], json!({"progressToken": "t", "progress": 1}));
    let result = json!({"action": "accept", "content": {"n": 2.50}, "vendor": true});
    assert_eq!(client.respond(&question, result.clone()).await, 202);
    assert_eq!(heard(&mut stream).await["result"], result);
    assert_eq!(client.respond(&question, json!({"action": "decline"})).await, 202, "a second answer");
    let shard = gateway.shard("fake").await;
    assert_eq!((&shard["asked"], &shard["declined"]), (&json!(1), &json!(0)));
    gateway.stop().await;
}

#[tokio::test]
async fn an_error_of_the_client_is_the_shards_answer() {
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("fake", journal.fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = client(&gateway, json!({"sampling": {}})).await;
    let mut stream = ask(&mut client, &gateway, json!({"method": "sampling/createMessage"})).await;
    let question = stream.next().await.unwrap();
    let error = json!({"code": -1, "message": "user rejected", "data": {"why": [1.0]}});
    let answer = json!({"jsonrpc": "2.0", "id": question["id"], "error": error});
    assert_eq!(client.post(answer.to_string()).await.status, 202);
    assert_eq!(heard(&mut stream).await["error"], error);
    gateway.stop().await;
}

#[tokio::test]
async fn only_the_session_that_was_asked_can_answer() {
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("fake", journal.fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut asked = client(&gateway, json!({"elicitation": {}})).await;
    let mut other = client(&gateway, json!({"elicitation": {}})).await;
    let mut stream = ask(&mut asked, &gateway, json!({"method": "elicitation/create"})).await;
    let question = stream.next().await.unwrap();
    assert_eq!(other.respond(&question, json!({"action": "accept", "content": {"stolen": true}})).await, 202);
    assert_eq!(asked.respond(&question, json!({"action": "decline"})).await, 202);
    assert_eq!(heard(&mut stream).await["result"], json!({"action": "decline"}));
    gateway.stop().await;
}

#[tokio::test]
async fn of_two_that_could_be_asked_neither_is() {
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("fake", journal.fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut one = client(&gateway, json!({"elicitation": {}})).await;
    let mut two = client(&gateway, json!({"elicitation": {}})).await;
    let mut first = ask(&mut one, &gateway, json!({"method": "elicitation/create"})).await;
    let question = first.next().await.unwrap();
    let second = two.call("fake__ask", json!({"method": "elicitation/create"})).await;
    assert_eq!(second["structuredContent"]["result"], json!({"action": "cancel"}));
    // Who cannot be asked does not stand in the way of who can.
    let mut mute = client(&gateway, json!({})).await;
    let third = mute.call("fake__ask", json!({"method": "roots/list"})).await;
    assert_eq!(third["structuredContent"]["result"], json!({"roots": []}));
    assert_eq!(one.respond(&question, json!({"action": "accept", "content": {}})).await, 202);
    assert_eq!(heard(&mut first).await["result"]["action"], "accept");
    let shard = gateway.shard("fake").await;
    assert_eq!((&shard["asked"], &shard["declined"]), (&json!(1), &json!(1)));
    gateway.stop().await;
}

#[tokio::test]
async fn a_question_that_is_taken_back_is_taken_back_at_the_client_and_its_answer_goes_nowhere() {
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("fake", journal.fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = client(&gateway, json!({"elicitation": {}})).await;
    let arguments = json!({"method": "elicitation/create", "withdraw_ms": 1});
    let mut stream = ask(&mut client, &gateway, arguments).await;
    let question = stream.next().await.unwrap();
    let told = stream.next().await.unwrap();
    assert_eq!(told["method"], "notifications/cancelled");
    assert_eq!(told["params"], json!({"requestId": question["id"], "reason": "no longer needed"}));
    assert_eq!(heard(&mut stream).await["withdrawn"], true);
    let before = journal.messages().len();
    assert_eq!(client.respond(&question, json!({"action": "accept"})).await, 202);
    client.call("fake__echo", json!({})).await;
    assert_eq!(journal.messages().len(), before + 1, "the late answer is not passed on");
    gateway.stop().await;
}

#[tokio::test]
async fn a_call_that_is_given_up_leaves_no_question_open() {
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("fake", journal.fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = client(&gateway, json!({"elicitation": {}})).await;
    let mut stream = ask(&mut client, &gateway, json!({"method": "elicitation/create"})).await;
    stream.next().await.unwrap();
    let call = journal.call_of("ask").await;
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1, "reason": "changed my mind"}});
    assert_eq!(client.post(cancel.to_string()).await.status, 202);
    journal.until_cancelled(&call).await;
    assert_eq!(journal.of("notifications/cancelled")[0]["params"]["reason"], "changed my mind");
    let declined = eventually("the question is answered", async || {
        journal.messages().into_iter().find(|message| message["id"].as_str().is_some_and(|id| id.starts_with("ask-")))
    });
    assert_eq!(declined.await["result"], json!({"action": "cancel"}));
    gateway.stop().await;
}

#[tokio::test]
async fn a_client_that_takes_only_json_is_not_asked() {
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("fake", journal.fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = client(&gateway, json!({"elicitation": {}})).await;
    let call = json!({"jsonrpc": "2.0", "id": 5, "method": "tools/call",
        "params": {"name": "fake__ask", "arguments": {"method": "elicitation/create"}}});
    let headers = [("mcp-session-id", &*client.session), ("accept", "application/json")];
    let answer = client.http.send("POST", "/mcp", &headers, call.to_string()).await.answer();
    assert_eq!(answer["result"]["structuredContent"]["result"], json!({"action": "cancel"}));
    gateway.stop().await;
}

#[tokio::test]
async fn a_persons_time_to_answer_is_not_the_calls() {
    let journal = Journal::new();
    let text = journal.fake_shard(&[]) + "timeouts: { call: 300ms }\n";
    let gateway = Gateway::builder().shard("fake", text).start().await;
    gateway.until("fake", "ready").await;
    let mut client = client(&gateway, json!({"elicitation": {}})).await;
    let mut stream = ask(&mut client, &gateway, json!({"method": "elicitation/create"})).await;
    let question = stream.next().await.unwrap();
    // Another call of the same length is over by its time limit meanwhile.
    let late = client.call("fake__sleep", json!({"ms": 60_000})).await;
    assert_eq!(late["isError"], true);
    assert_eq!(client.respond(&question, json!({"action": "accept", "content": {}})).await, 202);
    assert_eq!(heard(&mut stream).await["result"]["action"], "accept");
    gateway.stop().await;
}

#[tokio::test]
async fn what_a_file_declares_is_all_that_its_shard_hears_of() {
    let journal = Journal::new();
    let text = journal.fake_shard(&[]) + "declare: [roots]\nroots: [\"file:///srv/a\"]\n";
    let gateway = Gateway::builder().shard("fake", text.clone()).start().await;
    gateway.until("fake", "ready").await;
    assert_eq!(journal.of("initialize")[0]["params"]["capabilities"], json!({"roots": {"listChanged": true}}));
    let mut client = client(&gateway, json!({"roots": {}})).await;
    let roots = client.call("fake__ask", json!({"method": "roots/list"})).await;
    assert_eq!(roots["structuredContent"]["result"], json!({"roots": [{"uri": "file:///srv/a"}]}));
    gateway.write_shard("fake", &text.replace("/srv/a", "/srv/b"));
    eventually("the shard hears that its roots are others", async || {
        journal.of("notifications/roots/list_changed").pop()
    })
    .await;
    let roots = client.call("fake__ask", json!({"method": "roots/list"})).await;
    assert_eq!(roots["structuredContent"]["result"], json!({"roots": [{"uri": "file:///srv/b"}]}));
    gateway.stop().await;
}
