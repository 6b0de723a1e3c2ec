//! `completions`.
//!
//! Invariant: they are made from the command line that is parsed, so that neither knows a flag that the other does not.

use clap::{Args, Command};
use clap_complete::Shell;

const AFTER: &str = "\
Examples:
  mcp-gateway completions bash > ~/.local/share/bash-completion/completions/mcp-gateway
  mcp-gateway completions zsh > ~/.zfunc/_mcp-gateway          with fpath+=~/.zfunc before compinit
  mcp-gateway completions fish > ~/.config/fish/completions/mcp-gateway.fish

Exit codes: 0 it is printed; 1 it could not be; 2 the command line is wrong.";

#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    /// The script for that shell.
    pub(super) fn text(&self, command: &mut Command) -> String {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, command, "mcp-gateway", &mut script);
        String::from_utf8(script).expect("names and help are text")
    }
}
