//! Revision 2026-07-28 on the wire: headers that repeat arguments, statuses and codes, what results carry, log levels.

mod joined;
mod levels;
mod mirrored;
mod results;
mod statuses;
mod urls;

use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::support::{Gateway, Response, modern_meta};

/// A file that holds `items`, for the fake shard's lists.
fn listed(items: &Value) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), items.to_string()).unwrap();
    file
}

/// A tool that wants three of its arguments repeated.
fn sql() -> Value {
    let dry = json!({"type": "boolean", "x-mcp-header": "Dry-Run"});
    let properties = json!({
        "region": {"type": "string", "x-mcp-header": "Region"},
        "limit": {"type": "integer", "x-mcp-header": "Limit"},
        "options": {"type": "object", "properties": {"dry": dry}},
        "query": {"type": "string"},
    });
    json!({"name": "sql", "inputSchema": {"type": "object", "properties": properties}})
}

/// A modern request with these headers beside its own.
async fn ask_with(gateway: &Gateway, path: &str, method: &str, mut params: Value, more: &[(&str, &str)]) -> Response {
    let name = params.get("name").or_else(|| params.get("uri")).and_then(Value::as_str).unwrap_or_default().to_owned();
    for (key, value) in modern_meta().as_object().unwrap() {
        params["_meta"][key] = value.clone();
    }
    let request = json!({"jsonrpc": "2.0", "id": "a", "method": method, "params": params});
    let own = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", method), ("mcp-name", &*name)];
    let own = if name.is_empty() { &own[..2] } else { &own[..] };
    gateway.http().await.send("POST", path, &[own, more].concat(), request.to_string()).await
}
