//! The GET stream of a session.

use super::listen;
use crate::support::{Gateway, Legacy, fake_shard};

const TOOLS: &str = "notifications/tools/list_changed";

#[tokio::test]
async fn a_stream_hears_of_each_shard_that_comes_and_goes() {
    let gateway = Gateway::builder().shard("one", fake_shard(&[])).start().await;
    gateway.until("one", "ready").await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    let mut stream = listen(&gateway, &client.session).await;
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
async fn of_several_streams_of_a_session_the_newest_speaks_and_there_are_four_at_most() {
    let gateway = Gateway::builder().start().await;
    let client = Legacy::open(&gateway, "2025-11-25").await;
    let other = Legacy::open(&gateway, "2025-11-25").await;
    let mut oldest = listen(&gateway, &client.session).await;
    let mut newest = listen(&gateway, &client.session).await;
    let mut others = listen(&gateway, &other.session).await;
    gateway.write_shard("one", &fake_shard(&[]));
    assert_eq!(newest.notification().await, TOOLS);
    assert_eq!(others.notification().await, TOOLS);

    let _third = listen(&gateway, &client.session).await;
    let _fourth = listen(&gateway, &client.session).await;
    let headers = [("mcp-session-id", &*client.session)];
    let fifth = gateway.http().await.send("GET", "/mcp", &headers, "").await;
    assert_eq!(fifth.status, 409);
    assert!(fifth.text().contains("4 streams open already"), "{fifth:?}");

    let (spoken, ()) = tokio::join!(oldest.next(), gateway.stop());
    assert_eq!(spoken, None, "the oldest never spoke, and ended with the gateway");
}

#[tokio::test]
async fn open_streams_do_not_hold_up_a_gateway_that_stops() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut streams = Vec::new();
    for _ in 0..8 {
        let client = Legacy::open(&gateway, "2025-11-25").await;
        streams.push(listen(&gateway, &client.session).await);
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
        open.push(listen(&gateway, &client.session).await);
    }
    let client = Legacy::open(&gateway, "2025-11-25").await;
    let headers = [("mcp-session-id", &*client.session)];
    let refused = gateway.http().await.send("GET", "/mcp", &headers, "").await;
    assert_eq!((refused.status, refused.headers["retry-after"].as_bytes()), (503, &b"1"[..]));
    assert!(refused.text().contains("the limit of 2 open GET streams (`--max-streams`)"), "{refused:?}");
    drop(open.pop());
    crate::support::eventually("a place is free again", async || {
        let mut http = gateway.http().await;
        (http.open("GET", "/mcp", &headers, "").await.status() == 200).then_some(())
    })
    .await;
    gateway.stop().await;
}
