//! `Mcp-Param-…` headers at every address, for shards of both eras.

use serde_json::{Value, json};

use super::{ask_with, listed, sql};
use crate::support::{Gateway, Journal, Legacy, fake_shard, modern_meta};

/// Where one tool is found, and what it is called there.
const ADDRESSES: [(&str, &str); 3] = [("/mcp", "db__sql"), ("/mcp?shards=db", "db__sql"), ("/mcp/db", "sql")];

#[tokio::test]
async fn marked_arguments_are_compared_with_their_headers_at_every_address_for_shards_of_both_eras() {
    let tools = listed(&json!([sql()]));
    for era in ["legacy", "modern"] {
        let journal = Journal::new();
        let flags = ["--era", era, "--tools-file", tools.path().to_str().unwrap()];
        let gateway = Gateway::builder().shard("db", journal.fake_shard(&flags)).start().await;
        gateway.until("db", "ready").await;
        for (path, name) in ADDRESSES {
            let ask = async |arguments: &Value, headers: &[(&str, &str)]| {
                let params = json!({"name": name, "arguments": arguments});
                ask_with(&gateway, path, "tools/call", params, headers).await
            };
            let sent = journal.of("tools/call").len();
            let good: [(Value, &[(&str, &str)]); 5] = [
                (json!({"query": "q"}), &[]),
                (json!({"region": "us-west1", "query": "q"}), &[("Mcp-Param-Region", "us-west1")]),
                (json!({"region": "世界"}), &[("mcp-param-region", "=?base64?5LiW55WM?=")]),
                (json!({"limit": 42, "region": null}), &[("mcp-param-limit", "42.0"), ("mcp-param-other", "x")]),
                (json!({"options": {"dry": false}}), &[("MCP-PARAM-DRY-RUN", "false")]),
            ];
            for (arguments, headers) in &good {
                let response = ask(arguments, headers).await;
                let told = &response.answer()["result"]["structuredContent"]["arguments"];
                assert_eq!((response.status, told), (200, arguments), "{era} {path} {response:?}");
            }
            let bad: [(Value, &[(&str, &str)], &str, &str); 6] = [
                (
                    json!({"region": "a"}),
                    &[],
                    "region",
                    "`mcp-param-region` is missing, the argument `region` says \"a\"",
                ),
                (json!({"region": "a"}), &[("mcp-param-region", "b")], "region", "`mcp-param-region` is `b`"),
                (json!({"region": "a"}), &[("mcp-param-region", "=?base64?YQ?=")], "region", "bad base64"),
                (json!({}), &[("mcp-param-limit", "1")], "limit", "there is no argument `limit`"),
                (json!({"limit": null}), &[("mcp-param-limit", "null")], "limit", "there is no argument `limit`"),
                (json!({"options": {"dry": true}}), &[], "options.dry", "the argument `options.dry` says true"),
            ];
            for (arguments, headers, argument, words) in &bad {
                let response = ask(arguments, headers).await;
                let answer = response.answer();
                let error = &answer["error"];
                assert_eq!((response.status, &answer["id"]), (400, &json!("a")), "{era} {path} {answer}");
                assert_eq!(
                    (&error["code"], &error["data"]["argument"]),
                    (&json!(-32020), &json!(argument)),
                    "{answer}"
                );
                assert!(error["message"].as_str().unwrap().contains(words), "{answer}");
            }
            assert_eq!(journal.of("tools/call").len(), sent + good.len(), "what is refused does not run");
        }
        gateway.stop().await;
    }
}

#[tokio::test]
async fn only_http_clients_of_the_modern_era_repeat_anything() {
    let tools = listed(&json!([sql()]));
    let shard = fake_shard(&["--tools-file", tools.path().to_str().unwrap()]);
    let gateway = Gateway::builder().shard("db", &shard).start().await;
    gateway.until("db", "ready").await;
    let arguments = json!({"region": "a", "limit": 1});
    let called = Legacy::open(&gateway, "2025-11-25").await.call("db__sql", arguments.clone()).await;
    assert_eq!(called["structuredContent"]["arguments"], arguments);
    gateway.stop().await;

    let mut client = Gateway::builder().shard("db", &shard).stdio();
    client.request(1, "tools/call", json!({"name": "db__sql", "arguments": arguments, "_meta": modern_meta()})).await;
    assert_eq!(client.answer(1).await["result"]["structuredContent"]["arguments"], arguments);
    client.finish().await;
}

#[tokio::test]
async fn marks_that_do_not_count_are_reported_and_nothing_is_compared() {
    let mut bad = sql();
    bad["inputSchema"]["properties"]["ratio"] = json!({"type": "number", "x-mcp-header": "Ratio"});
    let tools = listed(&json!([bad]));
    let shard = fake_shard(&["--tools-file", tools.path().to_str().unwrap()]);
    let gateway = Gateway::builder().shard("db", shard).start().await;
    gateway.until("db", "ready").await;
    let params = json!({"name": "db__sql", "arguments": {"region": "a"}});
    let response = ask_with(&gateway, "/mcp", "tools/call", params, &[("mcp-param-limit", "1")]).await;
    assert_eq!(response.answer()["result"]["structuredContent"]["arguments"], json!({"region": "a"}));
    let listed = gateway.modern("tools/list", json!({})).await.answer();
    assert_eq!(listed["result"]["tools"][0]["inputSchema"], bad["inputSchema"], "it is shown as it is");
    let health = gateway.health().await;
    let problem = health["problems"][0]["message"].as_str().unwrap();
    let expected = "tool `sql` of shard `db` is not seen by HTTP clients of revision 2026-07-28: `ratio` has \
                    `x-mcp-header`, and its `type` is \"number\", not \"string\", \"integer\" or \"boolean\"";
    assert_eq!(problem, expected);
    gateway.stop().await;
}

#[tokio::test]
async fn an_argument_that_can_be_read_in_two_ways_is_refused_before_its_shard_sees_it() {
    let tools = listed(&json!([sql()]));
    let journal = Journal::new();
    let shard = journal.fake_shard(&["--tools-file", tools.path().to_str().unwrap()]);
    let gateway = Gateway::builder().shard("db", shard).start().await;
    gateway.until("db", "ready").await;
    let headers = [
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "db__sql"),
        ("mcp-param-region", "a"),
    ];
    let post = async |arguments: &str| {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"db__sql","arguments":{arguments},"_meta":{}}}}}"#,
            modern_meta()
        );
        gateway.http().await.send("POST", "/mcp", &headers, body).await
    };
    for arguments in [r#"{"region":"a","region":"b"}"#, r#"{"region":"a","Region":"b"}"#, r#"{"REGION":"a"}"#] {
        let response = post(arguments).await;
        assert_eq!((response.status, response.code()), (400, Some(-32600)), "{arguments}");
    }
    assert!(journal.of("tools/call").is_empty());
    assert_eq!(post(r#"{"reg\u0069on":"a","query":1,"query":2}"#).await.status, 200, "the rest is the shard's to read");
    gateway.stop().await;
}
