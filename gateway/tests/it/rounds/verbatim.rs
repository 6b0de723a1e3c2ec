//! A modern client at a modern shard: what is needed, what is answered, and what refuses it pass byte for byte.

use serde_json::{Value, json};

use super::start_as;
use crate::support::{Gateway, Journal};

const CLIENT: &str = concat!(
    r#""_meta":{"k":[ 1e5 ],"io.modelcontextprotocol/protocolVersion":"2026-07-28","#,
    r#""io.modelcontextprotocol/clientInfo":{"version":"1","name":"t\u0065st"},"#,
    r#""io.modelcontextprotocol/clientCapabilities":{ "elicitation" : {"url":{},"x":1.50},"vendor":{"\u00fc":-0}}}"#
);

/// Calls a tool with these bytes behind its name in `params`; gives the body of the answer.
async fn call(gateway: &Gateway, tool: &str, rest: &str) -> String {
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"fake__{tool}",{rest},{CLIENT}}}}}"#
    );
    let name = format!("fake__{tool}");
    let headers = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", &*name)];
    gateway.http().await.send("POST", "/mcp", &headers, body).await.text()
}

/// The last line that the shard was sent.
fn last_line(journal: &Journal) -> String {
    String::from_utf8(journal.bytes()).unwrap().lines().last().unwrap().to_owned()
}

#[tokio::test]
async fn a_result_that_needs_input_arrives_as_the_shard_wrote_it() {
    for sharing in super::SHARINGS {
        let journal = Journal::new();
        let gateway = start_as(&journal, sharing).await;
        let result = concat!(
            r#"{"requestState" : "s\u0074ate\/\ud83d\ude00", "zeta":12345678901234567890.10,"resultType":"input_required","#,
            r#""inputRequests":{ "b" :{"params":{"message":"\u00fc","requestedSchema":{"type":"object"},"n":1e5},"#,
            r#""method":"elicitation\/create"},"a":{"method":"vendor/x","params":{"deep":[[ ]]}}},"_meta":{"x":-0}}"#
        );
        let arguments = format!(r#""arguments":{{"text":{}}}"#, Value::from(result));
        let body = call(&gateway, "raw_text", &arguments).await;
        assert_eq!(body, format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#), "{sharing}");
        gateway.stop().await;
    }
}

#[tokio::test]
async fn what_a_client_answers_and_can_do_arrives_at_the_shard_as_it_wrote_it() {
    for sharing in super::SHARINGS {
        let journal = Journal::new();
        let gateway = start_as(&journal, sharing).await;
        let answers = concat!(
            r#""requestState" : "\u0061b\/c","arguments":{"n":1.0},"#,
            r#""inputResponses":{"z":{"content":{"n":12345678901234567890.10},"action":"accept"}, "a":{"roots":[ ],"x":1E5}}"#
        );
        call(&gateway, "echo", answers).await;
        let line = last_line(&journal);
        let expected = format!(r#""params":{{"name":"echo",{answers},{CLIENT}}}}}"#);
        assert!(line.ends_with(&expected), "{sharing}: {line}");
        gateway.stop().await;
    }
}

#[tokio::test]
async fn a_client_that_answers_gets_its_result_and_one_that_tampers_is_refused_by_the_shard() {
    for sharing in super::SHARINGS {
        let journal = Journal::new();
        let gateway = start_as(&journal, sharing).await;
        let plan = r#""arguments":{"rounds":[{"q":{"method":"roots/list"}},{}]}"#;
        let first: Value = serde_json::from_str(&call(&gateway, "input", plan).await).unwrap();
        assert_eq!(first["result"]["inputRequests"], json!({"q": {"method": "roots/list"}}));
        let state = first["result"]["requestState"].as_str().unwrap();
        let retry = |state: &str| format!(r#"{plan},"requestState":"{state}","inputResponses":{{"q":{{"roots":[]}}}}"#);
        let second: Value = serde_json::from_str(&call(&gateway, "input", &retry(state)).await).unwrap();
        let state = second["result"]["requestState"].as_str().unwrap();
        assert_eq!(second["result"].get("inputRequests"), None, "{second}");
        let third: Value = serde_json::from_str(&call(&gateway, "input", &retry(state)).await).unwrap();
        assert_eq!(third["result"]["structuredContent"]["rounds"], 2, "{third}");

        let refusal = r#"{"code":-32602,"message":"requestState has been tampered with"}"#;
        for tampered in [state.replace("state-2", "state-1") + "0", state.replace('/', "\\/ "), String::new()] {
            let body = call(&gateway, "input", &retry(&tampered)).await;
            assert_eq!(body, format!(r#"{{"jsonrpc":"2.0","id":1,"error":{refusal}}}"#), "{tampered}");
        }
        gateway.stop().await;
    }
}

#[tokio::test]
async fn a_capability_that_a_client_lacks_is_told_as_the_shard_said_it() {
    let journal = Journal::new();
    let gateway = start_as(&journal, "shared").await;
    let plan = r#""arguments":{"strict":true,"rounds":[{"q":{"method":"sampling/createMessage"}}]}"#;
    let body = call(&gateway, "input", plan).await;
    let error = r#"{"code":-32021,"message":"Missing required client capability","data":{ "requiredCapabilities":{"sampling":{}}, "n":1.50}}"#;
    assert_eq!(body, format!(r#"{{"jsonrpc":"2.0","id":1,"error":{error}}}"#));
    // What it has declared it is asked, and by nobody but itself.
    let plan =
        r#""arguments":{"strict":true,"rounds":[{"q":{"method":"elicitation/create","params":{"mode":"url"}}}]}"#;
    let asked: Value = serde_json::from_str(&call(&gateway, "input", plan).await).unwrap();
    assert_eq!(asked["result"]["resultType"], "input_required", "{asked}");
    let shard = gateway.shard("fake").await;
    assert_eq!((&shard["asked"], &shard["declined"]), (&json!(0), &json!(0)));
    gateway.stop().await;
}
