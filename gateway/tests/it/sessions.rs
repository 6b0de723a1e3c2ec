//! Legacy sessions over HTTP: what outlives a restart, what ends, and what a client that hangs up leaves behind.

use std::fs;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::support::{Events, Gateway, Journal, Legacy, eventually, fake_shard, modern_meta, template_shard};

const LISTS: [&str; 3] =
    ["notifications/tools/list_changed", "notifications/prompts/list_changed", "notifications/resources/list_changed"];

/// Opens the stream of a session.
async fn listen(gateway: &Gateway, session: &str) -> Events {
    let headers = [("mcp-session-id", session), ("accept", "text/event-stream")];
    Events::of(gateway.http().await.open("GET", "/mcp", &headers, "").await)
}

#[tokio::test]
async fn a_session_goes_on_over_a_restart_of_the_gateway() {
    let gateway = Gateway::builder().shard("host", template_shard()).start().await;
    let mut client = Legacy::open(&gateway, "2025-06-18").await;
    let before = client.tools().await;
    assert!(!before.is_empty());
    let dir = Arc::clone(gateway.dir());
    gateway.stop().await;

    let gateway = Gateway::builder().in_dir(&dir).start().await;
    client.reconnect(&gateway).await;
    assert_eq!(client.tools().await, before);
    let result = client.call("host__subnet_info", json!({"cidr": "10.0.0.0/22"})).await;
    assert_eq!(result["structuredContent"]["hosts"], 1022);
    gateway.stop().await;
}

#[tokio::test]
async fn a_session_works_on_another_gateway_with_the_same_key_and_on_no_other() {
    let one = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    let mut client = Legacy::open(&one, "2025-11-25").await;
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let state = dir.path().join("state");
    fs::create_dir(&state).unwrap();
    fs::copy(one.dir().path().join("state/session.key"), state.join("session.key")).unwrap();

    let twin = Gateway::builder().in_dir(&dir).shard("fake", fake_shard(&[])).start().await;
    client.reconnect(&twin).await;
    assert_eq!(client.call("fake__echo", json!({"a": 1})).await["structuredContent"], json!({"a": 1}));

    let stranger = Gateway::builder().start().await;
    client.reconnect(&stranger).await;
    assert_eq!(client.ask("tools/list", json!({})).await.status, 404);
    client.reconnect(&one).await;
    assert_eq!(client.ask("tools/list", json!({})).await.status, 200);
    for gateway in [one, twin, stranger] {
        gateway.stop().await;
    }
}

#[tokio::test]
async fn a_stream_of_an_older_boot_hears_that_every_list_may_have_changed() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let client = Legacy::open(&gateway, "2025-11-25").await;
    let dir = Arc::clone(gateway.dir());
    gateway.stop().await;

    let gateway = Gateway::builder().in_dir(&dir).start().await;
    gateway.until("fake", "ready").await;
    let mut old = listen(&gateway, &client.session).await;
    for list in LISTS {
        assert_eq!(old.notification().await, list);
    }
    let session = Legacy::open(&gateway, "2025-11-25").await.session;
    let new = listen(&gateway, &session).await;
    gateway.write_shard("other", &fake_shard(&[]));
    for mut stream in [old, new] {
        assert_eq!(
            stream.notification().await,
            LISTS[0],
            "nothing was told twice, or to a session that missed nothing"
        );
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_deleted_session_is_gone_and_its_calls_and_streams_end() {
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("fake", journal.fake_shard(&[])).start().await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    let mut other = Legacy::open(&gateway, "2025-11-25").await;
    let (session, kept) = (client.session.clone(), other.session.clone());
    let mut stream = listen(&gateway, &session).await;
    let mut kept_stream = listen(&gateway, &kept).await;
    let mut http = gateway.http().await;
    let delete = async {
        let call = journal.call_of("hang").await;
        let headers = [("mcp-session-id", &*session)];
        assert_eq!(http.send("DELETE", "/mcp", &headers, "").await.status, 204);
        journal.until_cancelled(&call).await;
        for (method, body) in [("DELETE", ""), ("GET", ""), ("POST", r#"{"jsonrpc":"2.0","id":9,"method":"ping"}"#)] {
            assert_eq!(http.send(method, "/mcp", &headers, body).await.status, 404, "{method}");
        }
    };
    let (cut_off, ()) = tokio::join!(client.ask("tools/call", json!({"name": "fake__hang"})), delete);
    assert_eq!(cut_off.status, 202, "nothing is left to say");
    assert_eq!(stream.next().await, None);

    assert_eq!(other.call("fake__echo", json!({})).await["structuredContent"], json!({}));
    gateway.write_shard("other", &fake_shard(&[]));
    assert_eq!(kept_stream.notification().await, LISTS[0]);
    gateway.stop().await;
}

#[tokio::test]
async fn a_legacy_client_that_hangs_up_has_not_cancelled_its_call() {
    let journal = Journal::new();
    let shard = journal.fake_shard(&[]);
    let gateway = Gateway::builder().shard("fake", shard).flags(&["--max-requests", "1"]).start().await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    let request = client.ask("tools/call", json!({"name": "fake__sleep", "arguments": {"ms": 1500}}));
    tokio::select! {
        answer = request => panic!("it sleeps: {answer:?}"),
        call = journal.call_of("sleep") => drop(call),
    }
    client.reconnect(&gateway).await;
    eventually("the gateway has noticed, since the only place for a request is free", async || {
        (client.ask("ping", json!({})).await.status == 200).then_some(())
    })
    .await;
    assert_eq!(gateway.shard("fake").await["in_flight"], 1, "the call goes on");
    let done =
        eventually("the call ends", async || Some(gateway.shard("fake").await).filter(|shard| shard["in_flight"] == 0))
            .await;
    assert_eq!((&done["calls"], &done["failed"]), (&json!(1), &json!(0)));
    assert_eq!(journal.cancelled(), Vec::<Value>::new());
    gateway.stop().await;
}

#[tokio::test]
async fn a_modern_client_that_hangs_up_has_cancelled_its_call() {
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("fake", journal.fake_shard(&["--era", "modern"])).start().await;
    tokio::select! {
        answer = gateway.modern("tools/call", json!({"name": "fake__hang"})) => panic!("it hangs: {answer:?}"),
        call = journal.call_of("hang") => drop(call),
    }
    journal.until_cancelled(&journal.call_of("hang").await).await;

    // Also when the answer has begun as a stream.
    let mut meta = modern_meta();
    meta["progressToken"] = json!("p");
    let params = json!({"name": "fake__progress", "arguments": {"n": 1000, "delay_ms": 20}, "_meta": meta});
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string();
    let headers =
        [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", "fake__progress")];
    let mut events = Events::of(gateway.http().await.open("POST", "/mcp", &headers, body).await);
    assert_eq!(events.notification().await, "notifications/progress");
    drop(events);
    journal.until_cancelled(&journal.call_of("progress").await).await;
    assert_eq!(gateway.shard("fake").await["in_flight"], 0);
    gateway.stop().await;
}
