//! `add` and `import`: shard files that are written for a person.
//!
//! Invariant: a name that cannot be a shard's is refused here.

use std::path::PathBuf;

use clap::Args;

use super::defaults::shards_folder;
use super::peer::PeerFlags;
use crate::app::add::AddOptions;
use crate::app::drop_in::Run;
use crate::app::import::ImportOptions;
use crate::config::ShardName;
use crate::config::draft::Draft;

const AFTER_ADD: &str = "\
Examples:
  mcp-gateway add time -- uvx mcp-server-time --local-timezone UTC
  mcp-gateway add github --env 'GITHUB_TOKEN=${file:/run/secrets/github}' -- npx -y github-mcp
  mcp-gateway add notes --env NOTES_DIR --dry-run -- ./notes-server

If a gateway runs here, how it has taken the new file is told.

Exit codes: 0 it is written, however the shard does; 1 it is not: the name is taken, or a gateway would refuse it; \
2 the command line is wrong.";

const AFTER_IMPORT: &str = "\
Examples:
  mcp-gateway import ~/.config/Claude/claude_desktop_config.json --dry-run
  mcp-gateway import ~/.cursor/mcp.json
  mcp-gateway import .vscode/mcp.json --shards ~/shards.d

Comments in the file are passed over. Nothing is overwritten. If a gateway runs here, how it has taken the new files is told.

Exit codes: 0 all are written; 1 some are left out or would not run, or the file cannot be read; \
2 the command line is wrong.";

#[derive(Debug, Args)]
#[command(after_help = AFTER_ADD)]
pub(super) struct Add {
    /// The shard's name: its file is NAME.yaml, and its tools appear as NAME__tool.
    #[arg(value_parser = shard_name)]
    name: ShardName,
    /// A variable for the program, `NAME=VALUE`, or `NAME` alone for that of the gateway; may be given again.
    #[arg(long, value_name = "NAME[=VALUE]", value_parser = variable)]
    env: Vec<(String, String)>,
    #[command(flatten)]
    place: FolderFlags,
    #[command(flatten)]
    peer: PeerFlags,
    /// The program and its arguments; `${NAME}` is filled in by the gateway.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<String>,
}

#[derive(Debug, Args)]
#[command(after_help = AFTER_IMPORT)]
pub(super) struct Import {
    /// The configuration file of Claude Desktop, Claude Code, Cursor or VS Code.
    file: PathBuf,
    #[command(flatten)]
    place: FolderFlags,
    #[command(flatten)]
    peer: PeerFlags,
}

#[derive(Debug, Args)]
struct FolderFlags {
    /// The folder of shard files [default: ./shards.d if it is there, else ~/.config/mcp-gateway/shards.d].
    #[arg(long, env = "MCP_GATEWAY_SHARDS", value_name = "DIR")]
    shards: Option<PathBuf>,
    /// Show what would be written, without secrets, and write nothing.
    #[arg(long)]
    dry_run: bool,
}

impl Add {
    pub(super) fn options(self) -> AddOptions {
        let mut words = self.command.into_iter();
        let command = words.next().unwrap_or_default();
        let env = self.env.into_iter().collect();
        let draft = Draft { command, args: words.collect(), env, ..Draft::default() };
        let (shards, run) = self.place.read();
        AddOptions { name: self.name, draft, shards, run, whereabouts: self.peer.whereabouts() }
    }
}

impl Import {
    pub(super) fn options(self) -> ImportOptions {
        let (shards, run) = self.place.read();
        ImportOptions { file: self.file, shards, run, whereabouts: self.peer.whereabouts() }
    }
}

impl FolderFlags {
    fn read(self) -> (PathBuf, Run) {
        (shards_folder(self.shards), if self.dry_run { Run::Dry } else { Run::Real })
    }
}

fn shard_name(text: &str) -> Result<ShardName, String> {
    ShardName::parse(text).map_err(|fault| fault.to_string())
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, value.to_owned()),
        None => (text, format!("${{{text}}}")),
    };
    if name.is_empty() {
        Err("a variable has a name; write NAME=VALUE".to_owned())
    } else {
        Ok((name.to_owned(), value))
    }
}
