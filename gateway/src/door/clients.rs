//! How each client is told of the gateway: the text to paste, where it goes, and the vendor's page that says so.
//!
//! Invariant: pure. Values in, text out; every path in a snippet is absolute and every snippet names its source.

mod claude;
mod editors;
mod open_webui;

use serde_json::{Value, json};

/// What the gateway is called in a client's configuration.
pub const NAME: &str = "gateway";

/// A client that has a page on how it is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the product of its name")]
pub enum ClientKind {
    ClaudeDesktop,
    ClaudeCode,
    OpenWebUi,
    Cursor,
    VsCode,
}

/// How a client comes to the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// The client starts a gateway of its own, with its own processes.
    Stdio,
    /// The client talks to a running gateway.
    Http,
    /// The client starts `mcp-remote`, which talks to a running gateway.
    McpRemote,
}

/// Where this gateway is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The absolute path of the `mcp-gateway` program.
    pub program: String,
    /// The absolute path of the folder of shard files.
    pub shards: String,
    /// The address for MCP clients, `/mcp` included; `None` leaves out every way that needs a running gateway.
    pub url: Option<String>,
}

/// What a person does to connect one client in one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet {
    /// The client's name as its vendor writes it.
    pub client: &'static str,
    /// How it comes to the gateway.
    pub via: Via,
    /// What to do, in order: plain text with `code` in backticks.
    pub steps: Vec<String>,
    /// What to paste, exactly.
    pub text: String,
    /// The same as the JSON of a configuration file, for a program; equal to `text` if that is JSON.
    pub json: String,
    /// The vendor's page that this follows.
    pub source: &'static str,
    /// When that page was last compared with this, as `YYYY-MM-DD`.
    pub source_date: &'static str,
}

/// Every way to connect a client, the recommended one first.
pub fn snippets(kind: ClientKind, place: &Place) -> Vec<Snippet> {
    match kind {
        ClientKind::ClaudeDesktop => claude::desktop(place),
        ClientKind::ClaudeCode => claude::code(place),
        ClientKind::OpenWebUi => open_webui::snippets(place),
        ClientKind::Cursor => editors::cursor(place),
        ClientKind::VsCode => editors::vscode(place),
    }
}

impl ClientKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::OpenWebUi, Self::ClaudeDesktop, Self::ClaudeCode, Self::Cursor, Self::VsCode];

    /// The name as the vendor writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClaudeDesktop => "Claude Desktop",
            Self::ClaudeCode => "Claude Code",
            Self::OpenWebUi => "Open WebUI",
            Self::Cursor => "Cursor",
            Self::VsCode => "VS Code",
        }
    }

    /// The name as it is typed.
    pub fn word(self) -> &'static str {
        match self {
            Self::ClaudeDesktop => "claude-desktop",
            Self::ClaudeCode => "claude-code",
            Self::OpenWebUi => "open-webui",
            Self::Cursor => "cursor",
            Self::VsCode => "vscode",
        }
    }
}

impl Via {
    /// The name as it is typed.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stdio => "stdio",
            Self::Http => "http",
            Self::McpRemote => "mcp-remote",
        }
    }
}

/// `{ command, args }` of a client that starts its own gateway.
fn own_process(place: &Place) -> Value {
    json!({"command": place.program, "args": ["stdio", "--shards", place.shards]})
}

/// The same for clients that want to be told what it is.
fn typed_process(place: &Place) -> Value {
    json!({"type": "stdio", "command": place.program, "args": ["stdio", "--shards", place.shards]})
}

/// `{ key: { gateway: entry } }`, on lines.
fn configuration(key: &str, entry: Value) -> String {
    let mut servers = serde_json::Map::new();
    servers.insert(NAME.to_owned(), entry);
    lines(&json!({ key: servers }))
}

fn lines(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("it has string keys only")
}

/// True if only this machine reaches `url`.
fn is_loopback(url: &str) -> bool {
    let host = host(url);
    host == "localhost" || host.ends_with(".localhost") || host.starts_with("127.") || host == "[::1]"
}

/// The host that a URL names; an IPv6 address keeps its brackets.
fn host(url: &str) -> &str {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    match authority.find(']') {
        Some(end) => &authority[..=end],
        None => authority.split(':').next().unwrap_or_default(),
    }
}

/// A word for a POSIX shell.
pub(crate) fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+,=".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests;
