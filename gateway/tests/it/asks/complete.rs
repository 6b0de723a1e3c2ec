//! The end of an elicitation by URL, which a shard tells when the person is done there: whom it reaches.

use serde_json::{Value, json};

use super::{ask, client, heard};
use crate::support::{Events, Gateway, Journal, Legacy};

async fn start(journal: &Journal, instances: &str) -> Gateway {
    let text = journal.fake_shard(&[]) + "instances: " + instances + "\n";
    let gateway = Gateway::builder().shard("fake", text).start().await;
    gateway.until("fake", "ready").await;
    gateway
}

/// A client that can be sent to a URL, and its stream for what is outside of calls.
async fn listening(gateway: &Gateway) -> (Legacy, Events) {
    let client = client(gateway, json!({"elicitation": {"url": {}}})).await;
    let events = Events::listen(gateway, &client.session).await;
    (client, events)
}

fn elicitation(id: &str) -> Value {
    json!({"mode": "url", "message": "Sign in.", "url": "https://example.com/", "elicitationId": id})
}

fn complete(id: &str) -> Value {
    let params = json!({"vendor": [1.50], "elicitationId": id});
    json!({"jsonrpc": "2.0", "method": "notifications/elicitation/complete", "params": params})
}

/// Has the shard say in a call of this client that an elicitation is complete; gives all messages of the call's answer.
async fn complete_in_a_call_of(client: &mut Legacy, id: &str) -> Vec<Value> {
    let Value::Object(mut said) = complete(id) else { unreachable!("it is an object") };
    let arguments = json!({"method": said["method"], "pieces": [said["params"].take().to_string()]});
    client.ask("tools/call", json!({"name": "fake__raw_notice", "arguments": arguments})).await.messages()
}

/// Lets the client be sent to a URL in a call, which then ends.
async fn send_to_url(client: &mut Legacy, gateway: &Gateway, id: &str) {
    let arguments = json!({"method": "elicitation/create", "params": elicitation(id)});
    let mut stream = ask(client, gateway, arguments).await;
    let question = stream.next().await.expect("a question");
    assert_eq!(question["params"], elicitation(id));
    assert_eq!(client.respond(&question, json!({"action": "accept"})).await, 202);
    assert_eq!(heard(&mut stream).await["result"]["action"], "accept");
}

/// The client's call is answered with the error that sends it to URLs.
async fn refuse(client: &mut Legacy, ids: &[&str]) {
    let elicitations: Vec<Value> = ids.iter().map(|id| elicitation(id)).collect();
    let error = json!({"code": -32042, "message": "sign in first", "data": {"elicitations": elicitations}});
    let arguments = json!({"text": error.to_string()});
    let answer = client.ask("tools/call", json!({"name": "fake__raw_error", "arguments": arguments})).await.answer();
    assert_eq!(answer["error"], error);
}

async fn its_end_reaches_only_who_was_sent_there(instances: &str) {
    let journal = Journal::new();
    let gateway = start(&journal, instances).await;
    let (mut sent, mut hears) = listening(&gateway).await;
    let (mut other, mut hears_other) = listening(&gateway).await;
    send_to_url(&mut sent, &gateway, "asked").await;
    refuse(&mut sent, &["first", "second"]).await;
    for id in ["asked", "second", "first"] {
        assert_eq!(complete_in_a_call_of(&mut other, id).await.len(), 1, "the answer alone: {id}");
        assert_eq!(hears.next().await.unwrap(), complete(id));
    }
    // What nobody was told of, or is over, belongs to the only call that there is.
    for id in ["asked", "unheard of"] {
        assert_eq!(complete_in_a_call_of(&mut other, id).await[0], complete(id));
    }
    refuse(&mut other, &["its own"]).await;
    assert_eq!(complete_in_a_call_of(&mut sent, "its own").await.len(), 1);
    assert_eq!(hears_other.next().await.unwrap(), complete("its own"));
    gateway.stop().await;
}

#[tokio::test]
async fn on_a_shared_shard_its_end_reaches_only_the_session_that_was_sent_there() {
    its_end_reaches_only_who_was_sent_there("shared").await;
}

#[tokio::test]
async fn on_an_exclusive_shard_its_end_reaches_only_the_session_that_was_sent_there() {
    its_end_reaches_only_who_was_sent_there("exclusive").await;
}

#[tokio::test]
async fn another_sessions_child_cannot_end_what_a_sessions_own_child_has_announced() {
    let journal = Journal::new();
    let gateway = start(&journal, "per_session").await;
    let (mut sent, mut hears) = listening(&gateway).await;
    let (mut other, _hears) = listening(&gateway).await;
    send_to_url(&mut sent, &gateway, "a").await;
    assert_eq!(complete_in_a_call_of(&mut other, "a").await[0], complete("a"), "its own child may mean it");
    sent.call("fake__later", json!({"ms": 50, "message": complete("a")})).await;
    assert_eq!(hears.next().await.unwrap(), complete("a"));
    gateway.stop().await;
}

#[tokio::test]
async fn its_end_comes_on_the_call_in_which_it_was_asked_while_that_is_under_way() {
    let journal = Journal::new();
    let gateway = start(&journal, "shared").await;
    let (mut sent, _hears) = listening(&gateway).await;
    let (mut other, _hears_other) = listening(&gateway).await;
    let arguments = json!({"method": "elicitation/create", "params": elicitation("a")});
    let mut stream = ask(&mut sent, &gateway, arguments).await;
    let question = stream.next().await.expect("a question");
    assert_eq!(complete_in_a_call_of(&mut other, "a").await.len(), 1);
    assert_eq!(stream.next().await.unwrap(), complete("a"));
    assert_eq!(sent.respond(&question, json!({"action": "accept"})).await, 202);
    assert_eq!(heard(&mut stream).await["result"]["action"], "accept");
    gateway.stop().await;
}

#[tokio::test]
async fn nothing_is_remembered_of_a_session_that_is_over_nor_of_one_that_cannot_be_sent_to_urls() {
    let journal = Journal::new();
    let gateway = start(&journal, "shared").await;
    let (mut gone, _hears) = listening(&gateway).await;
    refuse(&mut gone, &["a"]).await;
    let headers = [("mcp-session-id", &*gone.session)];
    assert_eq!(gone.http.send("DELETE", "/mcp", &headers, "").await.status, 204);
    let mut mute = client(&gateway, json!({"elicitation": {}})).await;
    refuse(&mut mute, &["b"]).await;
    let (mut other, _hears_other) = listening(&gateway).await;
    for id in ["a", "b"] {
        assert_eq!(complete_in_a_call_of(&mut other, id).await[0], complete(id));
    }
    gateway.stop().await;
}
