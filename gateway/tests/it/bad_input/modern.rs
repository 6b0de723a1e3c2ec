//! Modern requests whose headers or `_meta` do not fit.

use serde_json::{Value, json};

use super::{Bench, Told};
use crate::support::modern_meta;

const MISMATCH: i64 = -32020;
const UNSUPPORTED: i64 = -32022;
const VERSION: (&str, &str) = ("mcp-protocol-version", "2026-07-28");
const METHOD: (&str, &str) = ("mcp-method", "tools/call");
const NAME: (&str, &str) = ("mcp-name", "fake__echo");

fn request(method: &str, params: Value) -> String {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string()
}

fn call(meta: Value) -> String {
    request("tools/call", json!({"name": "fake__echo", "arguments": {}, "_meta": meta}))
}

#[tokio::test]
async fn headers_that_say_something_else_than_the_body_are_a_mismatch() {
    let mut bench = Bench::start(&[]).await;
    let cases: [(&[(&str, &str)], &str); 11] = [
        (&[METHOD, NAME], "`mcp-protocol-version` is missing"),
        (&[("mcp-protocol-version", "2025-11-25"), METHOD, NAME], "the body says `2026-07-28`"),
        (&[VERSION, NAME], "`mcp-method` is missing, the body says `tools/call`"),
        (&[VERSION, ("mcp-method", "tools/list"), NAME], "`mcp-method` is `tools/list`"),
        (&[VERSION, ("mcp-method", "TOOLS/CALL"), NAME], "`mcp-method` is `TOOLS/CALL`"),
        (&[VERSION, METHOD, METHOD, NAME], "`mcp-method` must stand once"),
        (&[VERSION, METHOD], "`mcp-name` is missing, the body says `fake__echo`"),
        (&[VERSION, METHOD, ("mcp-name", "fake__crash")], "`mcp-name` is `fake__crash`"),
        (&[VERSION, METHOD, NAME, ("mcp-name", "fake__crash")], "`mcp-name` must stand once"),
        (&[VERSION, METHOD, ("mcp-name", "=?base64?ZmFrZV9fY3Jhc2g=?=")], "`mcp-name` is `fake__crash`"),
        (&[VERSION, METHOD, ("mcp-name", "=?base64?!?=")], "bad base64"),
    ];
    for (headers, words) in cases {
        bench.refuses(words, headers, call(modern_meta()), Told(400, MISMATCH, words)).await;
    }
    let encoded = [VERSION, METHOD, ("mcp-name", "=?base64?ZmFrZV9fZWNobw==?=")];
    let response = bench.gateway.http().await.send("POST", "/mcp", &encoded, call(modern_meta())).await;
    assert_eq!(response.answer()["result"]["structuredContent"], json!({}));
    assert!(!response.headers.contains_key("mcp-session-id"));
    bench.gateway.stop().await;
}

#[tokio::test]
async fn each_request_must_bring_what_the_revision_demands() {
    let mut bench = Bench::start(&[]).await;
    let without = |key: &str| {
        let mut meta = modern_meta();
        meta.as_object_mut().unwrap().remove(&format!("io.modelcontextprotocol/{key}"));
        meta
    };
    let with = |key: &str, value: Value| {
        let mut meta = modern_meta();
        meta[format!("io.modelcontextprotocol/{key}")] = value;
        meta
    };
    let cases = [
        (without("protocolVersion"), "needs `io.modelcontextprotocol/protocolVersion`, a string"),
        (with("protocolVersion", json!(7)), "needs `io.modelcontextprotocol/protocolVersion`, a string"),
        (without("clientCapabilities"), "needs `io.modelcontextprotocol/clientCapabilities`, an object"),
        (with("clientCapabilities", json!([])), "needs `io.modelcontextprotocol/clientCapabilities`, an object"),
        (with("logLevel", json!("loud")), "the levels are debug"),
        (json!({}), "needs `io.modelcontextprotocol/protocolVersion`"),
        (json!(7), "needs `io.modelcontextprotocol/protocolVersion`"),
    ];
    for (meta, words) in cases {
        bench.refuses(words, &[VERSION, METHOD, NAME], call(meta), Told(400, -32602, words)).await;
    }
    bench.gateway.stop().await;
}

#[tokio::test]
async fn an_unknown_revision_is_told_which_ones_are_spoken() {
    let mut bench = Bench::start(&[]).await;
    for version in ["2031-01-01", "1900-01-01", "latest"] {
        let mut meta = modern_meta();
        meta["io.modelcontextprotocol/protocolVersion"] = version.into();
        let headers = [("mcp-protocol-version", version), METHOD, NAME];
        let response = bench.gateway.http().await.send("POST", "/mcp", &headers, call(meta)).await;
        let data = json!({"supported": ["2026-07-28"], "requested": version});
        assert_eq!(response.answer()["error"]["data"], data);
        bench.check(version, &response, Told(400, UNSUPPORTED, version)).await;
    }
    bench.gateway.stop().await;
}

#[tokio::test]
async fn methods_that_the_revision_does_not_have_are_not_found() {
    let mut bench = Bench::start(&[]).await;
    let methods =
        ["initialize", "ping", "logging/setLevel", "resources/subscribe", "roots/list", "tools/cull", "Tools/List"];
    for method in methods {
        let headers = [VERSION, ("mcp-method", method)];
        let body = request(method, json!({"_meta": modern_meta()}));
        bench.refuses(method, &headers, body, Told(404, -32601, "is not served here")).await;
    }
    bench.gateway.stop().await;
}

#[tokio::test]
async fn there_are_no_streams_no_sessions_and_no_arrays() {
    let mut bench = Bench::start(&[]).await;
    for method in ["GET", "DELETE"] {
        let response = bench.gateway.http().await.send(method, "/mcp", &[VERSION], "").await;
        assert_eq!(response.headers["allow"], "POST, OPTIONS");
        bench.check(method, &response, Told(405, -32600, "has no sessions: send a POST")).await;
    }
    let array = format!("[{}]", call(modern_meta()));
    let told = Told(400, -32600, "2026-07-28 has no arrays");
    bench.refuses("an array", &[VERSION, METHOD, NAME], array, told).await;
    let nameless = request("tools/call", json!({"_meta": modern_meta()}));
    bench.refuses("no name", &[VERSION, METHOD], nameless, Told(200, -32602, "`params.name` must be a string")).await;
    bench.gateway.stop().await;
}
