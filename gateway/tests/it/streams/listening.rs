//! The GET stream of a session.

use serde_json::json;

use crate::support::{Events, Gateway, Journal, Legacy, eventually, fake_shard};

const TOOLS: &str = "notifications/tools/list_changed";

#[tokio::test]
async fn a_stream_hears_of_each_shard_that_comes_and_goes() {
    let gateway = Gateway::builder().shard("one", fake_shard(&[])).start().await;
    gateway.until("one", "ready").await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    let mut stream = Events::listen(&gateway, &client.session).await;
    gateway.write_shard("two", &fake_shard(&[]));
    assert_eq!(stream.notification().await, TOOLS);
    assert!(client.tools().await.contains(&"two__echo".to_owned()), "the new list is there before it is told of");
    let mut heard = stream.notification().await;
    gateway.remove_shard("two");
    while heard != TOOLS {
        heard = stream.notification().await;
    }
    assert!(!client.tools().await.contains(&"two__echo".to_owned()));
    gateway.stop().await;
}

#[tokio::test]
async fn of_several_streams_of_a_session_the_newest_speaks_and_a_fifth_ends_the_oldest() {
    let gateway = Gateway::builder().start().await;
    let client = Legacy::open(&gateway, "2025-11-25").await;
    let other = Legacy::open(&gateway, "2025-11-25").await;
    let mut oldest = Events::listen(&gateway, &client.session).await;
    let mut newest = Events::listen(&gateway, &client.session).await;
    let mut others = Events::listen(&gateway, &other.session).await;
    gateway.write_shard("one", &fake_shard(&[]));
    assert_eq!(newest.notification().await, TOOLS);
    assert_eq!(others.notification().await, TOOLS);

    let _third = Events::listen(&gateway, &client.session).await;
    let _fourth = Events::listen(&gateway, &client.session).await;
    let mut fifth = Events::listen(&gateway, &client.session).await;
    assert_eq!(oldest.next().await, None, "the oldest never spoke, and ended with the fifth");
    gateway.write_shard("two", &fake_shard(&[]));
    while fifth.notification().await != TOOLS {}
    let _sixth = Events::listen(&gateway, &client.session).await;
    newest.rest().await;
    gateway.write_shard("three", &fake_shard(&[]));
    // Those of other sessions go on.
    while others.notification().await != TOOLS {}
    gateway.stop().await;
}

/// A client on a bad network: none of its connections ends, and each time it opens one more.
#[tokio::test]
async fn a_client_that_leaves_connection_after_connection_is_always_served_and_hears_all_once() {
    let journal = Journal::new();
    let shard = journal.fake_shard(&[]) + "instances: per_session\n";
    let gateway = Gateway::builder().shard("fake", shard).start().await;
    gateway.until("fake", "ready").await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    let mut left = Vec::new();
    let mut last: Option<String> = None;
    for round in 0..12 {
        // Some know where they were, some do not.
        let mut stream = match &last {
            Some(id) if round % 3 != 0 => Events::resume(&gateway, &client.session, id).await,
            _ => Events::listen(&gateway, &client.session).await,
        };
        for part in 0..2 {
            let data = json!({"round": round, "part": part});
            let log =
                json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": data}});
            client.call("fake__later", json!({"ms": 0, "message": log})).await;
            assert_eq!(stream.next().await.unwrap(), log);
        }
        last = Some(stream.last_id());
        left.push(stream);
    }
    gateway.stop().await;
    for mut stream in left {
        assert_eq!(stream.next().await, None, "nothing was told twice");
    }
}

#[tokio::test]
async fn a_stream_that_is_read_on_ends_no_other_than_its_own_connection() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let client = Legacy::open(&gateway, "2025-11-25").await;
    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(Events::listen(&gateway, &client.session).await);
    }
    let mut broken = Events::listen(&gateway, &client.session).await;
    let id = broken.priming().await;
    for _ in 0..6 {
        let again = Events::resume(&gateway, &client.session, &id).await;
        let mut before = std::mem::replace(&mut broken, again);
        assert_eq!(before.next().await, None, "it is read elsewhere");
    }
    gateway.write_shard("two", &fake_shard(&[]));
    assert_eq!(broken.notification().await, TOOLS);
    // As many again may be opened as were there, and the three are the oldest.
    drop(Events::listen(&gateway, &client.session).await);
    assert_eq!(others.remove(0).next().await, None, "this one made way");
    let (rest, ()) = tokio::join!(async { (others[0].next().await, others[1].next().await) }, gateway.stop());
    assert_eq!(rest, (None, None));
}

#[tokio::test]
async fn open_streams_do_not_hold_up_a_gateway_that_stops() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut streams = Vec::new();
    for _ in 0..8 {
        let client = Legacy::open(&gateway, "2025-11-25").await;
        streams.push(Events::listen(&gateway, &client.session).await);
    }
    let log = gateway.log_handle();
    gateway.stop().await;
    for mut stream in streams {
        assert_eq!(stream.next().await, None);
    }
    let log = log.lock().unwrap().join("\n");
    assert!(log.contains("stopped") && !log.contains("cut off"), "{log}");
}

#[tokio::test]
async fn the_streams_of_all_sessions_together_are_bounded() {
    let gateway = Gateway::builder().flags(&["--max-streams", "2"]).start().await;
    let mut open = Vec::new();
    for _ in 0..2 {
        let client = Legacy::open(&gateway, "2025-11-25").await;
        open.push(Events::listen(&gateway, &client.session).await);
    }
    let client = Legacy::open(&gateway, "2025-11-25").await;
    let headers = [("mcp-session-id", &*client.session)];
    let refused = gateway.http().await.send("GET", "/mcp", &headers, "").await;
    assert_eq!((refused.status, refused.headers["retry-after"].as_bytes()), (503, &b"1"[..]));
    assert!(refused.text().contains("the limit of 2 open GET streams (`--max-streams`)"), "{refused:?}");
    drop(open.pop());
    eventually("a place is free again", async || {
        let mut http = gateway.http().await;
        (http.open("GET", "/mcp", &headers, "").await.status() == 200).then_some(())
    })
    .await;
    gateway.stop().await;
}
