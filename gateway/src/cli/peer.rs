//! The flags of every command that asks a running gateway.
//!
//! Invariant: they are the same for all of them.

use std::path::PathBuf;

use clap::Args;

use super::defaults::state_folder;
use crate::app::peer::{Address, Whereabouts};

#[derive(Debug, Args)]
pub(super) struct PeerFlags {
    /// The address of the gateway [default: the one that runs here, else http://127.0.0.1:9100].
    #[arg(long, env = "MCP_GATEWAY_URL", value_name = "URL", value_parser = Address::read)]
    url: Option<Address>,
    /// The state folder by which a gateway that runs here is found [default: ~/.local/state/mcp-gateway].
    #[arg(long, env = "MCP_GATEWAY_STATE_DIR", value_name = "DIR")]
    state_dir: Option<PathBuf>,
}

impl PeerFlags {
    pub(super) fn whereabouts(self) -> Whereabouts {
        let listen = std::env::var("MCP_GATEWAY_LISTEN").ok();
        Whereabouts { url: self.url, listen, state_dir: state_folder(self.state_dir) }
    }
}
