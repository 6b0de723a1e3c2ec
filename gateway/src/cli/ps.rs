//! `ps`.
//!
//! Invariant: it asks for nothing but the state folder.

use std::path::PathBuf;

use clap::Args;

use super::defaults::state_folder;
use crate::app::ps::{Form, PsOptions};

const AFTER: &str = "\
Gateways on this machine are found by the ledgers in their state folder. Arguments are not shown: they may hold secrets.

Examples:
  mcp-gateway ps                                every process, by gateway and shard
  mcp-gateway ps --json | jq '.gateways[].processes[].pid'

Exit codes: 0 shown, even if no gateway runs; 1 the state folder cannot be read; 2 the command line is wrong.";

#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Ps {
    /// The state folder of the gateways to look for [default: ~/.local/state/mcp-gateway].
    #[arg(long, env = "MCP_GATEWAY_STATE_DIR", value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

impl Ps {
    pub(super) fn options(self) -> PsOptions {
        let form = if self.json { Form::Json } else { Form::Table };
        PsOptions { state_dir: state_folder(self.state_dir), form }
    }
}
