//! Cursor and VS Code.
//!
//! Invariant: Cursor's servers stand under `mcpServers`, VS Code's under `servers`.

use serde_json::{Value, json};

use super::{ClientKind, Place, Snippet, Via, configuration, own_process, typed_process};

pub(super) fn cursor(place: &Place) -> Vec<Snippet> {
    let snippet = |via, entry: Value| Snippet {
        client: ClientKind::Cursor.name(),
        via,
        steps: vec![
            "Open `~/.cursor/mcp.json` (on Windows `%USERPROFILE%\\.cursor\\mcp.json`), for all projects, or \
             `.cursor/mcp.json` in one project."
                .to_owned(),
            "Paste the text; if the file has an `mcpServers` object already, add the entry `gateway` to it.".to_owned(),
            "Start Cursor again, and switch `gateway` on under Customize → MCPs.".to_owned(),
        ],
        json: configuration("mcpServers", entry.clone()),
        text: configuration("mcpServers", entry),
        source: "https://cursor.com/docs/mcp",
        source_date: "2026-11-22",
    };
    both(place, snippet, |url| json!({"url": url}), own_process(place))
}

pub(super) fn vscode(place: &Place) -> Vec<Snippet> {
    let snippet = |via, entry: Value| {
        Snippet {
        client: ClientKind::VsCode.name(),
        via,
        steps: vec![
            "Open `.vscode/mcp.json` in a workspace, or the user's file with the command `MCP: Open User Configuration`: \
             `~/.config/Code/User/mcp.json` (Linux), `~/Library/Application Support/Code/User/mcp.json` (macOS), \
             `%APPDATA%\\Code\\User\\mcp.json` (Windows)."
                .to_owned(),
            "Paste the text; if the file has a `servers` object already, add the entry `gateway` to it.".to_owned(),
            "Start the server with the lens above the entry, and choose its tools in agent mode.".to_owned(),
        ],
        json: configuration("servers", entry.clone()),
        text: configuration("servers", entry),
        source: "https://code.visualstudio.com/docs/agents/reference/mcp-configuration",
        source_date: "2026-11-22",
    }
    };
    both(place, snippet, |url| json!({"type": "http", "url": url}), typed_process(place))
}

/// The running gateway first, if there is one: editors keep their servers for long, and share them so.
fn both(
    place: &Place,
    snippet: impl Fn(Via, Value) -> Snippet,
    running: impl Fn(&str) -> Value,
    own: Value,
) -> Vec<Snippet> {
    let http = place.url.as_deref().map(|url| snippet(Via::Http, running(url)));
    http.into_iter().chain([snippet(Via::Stdio, own)]).collect()
}
