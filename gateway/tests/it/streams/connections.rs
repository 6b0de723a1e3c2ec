//! Connections that are used more than once, and those that a stopping gateway still has.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;

use super::call;
use crate::support::{Gateway, Journal, Legacy, Socket, fake_shard};

fn post(client: &Legacy, body: &str) -> String {
    let (session, length) = (&client.session, body.len());
    format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nmcp-session-id: {session}\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
}

#[tokio::test]
async fn a_connection_serves_one_request_after_another_and_several_at_once_in_order() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    let client = Legacy::open(&gateway, "2025-11-25").await;
    let mut socket = Socket::open(&gateway).await;
    for id in 0..20 {
        socket.write(post(&client, &call(id, "fake__echo", &json!({"n": id})))).await;
        assert_eq!(socket.response().await.answer()["result"]["structuredContent"]["n"], id);
    }
    let slow = post(&client, &call(1, "fake__sleep", &json!({"ms": 200})));
    let quick = post(&client, r#"{"jsonrpc":"2.0","id":2,"method":"ping"}"#);
    let broken = post(&client, "{");
    let health = "GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n";
    socket.write([&slow, &quick, &broken, health].concat()).await;
    assert_eq!(socket.response().await.answer()["id"], 1);
    assert_eq!(socket.response().await.answer()["id"], 2);
    assert_eq!(socket.response().await.status, 400);
    assert_eq!(socket.response().await.text(), "ok\n");
    gateway.stop().await;
}

#[tokio::test]
async fn more_connections_than_allowed_are_told_which_setting_bounds_them() {
    let gateway = Gateway::builder().flags(&["--max-connections", "2"]).start().await;
    let mut open = [Socket::open(&gateway).await, Socket::open(&gateway).await];
    for socket in &mut open {
        socket.write("GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        assert_eq!(socket.response().await.status, 200);
    }
    let mut third = Socket::open(&gateway).await;
    let refused = third.response().await;
    assert_eq!(refused.status, 503);
    assert!(refused.text().contains("2 connections (`--max-connections`)"), "{refused:?}");
    drop(third);
    drop(open);
    crate::support::eventually("a place is free again", async || {
        let mut socket = Socket::open(&gateway).await;
        socket.write("GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
        (socket.response().await.status == 200).then_some(())
    })
    .await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_gateway_that_stops_lets_quick_calls_finish_and_tells_the_others() {
    let journal = Journal::new();
    let shard = journal.fake_shard(&[]);
    let gateway = Gateway::builder().shard("fake", shard).flags(&["--stop-grace", "2s"]).start().await;
    let client = Legacy::open(&gateway, "2025-11-25").await;
    let mut quick = Socket::open(&gateway).await;
    let mut endless = Socket::open(&gateway).await;
    quick.write(post(&client, &call(1, "fake__sleep", &json!({"ms": 300})))).await;
    endless.write(post(&client, &call(2, "fake__hang", &json!({})))).await;
    for tool in ["sleep", "hang"] {
        journal.call_of(tool).await;
    }
    let (answer, told, ()) = tokio::join!(quick.response(), endless.response(), gateway.stop());
    assert_eq!(answer.answer()["result"]["content"][0]["text"], "slept 300 ms");
    assert_eq!(told.answer()["result"]["isError"], true);
    assert!(told.text().contains("shard `fake`: it was stopped"), "{told:?}");
}

#[tokio::test]
async fn bodies_that_come_slowly_shut_nobody_out() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).flags(&["--max-requests", "2"]).start().await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    let body = call(1, "fake__echo", &json!({}));
    let mut slow = Vec::new();
    for _ in 0..8 {
        let mut socket = Socket::open(&gateway).await;
        let whole = post(&client, &body);
        socket.write(&whole[..whole.len() - 1]).await;
        slow.push(socket);
    }
    assert_eq!(client.call("fake__echo", json!({"n": 1})).await["structuredContent"], json!({"n": 1}));
    for mut socket in slow {
        socket.write("}").await;
        assert_eq!(socket.response().await.answer()["id"], 1);
    }
    gateway.stop().await;
}

#[tokio::test]
async fn more_connections_than_the_usual_limit_of_files_are_served() {
    const COUNT: usize = 500;
    let usual = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(256), ..usual }).unwrap();
    let gateway = Gateway::builder().start().await;
    setrlimit(Resource::Nofile, Rlimit { current: usual.maximum, ..usual }).unwrap();
    let mut sockets = Vec::new();
    for _ in 0..COUNT {
        let mut socket = Socket::open(&gateway).await;
        socket.write("GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        assert_eq!(socket.response().await.text(), "ok\n");
        sockets.push(socket);
    }
    gateway.stop().await;
}
