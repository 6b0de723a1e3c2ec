//! Claude Desktop and Claude Code.
//!
//! Invariant: a URL that Claude Desktop cannot reach itself is only offered by way of `mcp-remote`.

use serde_json::json;

use super::{ClientKind, NAME, Place, Snippet, Via, configuration, host, own_process, shell_word, typed_process};

const DESKTOP_FILE: &str = "Open the file by Settings → Developer → Edit Config. It is \
    `~/Library/Application Support/Claude/claude_desktop_config.json` (macOS), \
    `%APPDATA%\\Claude\\claude_desktop_config.json` (Windows) or `~/.config/Claude/claude_desktop_config.json` (Linux).";
const DESKTOP_PASTE: &str =
    "Paste the text; if the file has an `mcpServers` object already, add the entry `gateway` to it.";
const DESKTOP_RESTART: &str = "Quit Claude Desktop and start it again: closing the window is not enough. Its own log is `mcp-server-gateway.log`.";

pub(super) fn desktop(place: &Place) -> Vec<Snippet> {
    let snippet = |via, steps: Vec<String>, text: String| Snippet {
        client: ClientKind::ClaudeDesktop.name(),
        via,
        steps,
        json: text.clone(),
        text,
        source: "https://modelcontextprotocol.io/docs/develop/connect-local-servers",
        source_date: "2026-11-22",
    };
    let fleet = "Claude Desktop passes on few variables and often a short PATH: what your shard files read as `${NAME}`, and \
                 PATH for `npx` or `uvx`, goes into an `env` object beside `args`.";
    let steps = [DESKTOP_FILE, DESKTOP_PASTE, fleet, DESKTOP_RESTART].map(ToOwned::to_owned).to_vec();
    let mut found = vec![snippet(Via::Stdio, steps, configuration("mcpServers", own_process(place)))];
    if let Some(url) = &place.url {
        let node = "This needs Node 20.18 or later on the machine of Claude Desktop, and a gateway that runs. (Settings → \
                    Connectors is no way: it is Anthropic's servers that connect, and they do not reach your network.)";
        let steps = [DESKTOP_FILE, DESKTOP_PASTE, node, DESKTOP_RESTART].map(ToOwned::to_owned).to_vec();
        let text = configuration("mcpServers", bridge(url));
        found.push(Snippet {
            source: "https://github.com/punkpeye/mcp-remote#readme",
            ..snippet(Via::McpRemote, steps, text)
        });
    }
    found
}

/// Without `--allow-http`, `mcp-remote` takes plain HTTP to these two names of this machine only; without the other flag
/// it tries the transport of 2024 when the gateway answers 404, and tells of that fault instead.
fn bridge(url: &str) -> serde_json::Value {
    let mut args = vec!["-y", "mcp-remote", url, "--transport", "http-only"];
    if url.starts_with("http://") && !["localhost", "127.0.0.1"].contains(&host(url)) {
        args.push("--allow-http");
    }
    json!({"command": "npx", "args": args})
}

pub(super) fn code(place: &Place) -> Vec<Snippet> {
    let snippet = |via, text, entry| Snippet {
        client: ClientKind::ClaudeCode.name(),
        via,
        steps: vec![
            "Run the line in a terminal. `--scope user` is for all your projects; `--scope project` writes `.mcp.json` \
             into the current one, for everybody who works on it."
                .to_owned(),
            format!("`claude mcp get {NAME}` shows whether it connects; inside Claude Code, `/mcp` does."),
        ],
        text,
        json: configuration("mcpServers", entry),
        source: "https://code.claude.com/docs/en/mcp",
        source_date: "2026-11-22",
    };
    let http = place.url.as_deref().map(|url| {
        let line = format!("claude mcp add --scope user --transport http {NAME} {}", shell_word(url));
        snippet(Via::Http, line, json!({"type": "http", "url": url}))
    });
    let (program, shards) = (shell_word(&place.program), shell_word(&place.shards));
    let line = format!("claude mcp add --scope user {NAME} -- {program} stdio --shards {shards}");
    let stdio = snippet(Via::Stdio, line, typed_process(place));
    http.into_iter().chain([stdio]).collect()
}
