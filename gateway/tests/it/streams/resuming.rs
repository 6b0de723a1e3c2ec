//! Clients whose connections break, and that come back with `Last-Event-ID`.

use serde_json::{Value, json};

use super::{call, open};
use crate::support::{Events, Gateway, Legacy, eventually, fake_shard};

const REVISION: &str = "2025-11-25";

/// A call of `steps` steps of which the first has come.
async fn begun(gateway: &Gateway, client: &Legacy, id: u64, steps: u64) -> Events {
    let body = call(id, "fake__progress", &json!({"n": steps, "delay_ms": 20}));
    let mut events = Events::of(open(gateway, client, body).await);
    assert_eq!(step(&events.next().await.unwrap()), 1);
    events
}

fn step(message: &Value) -> u64 {
    message["params"]["progress"].as_u64().unwrap_or_else(|| panic!("{message}"))
}

/// Checks that `messages` are the steps from `from` to `to` and then the answer to `id`.
fn check(messages: &[Value], from: u64, to: u64, id: u64) {
    let (answer, steps) = messages.split_last().expect("there is an answer");
    assert_eq!(steps.iter().map(step).collect::<Vec<_>>(), (from..=to).collect::<Vec<_>>());
    assert_eq!((&answer["id"], answer["result"].is_object()), (&json!(id), true), "{answer}");
}

async fn until_idle(gateway: &Gateway) {
    let is_idle = async || (gateway.shard("fake").await["in_flight"] == 0).then_some(());
    eventually("the call is over", is_idle).await;
}

#[tokio::test]
async fn a_call_that_ends_while_its_client_is_away_is_not_lost() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    for revision in ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"] {
        let client = Legacy::open(&gateway, revision).await;
        let stream = begun(&gateway, &client, 7, 10).await;
        assert_eq!(stream.retry().is_some(), revision == REVISION, "older clients look for a message in each event");
        let id = stream.last_id();
        drop(stream);
        until_idle(&gateway).await;
        let followed = Events::resume(&gateway, &client.session, &id).await.rest().await;
        check(&followed, 2, 10, 7);
        let again = Events::resume(&gateway, &client.session, &id).await.rest().await;
        assert_eq!(again, followed, "it may break once more");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_client_that_comes_back_during_its_call_reads_on_as_often_as_it_likes() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let client = Legacy::open(&gateway, REVISION).await;
    let mut stream = begun(&gateway, &client, 1, 40).await;
    let mut seen = vec![1];
    let mut unread = Vec::new();
    for turn in 0..4 {
        let mut next = Events::resume(&gateway, &client.session, &stream.last_id()).await;
        let before = std::mem::replace(&mut stream, next);
        // Of those that are not hung up the gateway must let go by itself.
        if turn % 2 == 0 {
            unread.push(before);
        }
        next = stream;
        for _ in 0..3 {
            seen.push(step(&next.next().await.unwrap()));
        }
        stream = next;
    }
    let rest = stream.rest().await;
    assert_eq!(seen, (1..=13).collect::<Vec<_>>());
    check(&rest, 14, 40, 1);
    for mut before in unread {
        assert!(before.rest().await.iter().all(|message| message.get("id").is_none()), "one answer, on one stream");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn calls_at_once_come_back_each_on_its_own_stream() {
    const CALLS: u64 = 12;
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let client = Legacy::open(&gateway, REVISION).await;
    let mut ids = Vec::new();
    for id in 0..CALLS {
        ids.push(begun(&gateway, &client, id, 10 + id).await.last_id());
    }
    let mut streams = Vec::new();
    for id in &ids {
        streams.push(Events::resume(&gateway, &client.session, id).await);
    }
    for (id, mut stream) in (0..CALLS).zip(streams) {
        check(&stream.rest().await, 2, 10 + id, id);
    }
    gateway.stop().await;
}

#[tokio::test]
async fn an_id_opens_nothing_of_another_session_and_a_deleted_session_is_gone() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let client = Legacy::open(&gateway, REVISION).await;
    let other = Legacy::open(&gateway, REVISION).await;
    let stream = begun(&gateway, &client, 1, 50).await;
    let id = stream.last_id();
    let foreign = Events::resume(&gateway, &other.session, &id).await.rest().await;
    assert_eq!((foreign.len(), &foreign[0]["error"]["code"]), (1, &json!(-32603)), "{foreign:?}");

    for unknown in ["", "nonsense", "c1.1", "g1.1"] {
        let headers = [("mcp-session-id", &*client.session), ("last-event-id", unknown)];
        let fresh = gateway.http().await.open("GET", "/mcp", &headers, "").await;
        assert_eq!(
            (fresh.status().as_u16(), &fresh.headers()["content-type"]),
            (200, &"text/event-stream".parse().unwrap())
        );
    }

    let headers = [("mcp-session-id", &*client.session), ("last-event-id", &*id)];
    assert_eq!(gateway.http().await.send("DELETE", "/mcp", &headers[..1], "").await.status, 204);
    assert_eq!(gateway.http().await.send("GET", "/mcp", &headers, "").await.status, 404);
    until_idle(&gateway).await;
    gateway.stop().await;
}

#[tokio::test]
async fn who_has_the_answer_is_told_not_to_come_back() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let client = Legacy::open(&gateway, REVISION).await;
    let mut stream = begun(&gateway, &client, 1, 3).await;
    check(&stream.rest().await, 2, 3, 1);
    let headers = [("mcp-session-id", &*client.session), ("last-event-id", &*stream.last_id())];
    let over = gateway.http().await.send("GET", "/mcp", &headers, "").await;
    assert_eq!((over.status, over.headers.contains_key("allow")), (405, true), "{over:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_client_that_prefers_events_can_come_back_before_anything_has_come() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let client = Legacy::open(&gateway, REVISION).await;
    let headers = [("mcp-session-id", &*client.session), ("accept", "text/event-stream")];
    let body = call(1, "fake__sleep", &json!({"ms": 300}));
    let response = gateway.http().await.open("POST", "/mcp", &headers, body).await;
    let mut stream = Events::of(response);
    let id = stream.priming().await;
    drop(stream);
    let followed = Events::resume(&gateway, &client.session, &id).await.rest().await;
    assert_eq!((followed.len(), &followed[0]["id"]), (1, &json!(1)), "{followed:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn the_stream_of_a_session_tells_afterwards_what_came_while_it_was_broken() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = Legacy::open(&gateway, REVISION).await;
    let mut stream = Events::listen(&gateway, &client.session).await;
    let id = stream.priming().await;
    drop(stream);
    client.call("fake__list_changed", json!({"kind": "tools"})).await;
    eventually("the new list is there", async || (client.tools().await.len() > 1).then_some(())).await;
    let mut stream = Events::resume(&gateway, &client.session, &id).await;
    assert_eq!(stream.notification().await, "notifications/tools/list_changed");
    let last = stream.last_id();
    drop(stream);
    let mut stream = Events::resume(&gateway, &client.session, &id).await;
    assert_eq!(
        stream.notification().await,
        "notifications/tools/list_changed",
        "it was told, but who knows if it came"
    );
    assert_eq!(stream.last_id(), last);
    gateway.stop().await;
}

#[tokio::test]
async fn after_a_restart_a_lost_call_has_an_error_and_the_stream_of_the_session_is_told_of_all_lists() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let client = Legacy::open(&gateway, REVISION).await;
    let mut listening = Events::listen(&gateway, &client.session).await;
    let told = listening.priming().await;
    let lost = begun(&gateway, &client, 5, 1000).await.last_id();
    let dir = gateway.kill().await;
    let gateway = Gateway::builder().in_dir(&dir).start().await;
    let mut stream = Events::resume(&gateway, &client.session, &lost).await;
    let answer = stream.rest().await;
    assert_eq!((answer.len(), &answer[0]["id"]), (1, &json!(5)));
    let message = answer[0]["error"]["message"].as_str().unwrap();
    assert!(message.contains("after a restart of the gateway"), "{message}");
    let headers = [("mcp-session-id", &*client.session), ("last-event-id", &*stream.last_id())];
    assert_eq!(gateway.http().await.send("GET", "/mcp", &headers, "").await.status, 405, "that was the end of it");

    let mut stream = Events::resume(&gateway, &client.session, &told).await;
    for list in ["tools", "prompts", "resources"] {
        assert_eq!(stream.notification().await, format!("notifications/{list}/list_changed"));
    }
    gateway.stop().await;
}

#[tokio::test]
async fn an_answer_that_is_too_large_to_wait_is_replaced_by_an_error_and_goes_whole_to_who_is_back() {
    const SIZE: usize = 2 << 20;
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let client = Legacy::open(&gateway, REVISION).await;
    let headers = [("mcp-session-id", &*client.session), ("accept", "text/event-stream")];
    let body = call(1, "fake__big", &json!({"bytes": SIZE}));
    let mut stream = Events::of(gateway.http().await.open("POST", "/mcp", &headers, body).await);
    let id = stream.priming().await;
    let whole = stream.rest().await;
    assert_eq!(whole[0]["result"]["content"][0]["text"].as_str().unwrap().len(), SIZE);
    let followed = Events::resume(&gateway, &client.session, &id).await.rest().await;
    let message = followed[0]["error"]["message"].as_str().unwrap();
    assert!(message.contains("1048576 bytes are kept for a session"), "{message}");
    gateway.stop().await;
}

#[tokio::test]
async fn calls_that_were_left_do_not_hold_up_a_gateway_that_stops() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let client = Legacy::open(&gateway, REVISION).await;
    for id in 0..5 {
        drop(begun(&gateway, &client, id, 100_000).await);
    }
    let log = gateway.log_handle();
    gateway.stop().await;
    let log = log.lock().unwrap().join("\n");
    assert!(log.contains("stopped") && !log.contains("cut off"), "{log}");
}
