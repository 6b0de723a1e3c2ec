//! Bodies that are no JSON-RPC message, or one that can be read in two ways.

use serde_json::json;

use super::{Bench, Told};
use crate::support::{Response, Socket};

const NOT_JSON: i64 = -32700;
const INVALID: i64 = -32600;

/// A call of the echo tool with these parameters, JSON text.
fn call(params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#)
}

async fn check_all(cases: &[(&str, Vec<u8>, Told<'_>)]) {
    let mut bench = Bench::start(&[]).await;
    let session = bench.session();
    let session = session.each_ref().map(|(name, value)| (*name, &**value));
    for (what, body, told) in cases {
        bench.refuses(what, &session, body.clone(), *told).await;
    }
    bench.gateway.stop().await;
}

#[tokio::test]
async fn a_body_that_is_no_json_is_refused_as_such() {
    let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    let cases: Vec<(&str, Vec<u8>, Told<'_>)> = vec![
        ("empty", Vec::new(), Told(400, NOT_JSON, "EOF")),
        ("truncated", br#"{"jsonrpc":"2.0","id":1,"method":"pi"#.to_vec(), Told(400, NOT_JSON, "EOF")),
        ("no JSON", b"method=tools/list".to_vec(), Told(400, NOT_JSON, "line 1 column 1")),
        ("single quotes", b"{'jsonrpc':'2.0'}".to_vec(), Told(400, NOT_JSON, "invalid JSON")),
        ("a raw line break in a string", b"{\"a\":\"\n\"}".to_vec(), Told(400, NOT_JSON, "control character")),
        ("invalid UTF-8", b"{\"jsonrpc\":\"2.0\",\"x\":\"\xff\"}".to_vec(), Told(400, NOT_JSON, "UTF-8 at byte 22")),
        (
            "a second message behind a line break",
            [call(r#"{"name":"fake__echo"}"#), call(r#"{"name":"fake__crash"}"#)].join("\n").into_bytes(),
            Told(400, NOT_JSON, "trailing characters"),
        ),
        ("100,000 levels", deep(100_000).into_bytes(), Told(400, INVALID, "deeper than 512 levels")),
        ("100,000 open brackets", vec![b'['; 100_000], Told(400, NOT_JSON, "EOF")),
        (
            "600 levels in arguments",
            call(&format!(r#"{{"name":"fake__echo","arguments":{{"a":{}}}}}"#, deep(600))).into_bytes(),
            Told(400, INVALID, "deeper than 512 levels"),
        ),
    ];
    check_all(&cases).await;
}

#[tokio::test]
async fn a_message_of_the_wrong_shape_is_told_what_is_wrong() {
    let cases = [
        (r"7", Told(400, INVALID, "must be an object")),
        (r"null", Told(400, INVALID, "must be an object")),
        (r"{}", Told(400, INVALID, "`jsonrpc` must be")),
        (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, Told(400, INVALID, "`jsonrpc` must be")),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, Told(400, INVALID, "must not be null")),
        (r#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#, Told(400, INVALID, "a string or a number")),
        (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, Told(400, INVALID, "a string or a number")),
        (r#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#, Told(400, INVALID, "a string or a number")),
        (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, Told(400, INVALID, "`method` must be a string")),
        (r#"{"jsonrpc":"2.0","id":1}"#, Told(400, INVALID, "needs a `method`")),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#, Told(400, INVALID, "`params` must be an object")),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#, Told(400, INVALID, "no `result`")),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#, Told(200, -32602, "`params.name` must be a string")),
        (&call("{}"), Told(200, -32602, "`params.name` must be a string")),
        (&call(r#"{"name":7}"#), Told(200, -32602, "`params.name` must be a string")),
        (&call(r#"{"name":"fake__ecko"}"#), Told(200, -32602, "did you mean `fake__echo`")),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/cull"}"#, Told(200, -32601, "method `tools/cull` is not served")),
        (r#"{"jsonrpc":"2.0","id":1,"method":""}"#, Told(200, -32601, "method `` is not served")),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"x"}}"#, Told(200, -32602, "one page")),
        (r#"{"jsonrpc":"2.0","id":1,"method":"logging/setLevel"}"#, Told(200, -32602, "must be a log level")),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"loud"}}"#,
            Told(200, -32602, "the levels are debug"),
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"no:where"}}"#,
            Told(200, -32002, "no shard has the resource `no:where`"),
        ),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, Told(400, INVALID, "2025-11-25 has no arrays")),
    ];
    check_all(&cases.map(|(body, told)| (body, body.as_bytes().to_vec(), told))).await;
}

#[tokio::test]
async fn a_message_that_can_be_read_in_two_ways_is_refused() {
    let cases = [
        (call(r#"{"name":"fake__echo","name":"fake__crash"}"#), "duplicate key `name`"),
        (call(r#"{"name":"fake__echo","n\u0061me":"fake__crash"}"#), "duplicate key `name`"),
        (call(r#"{"name":"fake__echo","Name":"fake__crash"}"#), "key `Name` differs from `name`"),
        (call(r#"{"name":"fake__echo","\u004eAME":"fake__crash"}"#), "key `NAME` differs from `name`"),
        (call(r#"{"name":"fake__echo","arguments":{},"Arguments":{}}"#), "key `Arguments` differs"),
        (call(r#"{"name":"fake__echo","_meta":{"progressToken":1,"progressToken":2}}"#), "duplicate key"),
        (call(r#"{"name":"fake__echo","arguments":{"a":"\ud83d"}}"#), "half a surrogate pair at byte"),
        (call(r#"{"name":"fake__echo","arguments":{"\ude00":1}}"#), "half a surrogate pair at byte"),
        (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#.to_owned(), "duplicate key `id`"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}"#.to_owned(), "key `Method` differs"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{},"params":{}}"#.to_owned(), "duplicate key `params`"),
        (format!(r#"{{"jsonrpc":"2.0","id":"{}","method":"ping"}}"#, "i".repeat(2000)), "the `id` is longer than"),
        (
            call(&format!(r#"{{"name":"fake__echo","_meta":{{"progressToken":"{}"}}}}"#, "t".repeat(2000))),
            "the `progressToken` is longer than",
        ),
    ];
    let cases = cases.each_ref().map(|(body, words)| (*words, body.clone().into_bytes(), Told(400, INVALID, words)));
    check_all(&cases).await;
}

#[tokio::test]
async fn the_deepest_nesting_that_is_taken_arrives_as_it_is() {
    let mut bench = Bench::start(&[]).await;
    let deep = "[".repeat(500) + &"]".repeat(500);
    let body = call(&format!(r#"{{"name":"fake__echo","arguments":{{"a":{deep}}}}}"#));
    let response = bench.client.post(body).await;
    assert!(response.text().contains(&deep), "{response:?}");
    bench.gateway.stop().await;
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_however_it_comes() {
    let mut bench = Bench::start(&["--max-body", "1000"]).await;
    let told = Told(413, INVALID, "larger than 1000 bytes (`--max-body`)");
    bench.refuses("declared", &[], vec![b' '; 1001], told).await;
    bench.refuses("a whole MiB", &[], vec![b' '; 1 << 20], told).await;
    let huge = ask_raw(&bench, "content-length: 99999999999\r\n\r\n").await;
    bench.check("declared and never sent", &huge, told).await;
    let chunk = format!("{:x}\r\n{}\r\n", 600, " ".repeat(600));
    let chunked = ask_raw(&bench, &format!("transfer-encoding: chunked\r\n\r\n{chunk}{chunk}0\r\n\r\n")).await;
    bench.check("chunked", &chunked, told).await;
    bench.refuses("within the limit", &[], vec![b' '; 1000], Told(400, NOT_JSON, "EOF")).await;
    bench.gateway.stop().await;
}

#[tokio::test]
async fn a_body_in_small_chunks_is_taken() {
    let bench = Bench::start(&[]).await;
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}).to_string();
    let chunks: String = body.chars().map(|letter| format!("1\r\n{letter}\r\n")).collect();
    let session = &bench.client.session;
    let head = format!("mcp-session-id: {session}\r\ntransfer-encoding: chunked\r\n\r\n{chunks}0\r\n\r\n");
    let response = ask_raw(&bench, &head).await;
    assert_eq!((response.status, response.answer()["result"].clone()), (200, json!({})));
    bench.gateway.stop().await;
}

/// A POST whose head ends in `rest`.
async fn ask_raw(bench: &Bench, rest: &str) -> Response {
    let mut socket = Socket::open(&bench.gateway).await;
    socket.write(format!("POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{rest}")).await;
    socket.response().await
}
