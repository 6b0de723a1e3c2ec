//! `mcp-gateway stdio --connect`: a client on stdio, at a gateway that others use too.

mod carrying;
mod crowding;
mod ending;
mod refusing;
mod returning;

use serde_json::{Value, json};

use crate::support::{Gateway, Stdio, modern_meta};

/// A client that joins the gateway at `url`, with folders of its own.
fn joined_at(url: &str) -> Stdio {
    Gateway::builder().flags(&["--connect", url]).stdio()
}

/// One that finds the gateway by its state folder.
fn joined_by_folder(gateway: &Gateway) -> Stdio {
    Gateway::builder().in_dir(gateway.dir()).flags(&["--connect"]).stdio()
}

/// Parameters of a modern request.
fn modern(mut params: Value) -> Value {
    for (key, value) in modern_meta().as_object().unwrap() {
        params["_meta"][key] = value.clone();
    }
    params
}

/// What comes next but for what is told whenever lists change.
async fn next(client: &mut Stdio) -> Value {
    loop {
        let message = client.next().await.expect("it goes on");
        if !message["method"].as_str().unwrap_or_default().ends_with("list_changed") {
            return message;
        }
    }
}

/// The text of a tool's result that must be an error.
fn tool_error(answer: &Value) -> &str {
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    answer["result"]["content"][0]["text"].as_str().unwrap()
}

/// Waits until these methods have been heard, in any order.
async fn hears(client: &mut Stdio, methods: &[&str]) {
    let mut missing: Vec<&str> = methods.to_vec();
    while !missing.is_empty() {
        let message = client.next().await.unwrap_or_else(|| panic!("not heard: {missing:?}"));
        missing.retain(|method| message["method"] != *method);
    }
}

const ALL_LISTS: [&str; 3] =
    ["notifications/tools/list_changed", "notifications/prompts/list_changed", "notifications/resources/list_changed"];

fn initialize(capabilities: &Value) -> Value {
    let client = json!({"name": "test", "version": "1"});
    let params = json!({"protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": client});
    json!({"jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": params})
}
