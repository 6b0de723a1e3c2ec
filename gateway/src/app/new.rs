//! `mcp-gateway new`: a shard crate from the template, with its shard file.
//!
//! Invariant: both are there or neither is, and nothing that existed is touched.

mod name;
mod target;
mod template;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use self::target::{Taken, Target};
use super::output;
use crate::door::clients::shell_word;

pub use self::name::{BadCrateName, CrateName};

/// What is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOptions {
    /// What crate, program and shard are called.
    pub name: CrateName,
    /// The folder in which the crate gets its folder.
    pub dir: PathBuf,
    /// The folder that gets the shard file, if it is there.
    pub shards: PathBuf,
}

/// Makes the crate and its shard file, and says what comes next.
///
/// # Errors
/// Something of that name exists, or it cannot be written.
pub fn make(options: &NewOptions) -> anyhow::Result<()> {
    let NewOptions { name, dir, shards } = options;
    if !dir.is_dir() {
        bail!("there is no folder `{}`; make it first, or give another with `--dir`", dir.display());
    }
    let dir = dir.canonicalize().with_context(|| format!("cannot look into `{}`", dir.display()))?;
    let target = Target::new(&dir, name.as_str(), shards.is_dir().then_some(shards));
    if let Some(Taken(path)) = target.taken() {
        bail!("`{}` exists and stays as it is; take another name, or remove it", path.display());
    }
    let shard_file = template::shard_file(name.as_str(), &target.program());
    target.write(&template::files(name.as_str()), &shard_file)?;
    output::print(&told(&target, name.as_str(), &shard_file, workspace(&dir).as_deref()))
}

/// What was made, and what a person does next.
fn told(target: &Target, name: &str, shard_file: &str, workspace: Option<&Path>) -> String {
    let folder = target.folder().display();
    let mut text = format!("Made `{folder}`, a shard with two tools, a resource and a prompt to start from.\n");
    let next = if let Some(file) = target.shard_file() {
        let _ = writeln!(text, "Made `{}`, its shard file.", file.display());
        format!(
            "  touch {:<36} # the gateway reads it again, and the tools are there\n",
            shell_word(&file.display().to_string())
        )
    } else {
        format!(
            "\nThere is no folder of shard files here. Save this as `{name}.yaml` in the gateway's:\n\n{shard_file}"
        )
    };
    let build = format!(
        "\nNext:\n  cd {}\n  {:<42} # src/server.rs declares the tools\n  cargo build --release\n",
        shell_word(&folder.to_string()),
        "cargo test",
    );
    text += &if target.shard_file().is_some() { build + &next } else { next + &build };
    if let Some(manifest) = workspace {
        let _ = write!(
            text,
            "\nIt builds alone, though it lies in the workspace of `{}`. To make it a member, delete the line\n\
             `[workspace]` from its Cargo.toml and add `\"{name}\"` to `members` there.\n",
            manifest.display(),
        );
    }
    text
}

/// The manifest of the workspace that holds `dir`, if one does.
fn workspace(dir: &Path) -> Option<PathBuf> {
    let manifests = dir.ancestors().map(|folder| folder.join("Cargo.toml"));
    let is_one = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.lines().any(|line| line.trim_end() == "[workspace]" || line.starts_with("[workspace."))
    };
    manifests.into_iter().find(is_one)
}

#[cfg(test)]
mod tests;
