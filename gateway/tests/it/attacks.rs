//! A tool that a file denies never runs, however it is asked for: smuggling and double reading (DESIGN D1), against the
//! real `mcp-server-time`.
//!
//! Invariant: the proof is what the server was sent. A `tee` before its stdin writes every byte down, and no reader of
//! that journal, however it splits lines, folds case or chooses among duplicates, may find the tool.

mod readers;
mod texts;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use self::readers::denied_calls;
use self::texts::{Attack, attacks};
use crate::support::{Gateway, Journal, Legacy, PATIENCE, Response, eventually, modern_meta};

/// The server's own name for the tool that must not run.
const DENIED: &str = "get_current_time";
const DENY: &str = "tools: { deny: [get_current_time] }\n";

/// The server that `make test` has installed.
fn server() -> PathBuf {
    let peers = std::env::var_os("PEERS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../.peers"), PathBuf::from);
    let server = peers.join("python/bin/mcp-server-time");
    assert!(server.is_file(), "{} is missing: run `bash gateway/tests/peers/install.sh` first", server.display());
    server
}

/// The shard file of the server behind its journal.
fn shard(journal: &Journal) -> String {
    let script = r#"tee "$0" | exec "$1" --local-timezone UTC"#;
    let args = json!(["-c", script, journal.path(), server()]);
    format!("command: sh\nargs: {args}\n")
}

fn convert_time() -> Value {
    let arguments = json!({"source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo"});
    json!({"name": "time__convert_time", "arguments": arguments})
}

/// What came back is no answer of the denied tool: that of its sibling holds a difference as well.
fn check_answer(attack: &str, answer: &str) {
    let tells_time = answer.contains("is_dst") && !answer.contains("time_difference");
    assert!(!tells_time, "{attack}: {answer}");
}

/// A server that was sent half a message answers nothing; then its journal says more than the silence.
fn told(attack: &str, answer: Result<Response, Elapsed>, journal: &Journal) -> Response {
    answer.unwrap_or_else(|_| {
        check_journal(journal);
        panic!("{attack}: no answer")
    })
}

/// The server was sent the good calls, and nothing that anybody could take for a call of the denied tool.
fn check_journal(journal: &Journal) {
    assert_eq!(denied_calls(&journal.bytes(), DENIED), Vec::<String>::new());
    assert!(!journal.of("tools/call").is_empty(), "the journal is kept, and each line is a message");
}

#[tokio::test]
async fn the_journal_shows_the_tool_when_it_is_not_denied() {
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("time", shard(&journal)).start().await;
    gateway.until("time", "ready").await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    let result = client.call("time__get_current_time", json!({"timezone": "UTC"})).await;
    assert!(result.to_string().contains("is_dst"), "{result}");
    assert!(!denied_calls(&journal.bytes(), DENIED).is_empty());
    gateway.stop().await;
}

#[tokio::test]
async fn no_request_over_http_runs_the_denied_tool() {
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("time", shard(&journal) + DENY).start().await;
    gateway.until("time", "ready").await;
    is_neither_listed_nor_known(&gateway).await;
    attack_in_sessions(&gateway, &journal).await;
    attack_without_sessions(&gateway, &journal).await;
    check_journal(&journal);
    gateway.stop().await;
}

async fn is_neither_listed_nor_known(gateway: &Gateway) {
    let mut client = Legacy::open(gateway, "2025-11-25").await;
    assert_eq!(client.tools().await, ["time__convert_time"]);
    let params = json!({"name": "time__get_current_time", "arguments": {"timezone": "UTC"}});
    let legacy = client.ask("tools/call", params.clone()).await;
    let modern = gateway.modern("tools/call", params).await;
    for refused in [legacy, modern] {
        assert_eq!(refused.code(), Some(-32602));
        assert!(refused.text().contains("unknown tool `time__get_current_time`"), "{refused:?}");
    }
}

/// In the revision with arrays, and in the newest one.
async fn attack_in_sessions(gateway: &Gateway, journal: &Journal) {
    for revision in ["2025-03-26", "2025-11-25"] {
        let mut client = Legacy::open(gateway, revision).await;
        for Attack { what, text } in attacks("") {
            let answer = timeout(PATIENCE, client.post(text)).await;
            check_answer(what, &told(what, answer, journal).text());
        }
        let good = client.ask("tools/call", convert_time()).await;
        assert!(good.text().contains("time_difference"), "{good:?}");
    }
}

/// With headers that fit one reading or the other.
async fn attack_without_sessions(gateway: &Gateway, journal: &Journal) {
    let mut http = gateway.http().await;
    let mut through = 0;
    for name in ["time__convert_time", "time__get_current_time", DENIED] {
        let headers = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", name)];
        for Attack { what, text } in attacks(&meta_members()) {
            let answer = timeout(PATIENCE, http.send("POST", "/mcp", &headers, text)).await;
            let response = told(what, answer, journal);
            through += usize::from(response.status == 200);
            check_answer(what, &response.text());
        }
    }
    assert!(through > 20, "the headers fit many of the bodies: {through}");
    let good = gateway.modern("tools/call", convert_time()).await;
    assert!(good.text().contains("time_difference"), "{good:?}");
}

#[tokio::test]
async fn no_line_on_stdio_runs_the_denied_tool() {
    let journal = Journal::new();
    let mut gateway = Gateway::builder().shard("time", shard(&journal) + DENY).stdio();
    gateway.initialize("2025-03-26").await;
    eventually("the server is there", async || {
        gateway.request("list", "tools/list", json!({})).await;
        let tools = gateway.answer("list").await["result"]["tools"].take();
        (!tools.as_array().unwrap().is_empty()).then_some(())
    })
    .await;
    for meta in [String::new(), meta_members()] {
        for Attack { text, .. } in attacks(&meta) {
            gateway.write(&[&text[..], b"\n"].concat()).await;
        }
        gateway.request("good", "tools/call", convert_time()).await;
        let good = gateway.answer("good").await.to_string();
        assert!(good.contains("time_difference"), "{good}");
    }
    for message in gateway.finish().await {
        check_answer("on stdio", &message.to_string());
    }
    check_journal(&journal);
}

/// The members of a modern request's `_meta`, each with a comma behind it.
fn meta_members() -> String {
    let meta = modern_meta().to_string();
    meta.trim_start_matches('{').trim_end_matches('}').to_owned() + "},"
}
