//! `mcp-gateway check`: everything that is wrong with the shard files, before a gateway reads them.
//!
//! Invariant: it starts, writes and changes nothing.

use std::path::{Path, PathBuf};

use super::output;
use super::wish::Exit;
use crate::config::dir::{self, Reading};
use crate::config::{Host, Problem, Severity};

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckOptions {
    /// The folder of shard files.
    pub shards: PathBuf,
    /// Only these files; empty for all of the folder.
    pub files: Vec<PathBuf>,
    /// Where gateways have saved what shards offer; `None` knows nothing of it.
    pub state_dir: Option<PathBuf>,
    /// How the answer looks.
    pub form: Form,
    /// What counts as bad.
    pub strictness: Strictness,
}

/// How the answer looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For people: each fault with its line.
    Text,
    /// For programs.
    Json,
}

/// What makes the command fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// Errors.
    Errors,
    /// Warnings too.
    Warnings,
}

/// What was found.
#[derive(Debug)]
pub struct Findings {
    /// All that is wrong, file by file.
    pub problems: Vec<Problem>,
}

/// Checks and prints.
///
/// # Errors
/// stdout cannot be written to.
pub fn check(options: &CheckOptions) -> anyhow::Result<Exit> {
    let findings = inspect(&options.shards, &options.files, options.state_dir.as_deref());
    output::print(&findings.text())?;
    Ok(findings.exit(options.strictness))
}

/// Checks the folder `shards`, or only `files`. One that lies in the folder is seen among the others there, because they may
/// hold its name or prefix; any other stands alone.
pub fn inspect(shards: &Path, files: &[PathBuf], _state_dir: Option<&Path>) -> Findings {
    let Reading { problems, .. } = match files {
        [] => dir::read(shards, &Host, &dir::Specs::new()),
        _ => dir::read_files(files, &Host),
    };
    Findings { problems }
}

impl Findings {
    /// How many problems of this severity there are.
    pub fn count(&self, severity: Severity) -> usize {
        self.problems.iter().filter(|problem| problem.severity == severity).count()
    }

    /// How the command ends.
    pub fn exit(&self, strictness: Strictness) -> Exit {
        let warned = strictness == Strictness::Warnings && self.count(Severity::Warning) > 0;
        if warned || self.count(Severity::Error) > 0 { Exit::Bad } else { Exit::Good }
    }

    /// What a person reads.
    pub fn text(&self) -> String {
        self.problems.iter().map(|problem| format!("{problem}\n")).collect()
    }
}
