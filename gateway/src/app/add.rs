//! `mcp-gateway add`: a shard file from a command line.
//!
//! Invariant: what the gateway would refuse is not written.

use std::path::PathBuf;

use super::drop_in::{self, Folder, Run};
use super::peer::Whereabouts;
use super::{output, taken, wish::Exit};
use crate::config::ShardName;
use crate::config::draft::Draft;

/// What is to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddOptions {
    /// The shard's name, and the stem of its file.
    pub name: ShardName,
    /// What the file says.
    pub draft: Draft,
    /// The folder of shard files.
    pub shards: PathBuf,
    /// Whether the file is written.
    pub run: Run,
    /// Where the gateway may run that shall have taken the file.
    pub whereabouts: Whereabouts,
}

const WRITER: &str = "mcp-gateway add";

/// Writes the file, or says what is wrong with it.
///
/// # Errors
/// The name is taken, or the folder cannot be written to.
pub fn add(options: &AddOptions) -> anyhow::Result<Exit> {
    let AddOptions { name, draft, shards, run, whereabouts } = options;
    let file = Folder::read(shards).place(name).map_err(|taken| {
        let name = name.as_str();
        anyhow::anyhow!("`{name}` is taken by `{}`; give another name, or remove that first", taken.display())
    })?;
    let text = drop_in::text(&file, name, draft, WRITER);
    let problems = drop_in::problems(&file, &text);
    let found: String = problems.iter().map(|problem| format!("{problem}\n")).collect();
    if drop_in::is_refused(&problems) {
        output::print(&format!("{found}Nothing was written.\n"))?;
        return Ok(Exit::Bad);
    }
    let shown = file.display();
    if *run == Run::Dry {
        let text = drop_in::text(&file, name, &draft.masked(), WRITER);
        output::print(&format!("{found}# {shown} would be:\n{text}"))?;
        return Ok(Exit::Good);
    }
    let followed = taken::follow(whereabouts, || {
        drop_in::write(&file, &text, draft)?;
        Ok(if draft.disabled { Vec::new() } else { vec![name.clone()] })
    })?;
    let mut told = format!("{found}{shown}: written.");
    if !draft.secrets().is_empty() {
        told += " It holds a secret, so only you can read it, and the gateway if it runs as you; `${file:/path}` in its place \
                 would keep the secret elsewhere.";
    }
    output::print(&format!("{told}\n{followed}"))?;
    Ok(Exit::Good)
}
