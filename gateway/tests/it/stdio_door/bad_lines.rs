//! Lines that nobody should send: each is answered once and costs nobody else anything.

use std::pin::pin;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::support::{Gateway, Journal, fake_shard};

#[tokio::test]
async fn each_bad_line_gets_one_error_and_the_next_line_works() {
    let mut gateway = Gateway::builder().shard("fake", fake_shard(&[])).stdio();
    gateway.initialize("2025-11-25").await;
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let call = |params: &str| format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#);
    let cases: [(Vec<u8>, Value, i64, &str); 12] = [
        (b"hello".to_vec(), Value::Null, -32700, "invalid JSON"),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,".to_vec(), Value::Null, -32700, "EOF"),
        (b"{\"x\":\"\xff\"}".to_vec(), Value::Null, -32700, "invalid UTF-8 at byte 6"),
        ([call("{}"), call("{}")].concat().into_bytes(), Value::Null, -32700, "trailing characters"),
        (deep.into_bytes(), Value::Null, -32600, "deeper than 512 levels"),
        (br#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#.to_vec(), Value::Null, -32600, "must not be null"),
        (br#"{"jsonrpc":"2.0","id":1,"method":7}"#.to_vec(), json!(1), -32600, "`method` must be a string"),
        (br#"{"jsonrpc":"2.0","id":1,"method":"no/such"}"#.to_vec(), json!(1), -32601, "`no/such` is not served"),
        (call(r#"{"name":"a","Name":"b"}"#).into_bytes(), json!(1), -32600, "differs from `name` in case only"),
        (call(r#"{"name":"\ud83d"}"#).into_bytes(), json!(1), -32600, "half a surrogate pair"),
        (br#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#.to_vec(), Value::Null, -32600, "has no arrays"),
        (br#"{"jsonrpc":"2.0","id":1,"method":"initialize"}"#.to_vec(), json!(1), -32600, "answered already"),
    ];
    for (line, id, code, words) in cases {
        gateway.write(&[&line[..], b"\n"].concat()).await;
        let answer = gateway.next().await.unwrap();
        assert_eq!((&answer["id"], answer["error"]["code"].as_i64()), (&id, Some(code)), "{answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains(words), "{answer}");
        gateway.call("good", "fake__echo", json!({})).await;
    }
    assert_eq!(gateway.finish().await, Vec::<Value>::new());
}

#[tokio::test]
async fn empty_lines_and_carriage_returns_are_no_messages() {
    let mut gateway = Gateway::builder().stdio();
    gateway.write("\r\n\n  \n{\"jsonrpc\":\"2.0\",\r\"id\":1,\"method\":\"ping\"}\r\n\n").await;
    assert_eq!(gateway.next().await, Some(json!({"jsonrpc": "2.0", "id": 1, "result": {}})));
    assert_eq!(gateway.finish().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_line_over_the_limit_is_refused_with_its_id_wherever_that_stands() {
    let journal = Journal::new();
    let shard = journal.fake_shard(&[]);
    let mut gateway = Gateway::builder().shard("fake", shard).flags(&["--max-body", "100000"]).stdio();
    gateway.initialize("2025-11-25").await;
    for size in [100_000, 5_000_000] {
        let params = json!({"name": "fake__echo", "arguments": {"id": "not this one", "text": "x".repeat(size)}});
        gateway
            .write(format!("{{\"params\":{params},\"method\":\"tools/call\",\"jsonrpc\":\"2.0\",\"id\":7}}\n"))
            .await;
        let answer = gateway.next().await.unwrap();
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(7), &json!(-32600)), "{answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains("over the limit of 100000 (`--max-body`)"), "{message}");
        gateway.call("good", "fake__echo", json!({"size": size})).await;
    }
    let called: Vec<_> = journal.of("tools/call").iter().map(|call| call["params"]["arguments"].clone()).collect();
    assert_eq!(called, [json!({"size": 100_000}), json!({"size": 5_000_000})]);
    gateway.finish().await;
}

#[tokio::test]
async fn before_initialize_only_ping_and_the_modern_era_are_served() {
    let mut gateway = Gateway::builder().shard("fake", fake_shard(&[])).stdio();
    gateway.request(1, "ping", json!({})).await;
    assert_eq!(gateway.answer(1).await["result"], json!({}));
    gateway.request(2, "tools/list", json!({})).await;
    let refused = gateway.answer(2).await;
    assert_eq!(refused["error"]["code"], -32600);
    assert!(refused["error"]["message"].as_str().unwrap().contains("send `initialize` first"), "{refused}");
    gateway.request(3, "initialize", json!({})).await;
    assert_eq!(gateway.answer(3).await["error"]["code"], -32602);
    gateway.initialize("2025-11-25").await;
    gateway.finish().await;
}

#[tokio::test]
async fn requests_over_the_bound_are_refused_and_those_under_way_go_on() {
    let mut gateway = Gateway::builder().shard("fake", fake_shard(&[])).flags(&["--max-requests", "2"]).stdio();
    gateway.initialize("2025-11-25").await;
    for id in 1..=3 {
        gateway.request(id, "tools/call", json!({"name": "fake__sleep", "arguments": {"ms": 300}})).await;
    }
    let refused = gateway.answer(3).await;
    assert!(refused["error"]["message"].as_str().unwrap().contains("`--max-requests`"), "{refused}");
    for id in 1..=2 {
        assert_eq!(gateway.answer(id).await["result"]["content"][0]["text"], "slept 300 ms");
    }
    gateway.finish().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_not_read_from_and_loses_nothing() {
    const LINES: usize = 20_000;
    let mut gateway = Gateway::builder().stdio();
    gateway.initialize("2025-11-25").await;
    let mut stdin = gateway.take_stdin();
    let lines = format!("{}\n", "x".repeat(100)).repeat(LINES);
    let mut writing = pin!(stdin.write_all(lines.as_bytes()));
    let stalled = timeout(Duration::from_secs(2), writing.as_mut()).await;
    assert!(stalled.is_err(), "it takes line after line, and keeps the answers");
    let reading = async {
        for _ in 0..LINES {
            assert_eq!(gateway.next().await.unwrap()["error"]["code"], -32700);
        }
    };
    let (written, ()) = tokio::join!(writing, reading);
    written.unwrap();
    drop(stdin);
    assert_eq!(gateway.finish().await, Vec::<Value>::new());
}
