//! The commands that ask a gateway, or shards of their own: `status`, `list` and `call`.
//!
//! Invariant: a command hears of no variable, folder or gateway of the machine that runs the tests.

mod arguments;
mod calling;
mod listing;
mod status;
mod tls;

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::support::{Gateway, PATIENCE};

/// A shard that never comes up.
pub(crate) const DOWN: &str = "command: sh\nargs: [-c, 'echo no key >&2; exit 3']\n";

/// What a command has said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A command in a folder.
pub(crate) fn command(words: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mcp-gateway"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).env("HOME", folder).current_dir(folder).args(words);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Starts a command that a signal will end.
pub(crate) fn started(words: &[&str], folder: &Path) -> Child {
    command(words, folder).spawn().unwrap()
}

/// Waits until a command has ended.
pub(crate) async fn ended(child: Child) -> Said {
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await.expect("the command ends").unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Runs a command to its end.
pub(crate) async fn run(words: &[&str], folder: &Path) -> Said {
    ended(started(words, folder)).await
}

/// Asks this gateway.
pub(crate) async fn ask(gateway: &Gateway, words: &[&str]) -> Said {
    let url = gateway.url();
    run(&[words, &["--url", &url]].concat(), gateway.dir().path()).await
}

impl Said {
    /// What it printed, if all was well.
    #[track_caller]
    pub(crate) fn good(&self) -> &str {
        assert_eq!((self.code, &*self.err), (Some(0), ""), "{self:?}");
        &self.out
    }

    /// What it printed, as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(self.good()).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// What it complained of; nothing went to stdout.
    #[track_caller]
    pub(crate) fn bad(&self, code: i32) -> &str {
        assert_eq!((self.code, &*self.out), (Some(code), ""), "{self:?}");
        &self.err
    }
}

/// A folder with `shards.d`, of which no gateway knows.
pub(crate) fn folder(shards: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("shards.d")).unwrap();
    for (name, text) in shards {
        std::fs::write(folder.path().join("shards.d").join(format!("{name}.yaml")), text).unwrap();
    }
    folder
}
