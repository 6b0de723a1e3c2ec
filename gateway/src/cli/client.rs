//! `client`.
//!
//! Invariant: an address is read here, so that no snippet holds one that cannot be dialled.

use std::path::PathBuf;

use axum::http::Uri;
use clap::{Args, ValueEnum};

use super::defaults::{shards_folder, state_folder};
use crate::app::client::{ClientOptions, Form};
use crate::door::clients::{ClientKind, Via};

const AFTER: &str = "\
Examples:
  mcp-gateway client claude-desktop             what to paste, and where that file lies
  mcp-gateway client claude-desktop --via mcp-remote --url http://nas.local:9100
  mcp-gateway client open-webui --url http://host.docker.internal:9100
  mcp-gateway client cursor --json > .cursor/mcp.json

Exit codes: 0 printed; 1 this client cannot be connected in that way; 2 the command line is wrong.";

#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Client {
    /// The client to connect.
    client: Product,
    /// How it comes to the gateway [default: the way that suits the client best].
    #[arg(long, value_name = "WAY")]
    via: Option<Way>,
    /// The address of the running gateway as the client sees it; `/mcp` is added where no path is given
    /// [default: that of the gateway that runs with the state folder, else http://127.0.0.1:9100].
    #[arg(long, env = "MCP_GATEWAY_URL", value_name = "URL", value_parser = endpoint)]
    url: Option<String>,
    /// The state folder in which a gateway that runs here is looked for [default: ~/.local/state/mcp-gateway].
    #[arg(long, env = "MCP_GATEWAY_STATE_DIR", value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// The folder of shard files for a client that starts its own gateway
    /// [default: ./shards.d if it is there, else ~/.config/mcp-gateway/shards.d].
    #[arg(long, env = "MCP_GATEWAY_SHARDS", value_name = "DIR")]
    shards: Option<PathBuf>,
    /// Print only the JSON of the client's configuration file.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Product {
    ClaudeDesktop,
    ClaudeCode,
    OpenWebui,
    Cursor,
    Vscode,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Way {
    /// The client starts a gateway of its own.
    Stdio,
    /// The client talks to the running gateway.
    Http,
    /// The client starts npm's `mcp-remote`, which talks to the running gateway.
    McpRemote,
}

impl Client {
    pub(super) fn options(self) -> ClientOptions {
        let kind = match self.client {
            Product::ClaudeDesktop => ClientKind::ClaudeDesktop,
            Product::ClaudeCode => ClientKind::ClaudeCode,
            Product::OpenWebui => ClientKind::OpenWebUi,
            Product::Cursor => ClientKind::Cursor,
            Product::Vscode => ClientKind::VsCode,
        };
        let via = self.via.map(|way| match way {
            Way::Stdio => Via::Stdio,
            Way::Http => Via::Http,
            Way::McpRemote => Via::McpRemote,
        });
        let form = if self.json { Form::Json } else { Form::Steps };
        let (state_dir, shards) = (state_folder(self.state_dir), shards_folder(self.shards));
        ClientOptions { kind, via, url: self.url, state_dir, shards, form }
    }
}

/// An address that clients can dial, with the path of the MCP door if it has none.
fn endpoint(text: &str) -> Result<String, String> {
    let way_out = "write for instance http://127.0.0.1:9100";
    let uri: Uri = text.parse().map_err(|error| format!("{error}; {way_out}"))?;
    let has_host = uri.host().is_some_and(|host| !host.is_empty());
    if !has_host || !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(format!("not an http or https address; {way_out}"));
    }
    let bare = uri.path() == "/" || uri.path().is_empty();
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let origin = text.split_once("://").map_or(text, |(_, rest)| rest);
    let origin = origin.split(['/', '?', '#']).next().unwrap_or_default();
    let scheme = uri.scheme_str().unwrap_or("http");
    Ok(format!("{scheme}://{origin}{}{query}", if bare { "/mcp" } else { uri.path() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gets_the_path_of_the_door_only_where_it_has_none() {
        for (written, expected) in [
            ("http://127.0.0.1:9100", "http://127.0.0.1:9100/mcp"),
            ("https://mcp.example.org/", "https://mcp.example.org/mcp"),
            ("http://nas:9100?shards=time,git", "http://nas:9100/mcp?shards=time,git"),
            ("http://nas:9100/mcp/time", "http://nas:9100/mcp/time"),
            ("http://[::1]:9100/", "http://[::1]:9100/mcp"),
        ] {
            assert_eq!(endpoint(written).as_deref(), Ok(expected), "{written}");
        }
        for bad in ["127.0.0.1:9100", "nas", "ftp://nas/mcp", "http://", "", "/mcp"] {
            assert!(endpoint(bad).unwrap_err().contains("write for instance"), "{bad}");
        }
    }
}
