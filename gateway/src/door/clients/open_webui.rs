//! Open WebUI, which speaks Streamable HTTP only.
//!
//! Invariant: the connection in the snippet is of type `mcp`; as `openapi`, the same URL fails.

use serde_json::json;

use super::{ClientKind, Place, Snippet, Via, is_loopback, lines};

/// What stands before the names of tools there, so it is short: both together have 64 characters.
const ID: &str = "gw";

pub(super) fn snippets(place: &Place) -> Vec<Snippet> {
    let Some(url) = &place.url else { return Vec::new() };
    let mut steps = vec![
        "As an administrator: Settings → Integrations (under Admin, Tools) → External Tool Servers → +.".to_owned(),
        format!(
            "Type: click it until it says MCP Streamable HTTP (it begins as OpenAPI); ID `{ID}`; URL `{url}`; \
             Auth: None (it begins as Bearer); then Save."
        ),
        "Or give Open WebUI the text as the variable `TOOL_SERVER_CONNECTIONS` before its first start: later its database \
         decides."
            .to_owned(),
        "In a chat, switch the tools on under + → Tools. The text lets every user have them; in the settings the connection's \
         Access Control says who does."
            .to_owned(),
    ];
    if is_loopback(url) {
        steps.push(
            "If Open WebUI runs in Docker, this machine is `host.docker.internal` there (on Linux with `--add-host \
             host.docker.internal:host-gateway`), and the gateway must listen for it: `mcp-gateway --listen 0.0.0.0:9100`."
                .to_owned(),
        );
    }
    // Without a grant only administrators may use the tools.
    let everybody = json!({"principal_type": "user", "principal_id": "*", "permission": "read"});
    let connection = json!({
        "type": "mcp",
        "url": url,
        "path": "",
        "auth_type": "none",
        "key": "",
        "config": {"enable": true, "access_grants": [everybody]},
        "info": {"id": ID, "name": "mcp-gateway", "description": ""},
    });
    let text = lines(&json!([connection]));
    vec![Snippet {
        client: ClientKind::OpenWebUi.name(),
        via: Via::Http,
        steps,
        json: text.clone(),
        text,
        source: "https://docs.openwebui.com/features/mcp",
        source_date: "2026-11-22",
    }]
}
