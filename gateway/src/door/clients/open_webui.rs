//! Open WebUI, which speaks Streamable HTTP only.
//!
//! Invariant: the connection in the snippet is of type `mcp`; as `openapi`, the same URL fails.

use serde_json::json;

use super::{ClientKind, NAME, Place, Snippet, Via, is_loopback, lines};

pub(super) fn snippets(place: &Place) -> Vec<Snippet> {
    let Some(url) = &place.url else { return Vec::new() };
    let mut steps = vec![
        "As an administrator: Settings → Integrations (under Admin, Tools) → External Tool Servers → +.".to_owned(),
        format!(
            "Type: click it until it says MCP Streamable HTTP (it begins as OpenAPI); Connection ID `{NAME}`; URL `{url}`; \
             Auth: None (it begins as Bearer); then Save."
        ),
        "Or give Open WebUI the text as the variable `TOOL_SERVER_CONNECTIONS` before its first start: later its database \
         decides."
            .to_owned(),
        "In a chat, switch the tools on under + → Tools. Other users see them once the connection's Access Control says so."
            .to_owned(),
    ];
    if is_loopback(url) {
        steps.push(
            "If Open WebUI runs in Docker, this machine is `host.docker.internal` there (on Linux with `--add-host \
             host.docker.internal:host-gateway`), and the gateway must listen for it: `mcp-gateway --listen 0.0.0.0:9100`."
                .to_owned(),
        );
    }
    let connection = json!({
        "type": "mcp",
        "url": url,
        "path": "",
        "auth_type": "none",
        "key": "",
        "config": {"enable": true},
        "info": {"id": NAME, "name": "mcp-gateway", "description": ""},
    });
    let text = lines(&json!([connection]));
    vec![Snippet {
        client: ClientKind::OpenWebUi.name(),
        via: Via::Http,
        steps,
        language: "json",
        json: text.clone(),
        text,
        source: "https://docs.openwebui.com/features/mcp",
        source_date: "2026-11-22",
    }]
}
