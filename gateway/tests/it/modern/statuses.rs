//! What each revision answers to what it cannot serve: one table over HTTP, and what of it has a meaning on stdio.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::ask_with;
use crate::support::{Gateway, Legacy, Response, Stdio, fake_shard, modern_meta};

const VERSION: &str = "mcp-protocol-version";
const MODERN: &str = "2026-07-28";
const MISMATCH: i64 = -32020;
const MISSING_CAPABILITY: i64 = -32021;
const UNSUPPORTED: i64 = -32022;

/// Methods that the revision has taken away, that are not for servers, or that never were.
const REMOVED: [&str; 14] = [
    "initialize",
    "ping",
    "logging/setLevel",
    "resources/subscribe",
    "resources/unsubscribe",
    "tasks/list",
    "tasks/result",
    "sampling/createMessage",
    "elicitation/create",
    "roots/list",
    "notifications/initialized",
    "notifications/roots/list_changed",
    "vendor/method",
    "Tools/List",
];

/// One request, and what it must come to.
struct Row {
    what: String,
    /// By name; what is empty is not sent.
    headers: BTreeMap<&'static str, String>,
    body: Value,
    status: u16,
    /// `None` for a good answer.
    code: Option<i64>,
}

impl Row {
    /// A modern request as it should be.
    fn modern(what: impl Into<String>, method: &str, mut params: Value) -> Self {
        let name = params.get("name").or_else(|| params.get("uri")).and_then(Value::as_str);
        let fields = [(VERSION, Some(MODERN)), ("mcp-method", Some(method)), ("mcp-name", name)];
        let headers = fields.into_iter().filter_map(|(name, value)| Some((name, value?.to_owned()))).collect();
        params["_meta"] = modern_meta();
        let body = json!({"jsonrpc": "2.0", "id": "row", "method": method, "params": params});
        Self { what: what.into(), headers, body, status: 200, code: None }
    }

    fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(name, value.to_owned());
        self
    }

    /// With a member of `_meta`, without the prefix; null for none.
    fn meta(mut self, key: &str, value: Value) -> Self {
        let meta = self.body["params"]["_meta"].as_object_mut().unwrap();
        let key = format!("io.modelcontextprotocol/{key}");
        if value.is_null() {
            meta.remove(&key)
        } else {
            meta.insert(key, value)
        };
        self
    }

    fn body(mut self, body: Value) -> Self {
        self.body = body;
        self
    }

    fn fails(mut self, status: u16, code: i64) -> Self {
        (self.status, self.code) = (status, Some(code));
        self
    }

    #[track_caller]
    fn check(&self, response: &Response) {
        let answer = response.answer();
        assert_eq!((response.status, response.code()), (self.status, self.code), "{}: {answer}", self.what);
        // What is no request, or an array of them, has no id.
        let id = self.body.get("method").and(self.body.get("id")).unwrap_or(&Value::Null);
        assert_eq!(&answer["id"], id, "{}", self.what);
    }
}

fn discover(what: &str) -> Row {
    Row::modern(what, "server/discover", json!({}))
}

fn raw_error(what: &str, shard: &str, code: i64) -> Row {
    let text = json!({"code": code, "message": "m"}).to_string();
    Row::modern(what, "tools/call", json!({"name": format!("{shard}__raw_error"), "arguments": {"text": text}}))
}

/// Of versions and `_meta`.
fn versions() -> Vec<Row> {
    let unknown = "2031-01-01";
    let both = |version: &str| discover(version).header(VERSION, version).meta("protocolVersion", json!(version));
    vec![
        discover("as it should be"),
        discover("a session that nobody opened").header("mcp-session-id", "whatever"),
        discover("no version in the header").header(VERSION, "").fails(400, MISMATCH),
        discover("an older version in the header").header(VERSION, "2025-11-25").fails(400, MISMATCH),
        discover("an unknown version in the header").header(VERSION, unknown).fails(400, MISMATCH),
        discover("an unknown version in the body").meta("protocolVersion", json!(unknown)).fails(400, MISMATCH),
        both(unknown).fails(400, UNSUPPORTED),
        both("1900-01-01").fails(400, UNSUPPORTED),
        discover("no version in the body").meta("protocolVersion", json!(null)).fails(400, -32602),
        discover("a version that is no text").meta("protocolVersion", json!(7)).fails(400, -32602),
        discover("no capabilities").meta("clientCapabilities", json!(null)).fails(400, -32602),
        discover("capabilities that are no object").meta("clientCapabilities", json!("all")).fails(400, -32602),
        discover("no name of the client").meta("clientInfo", json!(null)),
        discover("no such level").meta("logLevel", json!("loud")).fails(400, -32602),
        discover("no method in the header").header("mcp-method", "").fails(400, MISMATCH),
        discover("another method in the header").header("mcp-method", "tools/list").fails(400, MISMATCH),
        Row::modern("the handshake of older revisions", "initialize", json!({}))
            .body(json!({"jsonrpc": "2.0", "id": "row", "method": "initialize", "params": {}}))
            .fails(400, MISMATCH),
    ]
}

/// Of what there is not, and of what shards say.
fn answers() -> Vec<Row> {
    let call = |name: &str| Row::modern(name, "tools/call", json!({"name": name, "arguments": {}}));
    let events = |row: Row| row.header("accept", "text/event-stream");
    vec![
        call("modern__echo"),
        call("modern__ecko").fails(200, -32602),
        call("modern__echo").header("mcp-name", "legacy__echo").fails(400, MISMATCH),
        Row::modern("no such resource", "resources/read", json!({"uri": "x:y"})).fails(200, -32602),
        Row::modern("a cursor", "tools/list", json!({"cursor": "2"})).fails(200, -32602),
        raw_error("a capability that a modern shard misses", "modern", MISSING_CAPABILITY)
            .fails(400, MISSING_CAPABILITY),
        events(raw_error("the same to who wants events", "modern", MISSING_CAPABILITY)).fails(400, MISSING_CAPABILITY),
        raw_error("a method that a modern shard has not", "modern", -32601).fails(404, -32601),
        raw_error("an error of its own of a modern shard", "modern", -32000).fails(200, -32000),
        raw_error("an error of its own of a legacy shard", "legacy", -32000).fails(200, -32000),
        raw_error("one that means something else by now", "legacy", MISMATCH).fails(200, -32603),
        raw_error("another such error", "legacy", MISSING_CAPABILITY).fails(200, -32603),
        raw_error("a resource that is not what was asked for", "legacy", -32002).fails(200, -32603),
    ]
}

/// Of what is no single request.
fn others() -> Vec<Row> {
    let response = json!({"jsonrpc": "2.0", "id": "row", "result": {}});
    let array = json!([discover("").body]);
    vec![
        discover("an array").body(array).fails(400, -32600),
        discover("a response").body(response).fails(400, -32600),
        discover("nothing").body(json!({})).fails(400, -32600),
    ]
}

async fn pair() -> Gateway {
    let shard = |era| fake_shard(&["--era", era]);
    let gateway = Gateway::builder().shard("legacy", shard("legacy")).shard("modern", shard("modern")).start().await;
    for era in ["legacy", "modern"] {
        gateway.until(era, "ready").await;
    }
    gateway
}

async fn post(gateway: &Gateway, headers: &BTreeMap<&'static str, String>, body: &Value) -> Response {
    let headers: Vec<_> =
        headers.iter().map(|(name, value)| (*name, &**value)).filter(|(_, v)| !v.is_empty()).collect();
    gateway.http().await.send("POST", "/mcp", &headers, body.to_string()).await
}

#[tokio::test]
async fn the_modern_revision_answers_each_request_with_its_status_and_its_code() {
    let gateway = pair().await;
    let removed = REMOVED.map(|method| Row::modern(method, method, json!({})).fails(404, -32601));
    for row in removed.into_iter().chain(versions()).chain(answers()).chain(others()) {
        row.check(&post(&gateway, &row.headers, &row.body).await);
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_modern_notification_is_accepted_unless_nobody_can_tell_its_revision() {
    let gateway = pair().await;
    let unknown = "2031-01-01";
    let told = || Row::modern("", "notifications/cancelled", json!({}));
    let rows = [
        (told(), None),
        (told().header("mcp-method", ""), None),
        (told().header("mcp-method", "tools/call"), Some(MISMATCH)),
        (told().meta("clientCapabilities", json!(null)), None),
        (told().meta("protocolVersion", json!(null)), None),
        (told().header(VERSION, ""), Some(MISMATCH)),
        (told().header(VERSION, unknown), Some(MISMATCH)),
        (told().header(VERSION, unknown).meta("protocolVersion", json!(null)), Some(UNSUPPORTED)),
        (told().header(VERSION, unknown).meta("protocolVersion", json!(unknown)), Some(UNSUPPORTED)),
    ];
    for (mut row, code) in rows {
        row.body.as_object_mut().unwrap().remove("id");
        let response = post(&gateway, &row.headers, &row.body).await;
        match code {
            None => assert_eq!((response.status, &*response.text()), (202, ""), "{:?} {}", row.headers, row.body),
            Some(code) => {
                assert_eq!((response.status, response.code()), (400, Some(code)), "{:?} {}", row.headers, row.body);
                assert_eq!(response.answer()["id"], Value::Null);
            }
        }
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_header_that_stands_twice_is_a_mismatch_of_the_request_that_has_it() {
    let gateway = pair().await;
    let params = json!({"name": "modern__echo", "arguments": {}});
    for twice in [(VERSION, MODERN), ("mcp-method", "tools/call"), ("mcp-name", "modern__echo")] {
        let response = ask_with(&gateway, "/mcp", "tools/call", params.clone(), &[twice]).await;
        let seen = (response.status, response.code(), response.answer()["id"].clone());
        assert_eq!(seen, (400, Some(MISMATCH), json!("a")), "{twice:?}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn the_older_revisions_keep_their_answers() {
    let gateway = pair().await;
    for revision in ["2025-03-26", "2025-06-18", "2025-11-25"] {
        let mut client = Legacy::open(&gateway, revision).await;
        let text = json!({"code": MISSING_CAPABILITY, "message": "m"}).to_string();
        let own_error = json!({"name": "modern__raw_error", "arguments": {"text": text}});
        let rows = [
            ("ping", json!({}), None),
            ("server/discover", json!({}), Some(-32601)),
            ("vendor/method", json!({}), Some(-32601)),
            ("tools/call", json!({"name": "nobody"}), Some(-32602)),
            ("resources/read", json!({"uri": "x:y"}), Some(-32002)),
            ("tools/call", own_error, Some(MISSING_CAPABILITY)),
        ];
        for (method, params, code) in rows {
            let response = client.ask(method, params.clone()).await;
            assert_eq!((response.status, response.code()), (200, code), "{revision} {method} {params}");
        }
        let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
        let session = client.session.clone();
        let rows = [
            ("no session", [("mcp-session-id", ""), (VERSION, revision)], 400),
            ("a forged session", [("mcp-session-id", "forged"), (VERSION, revision)], 404),
            ("an unknown revision", [("mcp-session-id", &*session), (VERSION, "2025-01-01")], 400),
            ("a good one", [("mcp-session-id", &*session), (VERSION, revision)], 200),
        ];
        for (what, headers, status) in rows {
            let headers = headers.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
            let response = post(&gateway, &headers, &ping).await;
            let code = if status == 200 { None } else { Some(-32600) };
            assert_eq!((response.status, response.code()), (status, code), "{revision} {what}");
        }
    }
    gateway.stop().await;
}

/// Asks on a pipe, where there are no headers.
async fn check_on_pipe(client: &mut Stdio, row: &Row, code: Option<i64>) {
    client.send(row.body.clone()).await;
    let answer = client.answer(row.body["id"].clone()).await;
    assert_eq!(answer["error"]["code"].as_i64(), code, "{}: {answer}", row.what);
}

#[tokio::test]
async fn on_stdio_the_same_codes_come_without_a_status() {
    let shards = ["legacy", "modern"].map(|era| (era, fake_shard(&["--era", era])));
    let builder = shards.iter().fold(Gateway::builder(), |builder, (era, shard)| builder.shard(era, shard));
    let mut client = builder.stdio();
    for method in REMOVED {
        check_on_pipe(&mut client, &Row::modern(method, method, json!({})), Some(-32601)).await;
    }
    for row in answers().iter().filter(|row| row.code != Some(MISMATCH)) {
        check_on_pipe(&mut client, row, row.code).await;
    }
    let unknown = discover("an unknown revision").meta("protocolVersion", json!("2031-01-01"));
    check_on_pipe(&mut client, &unknown, Some(UNSUPPORTED)).await;
    let incapable = discover("no capabilities").meta("clientCapabilities", json!(null));
    check_on_pipe(&mut client, &incapable, Some(-32602)).await;
    check_on_pipe(&mut client, &discover("no such level").meta("logLevel", json!("loud")), Some(-32602)).await;
    check_on_pipe(&mut client, &discover("as it should be"), None).await;
    client.finish().await;
}
