//! The flags of every command that asks a running gateway.
//!
//! Invariant: they are the same for all of them.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::defaults::{duration, shards_folder, state_folder};
use crate::app::peer::{Address, Company, Whereabouts};

#[derive(Debug, Args)]
pub(super) struct PeerFlags {
    /// The address of the gateway [default: the one that runs here, else http://127.0.0.1:9100].
    #[arg(long, env = "MCP_GATEWAY_URL", value_name = "URL", value_parser = Address::read)]
    url: Option<Address>,
    /// The state folder by which a gateway that runs here is found [default: ~/.local/state/mcp-gateway].
    #[arg(long, env = "MCP_GATEWAY_STATE_DIR", value_name = "DIR")]
    state_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct CompanyFlags {
    #[command(flatten)]
    peer: PeerFlags,
    /// Ask no gateway, whatever `--url` says: start the shards that are needed, and end them afterwards. Without it, that is what happens where
    /// no gateway answers.
    #[arg(long)]
    own: bool,
    /// The folder of shard files, where no gateway is asked
    /// [default: ./shards.d if it is there, else ~/.config/mcp-gateway/shards.d].
    #[arg(long, env = "MCP_GATEWAY_SHARDS", value_name = "DIR")]
    shards: Option<PathBuf>,
    /// How long all of it may take.
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration)]
    timeout: Duration,
}

impl PeerFlags {
    pub(super) fn whereabouts(self) -> Whereabouts {
        whereabouts(self.url, self.state_dir)
    }
}

/// Where a gateway may run.
pub(super) fn whereabouts(url: Option<Address>, state_dir: Option<PathBuf>) -> Whereabouts {
    let listen = std::env::var("MCP_GATEWAY_LISTEN").ok();
    Whereabouts { url, listen, state_dir: state_folder(state_dir) }
}

impl CompanyFlags {
    pub(super) fn company(self) -> Company {
        let whereabouts = self.peer.whereabouts();
        Company {
            state_dir: whereabouts.state_dir.clone(),
            running: (!self.own).then_some(whereabouts),
            shards: shards_folder(self.shards),
            timeout: self.timeout,
        }
    }
}
