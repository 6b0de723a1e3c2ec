//! A gateway that goes, and comes back: what the client sees of it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{ALL_LISTS, hears, initialize, joined_at, joined_by_folder, modern, next, tool_error};
use crate::support::{Gateway, Journal, Stdio, fake_shard};

/// A client that hears none of the shard's logs, because it has asked for errors only.
async fn quiet(mut client: Stdio) -> Stdio {
    client.initialize("2025-11-25").await;
    client.request("level", "logging/setLevel", json!({"level": "error"})).await;
    assert_eq!(client.answer("level").await["result"], json!({}));
    client
}

/// Both eras are served, and the session is as the client has made it.
async fn is_served_as_before(client: &mut Stdio) {
    assert_eq!(client.call("old", "fake__echo", json!({"n": 1})).await["structuredContent"], json!({"n": 1}));
    client.request("new", "tools/call", modern(json!({"name": "fake__echo", "arguments": {"n": 2}}))).await;
    assert_eq!(client.answer("new").await["result"]["structuredContent"], json!({"n": 2}));
}

#[tokio::test]
async fn calls_that_a_killed_gateway_had_are_answered_once_with_an_error_and_not_made_again() {
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("fake", journal.fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = joined_by_folder(&gateway);
    client.initialize("2025-11-25").await;
    client.request("old", "tools/call", json!({"name": "fake__hang"})).await;
    client.request("new", "tools/call", modern(json!({"name": "fake__hang"}))).await;
    let params =
        json!({"name": "fake__progress", "arguments": {"n": 1000, "delay_ms": 60_000}, "_meta": {"progressToken": 1}});
    client.request("begun", "tools/call", params).await;
    let all = async || (journal.of("tools/call").len() == 3).then_some(());
    crate::support::eventually("all calls are under way", all).await;
    let dir = gateway.kill().await;
    for id in ["old", "new", "begun"] {
        let answer = client.answer(id).await;
        assert!(tool_error(&answer).contains("may have run and is not repeated"), "{answer}");
    }

    let gateway = Gateway::builder().in_dir(&dir).start().await;
    hears(&mut client, &ALL_LISTS).await;
    is_served_as_before(&mut client).await;
    let hung = journal.of("tools/call").iter().filter(|call| call["params"]["name"] != "echo").count();
    assert_eq!(hung, 3, "each was made once");
    assert_eq!(client.finish().await, Vec::<Value>::new(), "each was answered once");
    gateway.stop().await;
}

#[tokio::test]
async fn what_a_client_listens_to_ends_with_an_error_when_its_gateway_is_killed_and_it_can_listen_anew() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&["--era", "modern"])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = joined_by_folder(&gateway);
    let filter = json!({"resourceSubscriptions": ["fake://one"]});
    listen(&mut client, &filter).await;
    let dir = gateway.kill().await;
    let lost = client.answer("l").await;
    assert_eq!(lost["error"]["code"], -32603, "{lost}");
    assert!(lost["error"]["message"].as_str().unwrap().contains("gateway"), "{lost}");

    let gateway = Gateway::builder().in_dir(&dir).start().await;
    listen(&mut client, &filter).await;
    let update = json!({"name": "fake__updated", "arguments": {"uri": "fake://one"}});
    client.request("u", "tools/call", modern(update)).await;
    let mut told = vec![client.next().await.unwrap(), client.next().await.unwrap()];
    told.sort_by_key(|message| message["id"].is_null());
    assert_eq!((&told[0]["id"], &told[1]["params"]["uri"]), (&json!("u"), &json!("fake://one")), "{told:?}");
    let ended = client.finish().await;
    assert_eq!((ended.len(), &ended[0]["result"]["resultType"]), (1, &json!("complete")), "{ended:?}");
    gateway.stop().await;
}

/// Listens under one id, and waits until all is granted.
async fn listen(client: &mut Stdio, filter: &Value) {
    client.request("l", "subscriptions/listen", modern(json!({"notifications": filter}))).await;
    let granted = client.next().await.unwrap();
    assert_eq!(&granted["params"]["notifications"], filter, "{granted}");
}

/// The session is good at the new gateway, which has forgotten what the client had made of it.
#[tokio::test]
async fn a_gateway_that_starts_again_serves_the_same_session_with_its_log_level() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = quiet(joined_by_folder(&gateway)).await;
    let dir = Arc::clone(gateway.dir());
    gateway.stop().await;
    let gateway = Gateway::builder().in_dir(&dir).start().await;
    hears(&mut client, &ALL_LISTS).await;
    is_served_as_before(&mut client).await;
    is_quiet_again(&mut client).await;
    assert!(!client.log().contains("opened again"), "log:\n{}", client.log());
    client.finish().await;
    gateway.stop().await;
}

/// The client never learns that its session is another one.
#[tokio::test]
async fn a_gateway_that_does_not_know_the_session_gets_it_again_with_all_that_the_client_made_of_it() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = quiet(joined_at(&gateway.url())).await;
    let host = gateway.host().to_owned();
    gateway.stop().await;
    let journal = Journal::new();
    let gateway = Gateway::builder().at(&host).shard("fake", journal.fake_shard(&[])).start().await;
    is_served_as_before(&mut client).await;
    hears(&mut client, &ALL_LISTS).await;
    is_quiet_again(&mut client).await;
    assert_eq!(client.log().matches("opened again").count(), 1, "log:\n{}", client.log());
    let echoed = journal.of("tools/call").iter().filter(|call| call["params"]["name"] == "echo").count();
    assert_eq!(echoed, 2, "what was refused for its session ran once");
    client.finish().await;
    gateway.stop().await;
}

async fn is_quiet_again(client: &mut Stdio) {
    // The log level is set beside everything else, so it may come later than the first calls.
    for id in 0.. {
        client.request(id, "tools/call", json!({"name": "fake__log", "arguments": {"n": 1}})).await;
        let message = next(client).await;
        if message["id"] == id {
            return;
        }
        assert_eq!(message["method"], "notifications/message");
        assert_eq!(next(client).await["id"], id);
    }
}

#[tokio::test]
async fn what_is_asked_while_the_gateway_is_away_waits_for_it_and_runs_once() {
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("fake", journal.fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = joined_by_folder(&gateway);
    client.initialize("2025-11-25").await;
    let dir = gateway.kill().await;
    client.request("old", "tools/call", json!({"name": "fake__echo", "arguments": {"n": 1}})).await;
    client.request("new", "tools/call", modern(json!({"name": "fake__echo", "arguments": {"n": 2}}))).await;
    let gateway = Gateway::builder().in_dir(&dir).start().await;
    assert_eq!(client.answer("old").await["result"]["structuredContent"], json!({"n": 1}));
    assert_eq!(client.answer("new").await["result"]["structuredContent"], json!({"n": 2}));
    assert_eq!(journal.of("tools/call").len(), 2);
    client.finish().await;
    gateway.stop().await;
}

#[tokio::test]
async fn without_a_gateway_each_request_ends_in_one_error_that_says_where_it_was_looked_for() {
    let gateway = Gateway::builder().start().await;
    let (host, url) = (gateway.host().to_owned(), gateway.url());
    gateway.stop().await;
    let mut client = joined_at(&url);
    client.send(initialize(&json!({}))).await;
    let answer = client.answer("hello").await;
    let told = answer["error"]["message"].as_str().unwrap();
    assert!(told.contains(&host) && told.contains("--connect") && told.contains("was not sent"), "{told}");

    let gateway = Gateway::builder().at(&host).shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    client.initialize("2025-11-25").await;
    client.call("there", "fake__echo", json!({})).await;
    assert_eq!(client.finish().await, Vec::<Value>::new());
    gateway.stop().await;
}

#[tokio::test]
async fn a_question_whose_gateway_is_gone_is_taken_back_and_its_answer_reaches_nobody_else() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = joined_by_folder(&gateway);
    client.initialize_as("2025-11-25", json!({"elicitation": {}})).await;
    let ask = json!({"name": "fake__ask", "arguments": {"method": "elicitation/create"}});
    client.request(1, "tools/call", ask.clone()).await;
    let first = next(&mut client).await;
    let dir = gateway.kill().await;
    let told = next(&mut client).await;
    assert_eq!((&told["method"], &told["params"]["requestId"]), (&json!("notifications/cancelled"), &first["id"]));
    tool_error(&client.answer(1).await);

    let gateway = Gateway::builder().in_dir(&dir).start().await;
    // An answer to the dead question: the new gateway may give its first question the same id.
    client.send(json!({"jsonrpc": "2.0", "id": first["id"], "result": {"action": "decline"}})).await;
    client.request(2, "tools/call", ask).await;
    let second = next(&mut client).await;
    client.send(json!({"jsonrpc": "2.0", "id": second["id"], "result": {"action": "accept", "content": {}}})).await;
    assert_eq!(client.answer(2).await["result"]["structuredContent"]["result"]["action"], "accept");
    client.finish().await;
    gateway.stop().await;
}
