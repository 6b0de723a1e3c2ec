//! Hosts, origins, methods, paths and media types.

use super::{Bench, Told};
use crate::support::Socket;

const INVALID: i64 = -32600;
const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

#[tokio::test]
async fn foreign_hosts_and_origins_are_turned_away_with_the_flag_that_lets_them_in() {
    let mut bench =
        Bench::start(&["--allow-host", "mcp.example.com", "--allow-origin", "https://chat.example.com"]).await;
    let allow_host = Told(403, INVALID, "`--allow-host evil.example`");
    let allow_origin = Told(403, INVALID, "`--allow-origin https://evil.example`");
    let cases: [(&[(&str, &str)], Told<'_>); 9] = [
        (&[("host", "evil.example")], allow_host),
        (&[("host", "evil.example:9100")], allow_host),
        (&[("host", "EVIL.example.")], allow_host),
        (&[("host", "mcp.example.com.evil.example")], Told(403, INVALID, "is not allowed")),
        (&[("origin", "https://evil.example")], allow_origin),
        (&[("origin", "https://chat.example.com.evil.example")], Told(403, INVALID, "is not allowed")),
        (
            &[("origin", "null")],
            Told(403, INVALID, "origin `null` is not allowed; start the gateway with `--allow-origin"),
        ),
        (&[("origin", "http://localhost@evil.example")], Told(403, INVALID, "is not allowed")),
        (&[("host", "evil.example"), ("origin", "http://localhost")], allow_host),
    ];
    for (headers, told) in cases {
        bench.refuses(&format!("{headers:?}"), headers, PING, told).await;
    }
    let let_in: [&[(&str, &str)]; 4] = [
        &[("host", "mcp.example.com")],
        &[("host", "nas.local:9100")],
        &[("origin", "https://chat.example.com")],
        &[("origin", "http://localhost:3000")],
    ];
    for headers in let_in {
        bench.refuses(&format!("{headers:?}"), headers, PING, Told(400, INVALID, "no `Mcp-Session-Id`")).await;
    }
    bench.gateway.stop().await;
}

#[tokio::test]
async fn a_foreign_host_gets_no_other_page_either() {
    let mut bench = Bench::start(&[]).await;
    for path in ["/", "/health", "/livez", "/readyz", "/nowhere"] {
        let response = bench.gateway.http().await.send("GET", path, &[("host", "evil.example")], "").await;
        bench.check(path, &response, Told(403, INVALID, "`--allow-host evil.example`")).await;
    }
    bench.gateway.stop().await;
}

#[tokio::test]
async fn a_request_that_names_two_hosts_or_none_is_refused() {
    let mut bench = Bench::start(&[]).await;
    let rest = format!("content-type: application/json\r\ncontent-length: {}\r\n\r\n{PING}", PING.len());
    let cases = [
        ("POST /mcp HTTP/1.1\r\nhost: localhost\r\nhost: localhost\r\n", 400, "`host` must stand once"),
        ("POST /mcp HTTP/1.1\r\nhost: localhost\r\nHost: evil.example\r\n", 400, "`host` must stand once"),
        ("POST /mcp HTTP/1.1\r\n", 400, "needs one `Host` header"),
        ("POST /mcp HTTP/1.1\r\nhost: evil.example@localhost\r\n", 400, "needs one `Host` header"),
        (
            "POST /mcp HTTP/1.1\r\nhost: localhost\r\norigin: http://a\r\norigin: http://b\r\n",
            400,
            "`origin` must stand once",
        ),
        ("POST http://evil.example/mcp HTTP/1.1\r\nhost: localhost\r\n", 403, "`--allow-host evil.example`"),
        ("POST http://localhost/mcp HTTP/1.1\r\nhost: evil.example\r\n", 403, "`--allow-host evil.example`"),
        ("POST http://localhost/mcp HTTP/1.1\r\nhost: localhost\r\n", 400, "no `Mcp-Session-Id`"),
    ];
    for (head, status, words) in cases {
        let mut socket = Socket::open(&bench.gateway).await;
        socket.write(format!("{head}{rest}")).await;
        let response = socket.response().await;
        bench.check(head, &response, Told(status, INVALID, words)).await;
    }
    bench.gateway.stop().await;
}

#[tokio::test]
async fn heads_that_are_no_http_or_too_large_end_their_own_connection_only() {
    let mut bench = Bench::start(&[]).await;
    let long = format!("GET /livez HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n", "x".repeat(300_000));
    let many = format!("GET /livez HTTP/1.1\r\nhost: localhost\r\n{}\r\n", "x: y\r\n".repeat(500));
    let two_lengths = "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}";
    for (what, head, status) in [
        ("no HTTP", "hello\r\n\r\n", 400),
        ("long", &long, 431),
        ("many", &many, 431),
        ("two lengths", two_lengths, 400),
    ] {
        let mut socket = Socket::open(&bench.gateway).await;
        socket.write(head).await;
        assert_eq!(socket.response().await.status, status, "{what}");
        assert!(socket.closes().await, "{what}");
        bench.still_works(what).await;
    }
    bench.gateway.stop().await;
}

#[tokio::test]
async fn media_types_that_do_not_fit_are_refused_and_wildcards_fit() {
    let mut bench = Bench::start(&[]).await;
    let initialize = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"a","version":"1"}}}"#;
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""] {
        let told = Told(415, INVALID, "`Content-Type: application/json`");
        bench.refuses(kind, &[("content-type", kind)], initialize, told).await;
    }
    for accept in ["text/html", "application/xml, image/*", "application/json;q=0, text/event-stream;q=0"] {
        let told = Told(406, INVALID, "`Accept: application/json, text/event-stream`");
        bench.refuses(accept, &[("accept", accept)], initialize, told).await;
    }
    for (name, value) in
        [("accept", "*/*"), ("accept", "application/*"), ("content-type", "application/json; charset=utf-8")]
    {
        let response = bench.gateway.http().await.send("POST", "/mcp", &[(name, value)], initialize).await;
        assert_eq!((response.status, response.headers["content-type"].as_bytes()), (200, &b"application/json"[..]));
        assert!(response.headers.contains_key("mcp-session-id"), "{name}: {value}");
    }
    bench.gateway.stop().await;
}

#[tokio::test]
async fn unknown_paths_and_methods_say_where_to_go() {
    let mut bench = Bench::start(&[]).await;
    for path in ["/MCP", "//mcp", "/sse/a/b", "/nowhere?a=b"] {
        let response = bench.gateway.http().await.send("POST", path, &[], PING).await;
        bench.check(path, &response, Told(404, INVALID, "the MCP endpoint is `/mcp`")).await;
    }
    for method in ["PUT", "PATCH", "HEAD", "TRACE"] {
        let response = bench.gateway.http().await.send(method, "/mcp", &[], "").await;
        assert_eq!((response.status, response.headers["allow"].as_bytes()), (405, &b"GET, POST, DELETE, OPTIONS"[..]));
    }
    let response = bench.gateway.http().await.send("POST", "/health", &[], "").await;
    bench.check("POST /health", &response, Told(405, INVALID, "only for GET")).await;
    bench.gateway.stop().await;
}

#[tokio::test]
async fn an_allowed_page_is_granted_what_it_asks_for_and_a_foreign_one_nothing() {
    let mut bench = Bench::start(&[]).await;
    let asks = "content-type, mcp-session-id, mcp-param-region";
    let preflight = [
        ("origin", "http://localhost:3000"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", asks),
    ];
    let response = bench.gateway.http().await.send("OPTIONS", "/mcp", &preflight, "").await;
    let header = |name: &str| response.headers.get(name).map(|value| value.to_str().unwrap());
    assert_eq!(response.status, 204);
    assert_eq!(header("access-control-allow-origin"), Some("http://localhost:3000"));
    assert_eq!(header("access-control-allow-headers"), Some(asks));
    assert_eq!(header("access-control-allow-methods"), Some("GET, POST, DELETE, OPTIONS"));
    assert_eq!(header("access-control-expose-headers"), Some("Mcp-Session-Id"));

    let foreign = [("origin", "https://evil.example"), preflight[1], preflight[2]];
    let response = bench.gateway.http().await.send("OPTIONS", "/mcp", &foreign, "").await;
    assert!(response.headers.keys().all(|name| !name.as_str().starts_with("access-control")), "{response:?}");
    bench.check("a foreign preflight", &response, Told(403, INVALID, "`--allow-origin https://evil.example`")).await;

    let plain = bench.gateway.http().await.send("OPTIONS", "/mcp", &[], "").await;
    assert_eq!((plain.status, plain.headers.contains_key("access-control-allow-methods")), (204, false));
    bench.gateway.stop().await;
}
