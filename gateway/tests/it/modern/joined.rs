//! Clients that know nothing of headers, at a gateway that wants them: `stdio --connect`, and the commands.

use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::{listed, sql};
use crate::commands::ask;
use crate::support::{Gateway, Journal, Stdio, eventually, modern_meta};

fn call(arguments: &Value) -> Value {
    json!({"name": "db__sql", "arguments": arguments, "_meta": modern_meta()})
}

struct Bench {
    gateway: Gateway,
    journal: Journal,
    client: Stdio,
    tools: NamedTempFile,
}

impl Bench {
    async fn start() -> Self {
        let (journal, tools) = (Journal::new(), listed(&json!([sql()])));
        let shard = journal.fake_shard(&["--tools-file", tools.path().to_str().unwrap()]);
        let gateway = Gateway::builder().shard("db", shard).start().await;
        gateway.until("db", "ready").await;
        let client = Gateway::builder().flags(&["--connect", &gateway.url()]).stdio();
        Self { gateway, journal, client, tools }
    }

    /// Calls the tool, which must run exactly once.
    async fn runs(&mut self, arguments: Value) {
        let before = self.journal.of("tools/call").len();
        self.client.request("call", "tools/call", call(&arguments)).await;
        let answer = self.client.answer("call").await;
        assert_eq!(answer["result"]["structuredContent"]["arguments"], arguments, "{answer}");
        assert_eq!(self.journal.of("tools/call").len(), before + 1, "it ran once");
    }

    async fn stop(self) {
        assert_eq!(self.client.finish().await, Vec::<Value>::new());
        self.gateway.stop().await;
    }
}

#[tokio::test]
async fn a_call_that_no_list_preceded_is_refused_once_and_then_runs_once() {
    let mut bench = Bench::start().await;
    bench.runs(json!({"region": "世界 ", "limit": 7, "options": {"dry": true}})).await;
    bench.runs(json!({"query": "q"})).await;
    bench.runs(json!({"limit": -1.5e1, "region": null})).await;
    bench.stop().await;
}

#[tokio::test]
async fn what_a_list_has_said_is_repeated_until_another_list_says_otherwise() {
    let mut bench = Bench::start().await;
    bench.client.request("list", "tools/list", json!({"_meta": modern_meta()})).await;
    let listed = bench.client.answer("list").await;
    assert_eq!(listed["result"]["tools"][0]["name"], "db__sql");
    bench.runs(json!({"region": "a"})).await;

    let mut other = sql();
    other["inputSchema"]["properties"]["query"]["x-mcp-header"] = json!("Query");
    other["inputSchema"]["properties"]["region"].as_object_mut().unwrap().remove("x-mcp-header");
    std::fs::write(bench.tools.path(), json!([other]).to_string()).unwrap();
    let flags = ["--tools-file", bench.tools.path().to_str().unwrap(), "--version", "2"];
    bench.gateway.write_shard("db", &bench.journal.fake_shard(&flags));
    eventually("the other tool is listed", async || {
        let listed = bench.gateway.modern("tools/list", json!({})).await.answer();
        let query = &listed["result"]["tools"][0]["inputSchema"]["properties"]["query"];
        (query["x-mcp-header"] == "Query").then_some(())
    })
    .await;
    bench.runs(json!({"region": "a", "query": "b"})).await;
    bench.stop().await;
}

#[tokio::test]
async fn a_refusal_that_other_headers_cannot_mend_reaches_the_client() {
    let mut bench = Bench::start().await;
    let twice = r#"{"region":"a","region":"b"}"#;
    let line = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"db__sql","arguments":{twice},"_meta":{}}}}}"#,
        modern_meta()
    );
    bench.client.write(format!("{line}\n")).await;
    let answer = bench.client.answer(1).await;
    assert_eq!(answer["error"]["code"], -32600, "{answer}");
    assert!(bench.journal.of("tools/call").is_empty());
    bench.stop().await;
}

#[tokio::test]
async fn the_call_command_repeats_what_the_tool_wants_repeated() {
    let bench = Bench::start().await;
    let said = ask(&bench.gateway, &["call", "db__sql", "region=a b ", "limit=3", "--json"]).await;
    assert_eq!(said.json()["structuredContent"]["arguments"], json!({"region": "a b ", "limit": 3}));
    assert_eq!(bench.journal.of("tools/call").len(), 1);
    bench.stop().await;
}
