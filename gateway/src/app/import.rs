//! `mcp-gateway import`: shard files from the configuration of a client.
//!
//! Invariant: the client's file is only read, no shard file is overwritten, and every entry is told of.

mod servers;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::drop_in::{self, Folder, Run};
use super::{output, wish::Exit};
use crate::config::draft::Draft;
use crate::config::{Environment as _, Host, ShardName};

/// What is to be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportOptions {
    /// The client's file.
    pub file: PathBuf,
    /// The folder of shard files.
    pub shards: PathBuf,
    /// Whether files are written.
    pub run: Run,
}

const WRITER: &str = "mcp-gateway import";

/// Writes one shard file for each server that can be one.
///
/// # Errors
/// The client's file cannot be read, or the folder cannot be written to.
pub fn import(options: &ImportOptions) -> anyhow::Result<Exit> {
    let shown = options.file.display();
    let bytes = Host.read(&options.file).with_context(|| format!("cannot read `{shown}`"))?;
    let way_out = "it must be JSON without comments";
    let document = serde_json::from_slice(&bytes).with_context(|| format!("cannot read `{shown}`: {way_out}"))?;
    let found = servers::read(&document).with_context(|| format!("cannot import `{shown}`"))?;
    let mut folder = Folder::read(&options.shards);
    let (mut told, mut exit) = (String::new(), Exit::Good);
    for (key, server) in found {
        let outcome = server.and_then(|(name, draft)| {
            let file = folder.place(&name).map_err(|taken| format!("`{}` is there already", taken.display()))?;
            folder.take(&name, &file);
            Ok((name, draft, file))
        });
        match outcome {
            Ok((name, draft, file)) => {
                let (text, end) = one(&name, &draft, &file, options.run)?;
                told += &text;
                exit = if end == Exit::Bad { end } else { exit };
            }
            Err(fault) => {
                let _ = writeln!(told, "`{key}`: left out: {fault}");
                exit = Exit::Bad;
            }
        }
    }
    output::print(&told)?;
    Ok(exit)
}

/// Writes one file, and tells of it.
fn one(name: &ShardName, draft: &Draft, file: &Path, run: Run) -> anyhow::Result<(String, Exit)> {
    let text = drop_in::text(file, name, draft, WRITER);
    let problems = drop_in::problems(file, &text);
    let mut told = String::new();
    match run {
        Run::Dry => {
            let _ = writeln!(
                told,
                "# {} would be:\n{}",
                file.display(),
                drop_in::text(file, name, &draft.masked(), WRITER)
            );
        }
        Run::Real => {
            drop_in::write(file, &text, draft)?;
            let _ = write!(told, "{}: written", file.display());
            let secrets = draft.secrets();
            if !secrets.is_empty() {
                let _ = write!(
                    told,
                    "; it holds `{}`, so only you can read it, and the gateway if it runs as you",
                    secrets.join("`, `")
                );
            }
            told += "\n";
        }
    }
    for problem in &problems {
        let _ = writeln!(told, "{problem}");
    }
    Ok((told, if drop_in::is_refused(&problems) { Exit::Bad } else { Exit::Good }))
}
