//! What the gateway asks modern shards to report on, in which order, and what that costs them.

use serde_json::{Value, json};

use super::{LISTEN, call, filters, heard, listen, start, to_resources, until_followed, update};
use crate::support::{Events, Gateway, Journal, Legacy, eventually, fake_shard};

/// What of these a shard has been sent, in order: each method and, of a request, its id.
fn heard_by(journal: &Journal) -> Vec<(String, Value)> {
    let messages = journal.messages().into_iter();
    let named = messages.map(|message| {
        let id = message.get("id").unwrap_or(&message["params"]["requestId"]).clone();
        (message["method"].as_str().unwrap_or_default().to_owned(), id)
    });
    named.filter(|(method, _)| [LISTEN, "notifications/cancelled"].contains(&&**method)).collect()
}

#[tokio::test]
async fn a_shard_is_listened_to_before_its_lists_are_fetched_and_for_what_it_declares() {
    let journal = Journal::new();
    let gateway = start(&journal, "modern", &[], "").await;
    let methods: Vec<_> =
        journal.messages().iter().map(|message| message["method"].as_str().unwrap_or_default().to_owned()).collect();
    let place = |method: &str| methods.iter().position(|other| other == method).unwrap();
    assert!(place("server/discover") < place(LISTEN) && place(LISTEN) < place("tools/list"), "{methods:?}");
    let all = json!({"toolsListChanged": true, "promptsListChanged": true, "resourcesListChanged": true});
    assert_eq!(filters(&journal), [all]);
    let meta = &journal.of(LISTEN)[0]["params"]["_meta"];
    assert_eq!(meta["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
    gateway.stop().await;
}

#[tokio::test]
async fn changed_lists_of_a_modern_shard_reach_clients_of_both_eras() {
    let journal = Journal::new();
    let gateway = start(&journal, "modern", &[], "").await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    let mut stream = Events::listen(&gateway, &client.session).await;
    let wished = json!({"toolsListChanged": true, "promptsListChanged": true, "resourcesListChanged": true});
    let (mut modern, _) = listen(&gateway, json!(1), wished).await;
    for kind in ["tools", "prompts", "resources"] {
        let added = call(&gateway, "list_changed", json!({"kind": kind})).await;
        let told = format!("notifications/{kind}/list_changed");
        assert_eq!((stream.notification().await, modern.notification().await), (told.clone(), told));
        let listed = client.ask(&format!("{kind}/list"), json!({})).await.text();
        let added = added["content"][0]["text"].as_str().unwrap();
        assert!(listed.contains(added), "{added} is not in {listed}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_new_request_is_acknowledged_before_the_old_one_is_taken_back() {
    let journal = Journal::new();
    let gateway = start(&journal, "modern", &[], "").await;
    let (mut first, _) = to_resources(&gateway, &["fake://one"]).await;
    let (mut second, _) = to_resources(&gateway, &["fake://one", "fake://two"]).await;
    let (third, _) = to_resources(&gateway, &["fake://two"]).await;
    for stream in [&mut first, &mut second] {
        update(&gateway, "fake://one").await;
        assert_eq!(heard(stream).await, "fake://one");
    }
    eventually("only the latest is open", async || {
        let (asked, cancelled) = (journal.of(LISTEN).len(), journal.cancelled().len());
        (asked == 3 && cancelled == 2).then_some(())
    })
    .await;
    let steps = heard_by(&journal);
    let ids: Vec<_> = journal.of(LISTEN).iter().map(|request| request["id"].clone()).collect();
    let asked = |id: &Value| (LISTEN.to_owned(), id.clone());
    let ended = |id: &Value| ("notifications/cancelled".to_owned(), id.clone());
    assert_eq!(steps, [asked(&ids[0]), asked(&ids[1]), ended(&ids[0]), asked(&ids[2]), ended(&ids[1])]);
    drop(third);
    // It is followed by another one, so that the shard need not be told.
    call(&gateway, "echo", json!({})).await;
    assert_eq!(journal.of(LISTEN).len(), 3);
    drop((first, second));
    until_followed(&journal, "modern", &[]).await;
    gateway.stop().await;
}

#[tokio::test]
async fn to_listen_is_no_call_and_keeps_no_shard_awake() {
    let journal = Journal::new();
    let gateway = start(&journal, "modern", &[], "idle_stop: 1s\n").await;
    let (mut stream, _) = listen(&gateway, json!(1), json!({"toolsListChanged": true})).await;
    let shard = gateway.shard("fake").await;
    assert_eq!((&shard["in_flight"], &shard["calls"]), (&json!(0), &json!(0)), "{shard}");
    gateway.until("fake", "asleep").await;
    assert_eq!(journal.cancelled(), [journal.of(LISTEN)[0]["id"].clone()], "it is ended politely");
    call(&gateway, "list_changed", json!({"kind": "tools"})).await;
    assert_eq!(stream.notification().await, "notifications/tools/list_changed");
    gateway.stop().await;
}

#[tokio::test]
async fn a_followed_resource_of_a_sleeping_shard_wakes_it_and_keeps_it_awake() {
    let journal = Journal::new();
    let gateway = start(&journal, "modern", &[], "idle_stop: 1s\n").await;
    let other = fake_shard(&["--era", "modern", "--name", "other"]) + "idle_stop: 1s\n";
    gateway.write_shard("other", &other);
    gateway.until("other", "ready").await;
    gateway.until("fake", "asleep").await;
    let (mut stream, granted) = to_resources(&gateway, &["fake://one"]).await;
    assert_eq!(granted, json!({"resourceSubscriptions": ["fake://one"]}));
    gateway.until("fake", "ready").await;
    gateway.until("other", "asleep").await;
    update(&gateway, "fake://one").await;
    assert_eq!(heard(&mut stream).await, "fake://one");
    drop(stream);
    gateway.until("fake", "asleep").await;
    gateway.stop().await;
}

#[tokio::test]
async fn an_answer_without_an_id_still_finds_the_only_call() {
    let journal = Journal::new();
    let gateway = start(&journal, "modern", &[], "").await;
    let answer = gateway.modern("tools/call", json!({"name": "fake__null_id", "arguments": {}})).await.answer();
    assert!(!answer["error"].is_null(), "{answer}");
    gateway.stop().await;
}

#[tokio::test]
async fn of_a_shard_that_is_not_shared_one_child_reports_and_all_may_say_that_lists_have_changed() {
    for era in super::ERAS {
        for instances in ["exclusive", "per_session"] {
            let journal = Journal::new();
            let gateway = start(&journal, era, &[], &format!("instances: {instances}\n")).await;
            let wished = json!({"toolsListChanged": true, "resourceSubscriptions": ["fake://one"]});
            let (mut stream, granted) = listen(&gateway, json!(1), wished.clone()).await;
            assert_eq!(granted, wished, "{era} {instances}");
            // One call holds the first child, so that the next one gets another.
            let (_, ()) = tokio::join!(call(&gateway, "sleep", json!({"ms": 300})), async {
                journal.call_of("sleep").await;
                call(&gateway, "list_changed", json!({"kind": "tools"})).await;
            });
            assert_eq!(stream.notification().await, "notifications/tools/list_changed", "{era} {instances}");
            update(&gateway, "fake://one").await;
            assert_eq!(heard(&mut stream).await, "fake://one", "{era} {instances}");
            gateway.stop().await;
        }
    }
}

/// A child of a session's own reports to that session alone.
#[tokio::test]
async fn a_session_with_a_child_of_its_own_follows_a_legacy_shard_beside_those_who_listen() {
    let journal = Journal::new();
    let gateway: Gateway = start(&journal, "legacy", &[], "instances: per_session\n").await;
    let (mut listening, _) = to_resources(&gateway, &["fake://one"]).await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    let mut stream = Events::listen(&gateway, &client.session).await;
    let answer = client.ask("resources/subscribe", json!({"uri": "fake://one"})).await.answer();
    assert_eq!(answer["result"], json!({}));
    client.call("fake__updated", json!({"uri": "fake://one"})).await;
    assert_eq!(heard(&mut stream).await, "fake://one");
    update(&gateway, "fake://one").await;
    assert_eq!(heard(&mut listening).await, "fake://one", "that of the session's own child was not heard here");
    let answer = client.ask("resources/unsubscribe", json!({"uri": "fake://one"})).await.answer();
    assert_eq!(answer["result"], json!({}));
    gateway.stop().await;
}

/// A modern shard does not know `resources/subscribe`: the gateway listens in its stead.
#[tokio::test]
async fn a_legacy_client_follows_resources_of_a_modern_shard() {
    for keys in ["", "instances: exclusive\n", "instances: per_session\n"] {
        let journal = Journal::new();
        let gateway = start(&journal, "modern", &[], keys).await;
        let mut client = Legacy::open(&gateway, "2025-11-25").await;
        let mut stream = Events::listen(&gateway, &client.session).await;
        // So that the session has a child, where it gets one of its own.
        client.call("fake__echo", json!({})).await;
        for uri in ["fake://one", "fake://one", "fake://two"] {
            let answer = client.ask("resources/subscribe", json!({"uri": uri})).await.answer();
            assert_eq!(answer["result"], json!({}), "{answer}");
        }
        let refused = client.ask("resources/subscribe", json!({"uri": "fake://item/refused"})).await.answer();
        assert_eq!(refused["error"]["code"], -32002, "{refused}");
        until_followed(&journal, "modern", &["fake://one", "fake://two"]).await;
        client.call("fake__updated", json!({"uri": "fake://one"})).await;
        assert_eq!(heard(&mut stream).await, "fake://one", "{keys}");
        let answer = client.ask("resources/unsubscribe", json!({"uri": "fake://one"})).await.answer();
        assert_eq!(answer["result"], json!({}), "{answer}");
        until_followed(&journal, "modern", &["fake://two"]).await;
        for uri in ["fake://one", "fake://two"] {
            client.call("fake__updated", json!({"uri": uri})).await;
        }
        assert_eq!(heard(&mut stream).await, "fake://two", "{keys}");
        let asked = |method| journal.of(method).len();
        assert_eq!((asked("resources/subscribe"), asked("resources/unsubscribe")), (0, 0));
        gateway.stop().await;
    }
}

#[tokio::test]
async fn a_legacy_client_is_told_if_a_modern_shard_cannot_report() {
    let journal = Journal::new();
    let gateway = start(&journal, "modern", &["--on-listen", "error"], "").await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    let refused = client.ask("resources/subscribe", json!({"uri": "fake://one"})).await.answer();
    assert_eq!(refused["error"]["code"], -32002, "{refused}");
    gateway.stop().await;
}
