//! How the shard is started: its program, flags and variables, for a child of ours and for the gateway's.
//!
//! Invariant: both ways start the same shard.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::json;

/// What a shard is started with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Launch {
    variables: BTreeMap<String, String>,
    flags: Vec<String>,
    wrapper: Vec<String>,
    program: Option<PathBuf>,
}

/// A program of this workspace, which `make test` has built beside the shard.
pub(crate) fn built(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_traefik-shard")).with_file_name(name);
    assert!(path.is_file(), "{} is missing: run `cargo build --workspace --bins` first", path.display());
    path
}

impl Launch {
    /// Sets a variable.
    pub(crate) fn variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.insert(name.to_owned(), value.into());
        self
    }

    /// Leaves a variable out.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.variables.remove(name);
        self
    }

    /// Adds flags of the command line.
    pub(crate) fn flags(mut self, flags: &[&str]) -> Self {
        self.flags.extend(flags.iter().map(ToString::to_string));
        self
    }

    /// Starts this copy of it.
    pub(super) fn program(mut self, path: &Path) -> Self {
        self.program = Some(path.to_owned());
        self
    }

    /// Starts it by way of this program, which must become it.
    pub(crate) fn under(mut self, wrapper: &[&str]) -> Self {
        self.wrapper = wrapper.iter().map(ToString::to_string).collect();
        self
    }

    /// The program and its arguments.
    pub(crate) fn words(&self) -> Vec<String> {
        let built = Path::new(env!("CARGO_BIN_EXE_traefik-shard"));
        let program = self.program.as_deref().unwrap_or(built).to_str().unwrap().to_owned();
        self.wrapper.iter().cloned().chain([program]).chain(self.flags.iter().cloned()).collect()
    }

    /// The variables that the child has besides the inherited ones.
    pub(crate) fn variables(&self) -> &BTreeMap<String, String> {
        &self.variables
    }

    /// The shard file for the gateway.
    pub(super) fn shard_file(&self) -> String {
        let words = self.words();
        // JSON is YAML; a dollar is written twice in a shard file.
        json!({"command": words[0], "args": words[1..], "env": self.variables}).to_string().replace('$', "$$")
    }
}
