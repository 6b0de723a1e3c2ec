//! `client`.
//!
//! Invariant: an address is read here, so that no snippet holds one that cannot be dialled.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::defaults::{shards_folder, state_folder};
use crate::app::client::{ClientOptions, Form};
use crate::app::peer::Address;
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
    /// The address of the running gateway as the client sees it; `/mcp` is added if it is not there
    /// [default: that of the gateway that runs with the state folder, else http://127.0.0.1:9100].
    #[arg(long, env = "MCP_GATEWAY_URL", value_name = "URL", value_parser = Address::read)]
    url: Option<Address>,
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
        let url = self.url.map(|address| address.endpoint().to_string());
        ClientOptions { kind, via, url, state_dir, shards, form }
    }
}
