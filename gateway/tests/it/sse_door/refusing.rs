//! What is not taken, and how it is told.

use serde_json::{Value, json};

use super::REVISION;
use crate::support::{Events, Gateway, Journal, Response, Sse, eventually, fake_shard};

fn message(response: &Response) -> String {
    response.answer()["error"]["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn wrong_use_explains_itself() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let unknown = format!("/messages?sessionId={}", "0".repeat(32));
    let twice = format!("{unknown}&sessionId=1");
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let cases = [
        ("POST", "/sse", 405, "begins with a GET; Streamable HTTP is served at `/mcp`"),
        ("POST", "/sse/fake", 405, "begins with a GET"),
        ("DELETE", "/sse", 405, "begins with a GET"),
        ("GET", "/messages", 405, "by POST; their stream is at `/sse`"),
        ("DELETE", &unknown, 405, "by POST"),
        ("POST", "/messages", 400, "`sessionId` must stand once in the address"),
        ("POST", &twice, 400, "`sessionId` must stand once"),
        ("POST", &unknown, 404, "no such session, or its stream has ended; open a new one with a GET of `/sse`"),
        ("GET", "/sse/fike", 404, "there is no shard `fike`; did you mean `fake`?"),
        ("GET", "/sse/fake?shards=fake", 400, "ask for several at `/sse?shards=a,b`"),
    ];
    for (method, path, status, text) in cases {
        let response = gateway.http().await.send(method, path, &[], ping).await;
        assert_eq!(response.status, status, "{method} {path}");
        assert!(message(&response).contains(text), "{method} {path}: {}", response.text());
        assert_eq!(response.headers.contains_key("allow"), status == 405, "{method} {path}");
    }
    let only_json = gateway.http().await.send("GET", "/sse", &[("accept", "application/json")], "").await;
    assert_eq!(only_json.status, 406);
    for path in ["/sse", "/messages"] {
        let foreign = gateway.http().await.send("POST", path, &[("host", "evil.example.com")], ping).await;
        assert_eq!(foreign.status, 403, "{path}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn what_has_no_id_is_refused_at_once_and_what_has_one_is_answered_on_the_stream() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).flags(&["--max-body", "1000"]).start().await;
    gateway.until("fake", "ready").await;
    let mut client = Sse::open_at(&gateway, "/sse").await;
    client.request("early", "tools/list", json!({})).await;
    let early = client.answer("early").await;
    assert!(early["error"]["message"].as_str().unwrap().contains("send `initialize` first"), "{early}");
    client.initialize(REVISION, json!({})).await;

    let broken = client.post(r#"{"jsonrpc":"2.0","id":1,"#).await;
    assert_eq!((broken.status, broken.code()), (400, Some(-32700)));
    let array = client.post("[]").await;
    assert!(array.status == 400 && message(&array).contains("has no arrays of messages"), "{array:?}");
    let large = client.post(format!("{{\"x\":\"{}\"}}", "x".repeat(1000))).await;
    assert!(large.status == 413 && message(&large).contains("`--max-body`"), "{large:?}");
    let address = client.address.clone();
    let form = gateway.http().await.send("POST", &address, &[("content-type", "text/plain")], "{}").await;
    assert_eq!(form.status, 415);

    client.send(json!({"id": "half", "method": "ping"})).await;
    assert_eq!(client.answer("half").await["error"]["code"], -32600);
    client.send(json!({"jsonrpc": "2.0", "id": "two", "method": "x", "params": {"name": 1, "Name": 2}})).await;
    assert_eq!(client.answer("two").await["error"]["code"], -32600);
    client.request("again", "initialize", json!({})).await;
    let again = client.answer("again").await;
    assert!(again["error"]["message"].as_str().unwrap().contains("answered already"), "{again}");
    client.call(1, "fake__echo", json!({})).await;
    assert_eq!(client.heard(), Vec::<Value>::new(), "what was refused is not answered as well");
    gateway.stop().await;
}

#[tokio::test]
async fn streams_and_requests_are_bounded_with_those_of_streamable_http() {
    let journal = Journal::new();
    let flags = ["--max-streams", "1", "--max-requests", "1"];
    let gateway = Gateway::builder().shard("fake", journal.fake_shard(&[])).flags(&flags).start().await;
    gateway.until("fake", "ready").await;
    let mut client = Sse::open(&gateway, REVISION).await;
    let second = gateway.http().await.send("GET", "/sse", &[], "").await;
    assert_eq!(second.status, 503);
    assert!(message(&second).contains("the limit of 1 open GET streams (`--max-streams`)"), "{second:?}");

    client.request("endless", "tools/call", json!({"name": "fake__hang"})).await;
    journal.call_of("hang").await;
    client.request("more", "tools/call", json!({"name": "fake__echo"})).await;
    let more = client.answer("more").await;
    assert!(more["error"]["message"].as_str().unwrap().contains("`--max-requests`"), "{more}");
    // A cancellation needs no place.
    client
        .send(json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "endless"}}))
        .await;
    eventually("there is a place again", async || {
        client.request("again", "tools/call", json!({"name": "fake__echo", "arguments": {}})).await;
        client.answer("again").await.get("result").is_some().then_some(())
    })
    .await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_browser_gets_the_page_and_who_comes_by_a_proxys_path_an_address_below_it() {
    let gateway = Gateway::builder().start().await;
    let page = gateway.http().await.send("GET", "/sse", &[("accept", "text/html,*/*;q=0.8")], "").await;
    assert_eq!((page.status, &page.headers["content-type"]), (200, &"text/html; charset=utf-8".parse().unwrap()));
    for (path, expected) in [("/sse", "messages?sessionId="), ("/sse/", "../messages?sessionId=")] {
        let headers = [("x-forwarded-prefix", "/tools")];
        let mut stream = Events::of(gateway.http().await.open("GET", path, &headers, "").await);
        let (name, address) = stream.event().await.unwrap();
        assert!(name == "endpoint" && address.starts_with(expected), "{path}: {name}: {address}");
    }
    gateway.stop().await;
}
