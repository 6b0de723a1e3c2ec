//! The forms of an answer over HTTP, and how long each stream lives.

mod batches;
mod connections;
mod forms;
mod listening;
mod resuming;

use serde_json::{Value, json};

use crate::support::{Gateway, Legacy};

/// A tool call in text, with a progress token.
fn call(id: u64, tool: &str, arguments: &Value) -> String {
    let params = json!({"name": tool, "arguments": arguments, "_meta": {"progressToken": format!("token-{id}")}});
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}).to_string()
}

/// Posts on a connection of its own and leaves the answer to be read.
async fn open(gateway: &Gateway, client: &Legacy, body: String) -> hyper::Response<hyper::body::Incoming> {
    gateway.http().await.open("POST", "/mcp", &[("mcp-session-id", &*client.session)], body).await
}
