//! Calls and what belongs to them.

use serde_json::{Value, json};

use super::Turned;
use crate::peers::matrix::client::Era;
use crate::peers::matrix::stage::{Cell, Way};
use crate::support::eventually;

pub(super) async fn plain(cell: Cell<'_>) -> Turned {
    let arguments = json!({"text": "a \"line\"\nü\u{2028}", "n": -1.5, "deep": [[], {}, null]});
    let told = cell.call("echo", arguments.clone()).await;
    assert_eq!(told.content(), &arguments);
    let text: Value = serde_json::from_str(told.result()["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(text, arguments);
    let read = cell.request("resources/read", json!({"uri": cell.uri("one")})).await;
    assert_eq!(read.result()["contents"][0]["text"], format!("{} has one", cell.shard));
    let greeting = json!({"name": cell.exposed("greet"), "arguments": {"who": "Ada"}});
    let prompt = cell.request("prompts/get", greeting).await;
    assert_eq!(prompt.result()["messages"][0]["content"]["text"], format!("{} greets Ada", cell.shard));

    let [call] = &cell.calls_of("echo")[..] else { panic!("one call: {:?}", cell.sent()) };
    assert_eq!(call["params"]["arguments"], arguments);
    for method in ["tools/call", "resources/read", "prompts/get"] {
        let [sent] = &cell.sent_of(method)[..] else { panic!("one {method}: {:?}", cell.sent()) };
        speaks_for_the_client(&cell, &sent["params"]["_meta"]).await;
    }
    Ok(())
}

/// A modern shard hears with each request whom it serves; a legacy one heard it of the gateway, once.
async fn speaks_for_the_client(cell: &Cell<'_>, meta: &Value) {
    let key = |name: &str| &meta[format!("io.modelcontextprotocol/{name}")];
    if cell.era == Era::Legacy {
        let keys = meta.as_object().into_iter().flatten().map(|(key, _)| key);
        assert_eq!(keys.filter(|key| key.starts_with("io.modelcontextprotocol/")).count(), 0, "{meta}");
        return;
    }
    assert_eq!(key("protocolVersion"), "2026-07-28");
    assert_eq!(key("clientInfo")["name"], format!("matrix-{}", cell.client.name()));
    let declared = cell.client().await.capabilities().clone();
    if cell.client == Era::Modern {
        assert_eq!(key("clientCapabilities"), &declared, "what it said goes as it is");
    }
    let kinds = |capabilities: &Value| -> Vec<String> {
        let mut kinds: Vec<_> = capabilities.as_object().into_iter().flatten().map(|(kind, _)| kind.clone()).collect();
        kinds.sort_unstable();
        kinds
    };
    assert_eq!(kinds(key("clientCapabilities")), kinds(&declared), "{meta}");
}

pub(super) async fn progress(cell: Cell<'_>) -> Turned {
    let told = cell.call_as("steps", json!({"n": 3}), json!({"follow": true})).await;
    assert_eq!(told.content(), &json!({"steps": 3}));
    let steps = [1, 2, 3].map(|step| json!({"progress": step, "total": 3}));
    assert_eq!(told.progress(), &json!(steps));
    let silent = cell.call("steps", json!({"n": 3})).await;
    assert_eq!((silent.content(), silent.progress()), (&json!({"steps": 3}), &json!([])));
    let tokens: Vec<bool> =
        cell.calls_of("steps").iter().map(|call| call["params"]["_meta"].get("progressToken").is_some()).collect();
    assert_eq!(tokens, [true, false], "the shard is asked for what the client wants to follow");
    cell.is_quiet().await;
    Ok(())
}

pub(super) async fn cancel(cell: Cell<'_>) -> Turned {
    let told = cell.call_as("hang", json!({}), json!({"follow": true, "stop": true})).await;
    assert!(told.is_given_up(), "{told:?}");
    assert_eq!(told.progress(), &json!([{"progress": 1, "total": 2}]));
    let [call] = &cell.calls_of("hang")[..] else { panic!("one call: {:?}", cell.sent()) };
    let is_cancelled =
        |sent: &Value| sent["method"] == "notifications/cancelled" && sent["params"]["requestId"] == call["id"];
    cell.until_sent("the cancellation", is_cancelled).await;
    eventually("no call is left", async || {
        (cell.stage.gateway.shard(cell.shard).await["in_flight"] == 0).then_some(())
    })
    .await;
    cell.is_quiet().await;
    match (cell.client, cell.stage.way) {
        (Era::Modern, Way::Http) => Err("\"closing the SSE response stream is itself the cancellation signal and no \
             `notifications/cancelled` message is expected\" (2026-07-28, Streamable HTTP)"),
        _ => Ok(()),
    }
}

pub(super) async fn logging(cell: Cell<'_>) -> Turned {
    let lines = json!({"lines": [["debug", "d"], ["info", "i"], ["error", "e"]]});
    if cell.client == Era::Modern {
        cell.call("log", lines.clone()).await.result();
        cell.is_quiet().await;
    }
    for (level, expected) in [("info", &["i", "e"][..]), ("error", &["e"]), ("debug", &["d", "i", "e"])] {
        cell.client().await.level(Some(level)).await;
        cell.call("log", lines.clone()).await.result();
        let heard = cell.client().await.heard("notifications/message", expected.len()).await;
        let data: Vec<&Value> = heard.as_array().unwrap().iter().map(|line| &line["data"]).collect();
        assert_eq!(data, expected.iter().collect::<Vec<_>>(), "at level {level}");
        assert!(heard.as_array().unwrap().iter().all(|line| line["logger"] == cell.shard), "{heard}");
        cell.is_quiet().await;
    }
    the_shard_was_told(&cell);
    if cell.client == Era::Legacy {
        // What the session wishes stays its wish, so it must not be more than it was.
        cell.client().await.level(Some("emergency")).await;
        return Ok(());
    }
    cell.client().await.level(None).await;
    is_removed(&cell, "logging/setLevel", json!({"level": "info"})).await;
    Err(
        "\"Remove `ping`, `logging/setLevel`, and `notifications/roots/list_changed`. Log level is now set per-request \
         via `io.modelcontextprotocol/logLevel` in `_meta`\" (2026-07-28, changelog)",
    )
}

/// The level reaches the shard in the way of its own era.
fn the_shard_was_told(cell: &Cell<'_>) {
    let levels: Vec<Value> = match cell.era {
        Era::Legacy => cell.sent_of("logging/setLevel").iter().map(|sent| sent["params"]["level"].clone()).collect(),
        Era::Modern => {
            let calls = cell.calls_of("log");
            calls.iter().map(|call| call["params"]["_meta"]["io.modelcontextprotocol/logLevel"].clone()).collect()
        }
    };
    for level in ["info", "error", "debug"] {
        assert!(levels.contains(&json!(level)) || cell.era == Era::Legacy, "{level} is not in {levels:?}");
    }
    assert!(levels.contains(&json!("debug")), "the shard was told to say everything: {levels:?}");
    assert!(cell.era == Era::Modern || cell.calls_of("log").iter().all(|call| !call.to_string().contains("logLevel")));
}

/// The SDK refuses to send it, so it is sent without one.
pub(super) async fn is_removed(cell: &Cell<'_>, method: &str, params: Value) {
    let response = cell.stage.gateway.modern(method, params).await;
    assert_eq!((response.status, response.answer()["error"]["code"].as_i64()), (404, Some(-32601)), "{method}");
}

pub(super) async fn not_found(cell: Cell<'_>) -> Turned {
    let tool = cell.call("ecko", json!({})).await;
    let hint = format!("unknown tool `{}`; did you mean `{}`?", cell.exposed("ecko"), cell.exposed("echo"));
    assert!(tool.error().0 == -32602 && tool.error().1.contains(&hint), "{tool:?}");
    let prompt = cell.request("prompts/get", json!({"name": cell.exposed("gret")})).await;
    assert!(prompt.error().0 == -32602 && prompt.error().1.contains("unknown prompt"), "{prompt:?}");
    let method = cell.request("vendor/method", json!({})).await;
    assert_eq!(method.error().0, -32601, "{method:?}");
    assert_eq!(cell.sent(), [json!(null); 0], "the shard need not be asked for any of these");

    let (code, turned) = match cell.client {
        Era::Legacy => (-32002, Ok(())),
        Era::Modern => (
            -32602,
            Err("\"Change resource not found error code from `-32002` to `-32602` (Invalid Params)\" \
                 (2026-07-28, changelog)"),
        ),
    };
    for uri in ["none://there".to_owned(), cell.uri("item/none")] {
        let read = cell.request("resources/read", json!({"uri": uri})).await;
        let (found, _, data) = read.error();
        assert_eq!((found, &data["uri"]), (code, &json!(uri)), "{read:?}");
    }
    assert_eq!(cell.sent_of("resources/read").len(), 1, "the shard says itself that its own is not there");
    turned
}
