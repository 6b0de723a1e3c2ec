//! `status`.
//!
//! Invariant: its exit codes stand in `--help`.

use clap::Args;

use super::peer::PeerFlags;
use crate::app::status::{Form, StatusOptions};

const AFTER: &str = "\
Examples:
  mcp-gateway status                            the gateway that runs here
  mcp-gateway status --url http://nas:9100      another one
  mcp-gateway status --json | jq .problems      for programs
  mcp-gateway status --live                     for a container's HEALTHCHECK: prints nothing

Without `--url` also MCP_GATEWAY_LISTEN says where it may listen.

Exit codes: 0 all is well; 1 it runs, and a shard or a file is not well; 2 the command line is wrong; 3 no gateway answers.
With --live: 0 it runs, whatever its shards do; 3 it does not answer within 3 s.";

#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Status {
    #[command(flatten)]
    peer: PeerFlags,
    /// Print the registry as JSON.
    #[arg(long)]
    json: bool,
    /// Print nothing: only ask whether it lives.
    #[arg(long, conflicts_with = "json")]
    live: bool,
}

impl Status {
    pub(super) fn options(self) -> StatusOptions {
        let form = match (self.live, self.json) {
            (true, _) => Form::Live,
            (false, true) => Form::Json,
            (false, false) => Form::Table,
        };
        StatusOptions { whereabouts: self.peer.whereabouts(), form }
    }
}
