//! `new`.
//!
//! Invariant: a name that cannot be one is told here already, with one that can.

use std::path::PathBuf;

use clap::Args;

use super::defaults::shards_folder;
use crate::app::new::{CrateName, NewOptions};

#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct New {
    /// The name of the crate, of its program and of the shard: lower-case letters, digits and single dashes.
    #[arg(value_name = "NAME", value_parser = CrateName::parse)]
    name: CrateName,
    /// The folder in which the crate gets a folder of its own.
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// The folder that gets its shard file [default: ./shards.d if it is there, else ~/.config/mcp-gateway/shards.d].
    #[arg(long, env = "MCP_GATEWAY_SHARDS", value_name = "DIR")]
    shards: Option<PathBuf>,
}

const AFTER: &str = "\
The crate builds alone, with Rust 1.95 or later. It has two tools, a resource and a prompt to start
from, tests in both eras of the protocol, a Dockerfile and a compose file. Nothing is overwritten.

Examples:
  mcp-gateway new dozzle                        ./dozzle, and shards.d/dozzle.yaml
  mcp-gateway new dozzle --dir ~/src            ~/src/dozzle
  cd dozzle && cargo build --release            then `touch ../shards.d/dozzle.yaml`

Exit codes: 0 it is made; 1 it is not, and nothing is left of it; 2 the command line is wrong.";

impl New {
    pub(super) fn options(self) -> NewOptions {
        NewOptions { name: self.name, dir: self.dir, shards: shards_folder(self.shards) }
    }
}
