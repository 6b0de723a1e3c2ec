//! `check` and `schema`.
//!
//! Invariant: neither asks for more than the shards folder and the state folder.

use std::path::PathBuf;

use clap::Args;

use super::defaults::{shards_folder, state_folder};
use crate::app::check::{CheckOptions, Form, Strictness};

#[derive(Debug, Args)]
#[command(after_help = ABOUT_CHECK)]
pub(super) struct Check {
    /// Check only these files; one that lies in the shards folder is seen among the others there.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The folder of shard files [default: ./shards.d if it is there, else ~/.config/mcp-gateway/shards.d].
    #[arg(long, env = "MCP_GATEWAY_SHARDS", value_name = "DIR")]
    shards: Option<PathBuf>,
    /// Where a gateway has saved what its shards offer [default: ~/.local/state/mcp-gateway].
    #[arg(long, env = "MCP_GATEWAY_STATE_DIR", value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// Print JSON instead of text.
    #[arg(long)]
    json: bool,
    /// Let warnings fail the command too.
    #[arg(long)]
    strict: bool,
}

const ABOUT_CHECK: &str = "\
Each problem is shown with its line, the fault and the way out, and the tools of shards that have run before with \
the names and lengths that clients see. Values of variables called like pass, token, secret or key are not shown.

Examples:
  mcp-gateway check                             all of ./shards.d
  mcp-gateway check shards.d/git.yaml           one file, among the others of its folder
  mcp-gateway check --strict --shards /etc/mcp-gateway/shards.d
  mcp-gateway check --json | jq .problems

Exit codes: 0 no error (with --strict, no warning either); 1 there is one; 2 the command line is wrong.";

impl Check {
    pub(super) fn options(self) -> CheckOptions {
        CheckOptions {
            shards: shards_folder(self.shards),
            files: self.files,
            state_dir: state_folder(self.state_dir),
            form: if self.json { Form::Json } else { Form::Text },
            strictness: if self.strict { Strictness::Warnings } else { Strictness::Errors },
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = ABOUT_SCHEMA)]
pub(super) struct Schema {}

const ABOUT_SCHEMA: &str = "\
Examples:
  mcp-gateway schema > shards.d/.schema.json

A shard file leads editors to it by its first line:

  # yaml-language-server: $schema=.schema.json
  command: mcp-server-time

Exit codes: 0 it is printed; 1 it could not be; 2 the command line is wrong.";
