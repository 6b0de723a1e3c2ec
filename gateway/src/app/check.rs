//! `mcp-gateway check`: everything that is wrong with the shard files, before a gateway reads them.
//!
//! Invariant: it starts, writes and changes nothing, and shows no secret.

mod names;
mod text;

use std::path::{Path, PathBuf};

use serde::Serialize;

pub use self::names::{Exposed, Seen};
use super::output;
use super::wish::Exit;
use crate::config::dir::{self, Reading, Specs};
use crate::config::{Host, Problem, Severity, path_as_text};

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
    /// The shards whose files are right, and what they are known to offer.
    pub shards: Vec<Seen>,
}

/// Checks and prints.
///
/// # Errors
/// stdout cannot be written to.
pub fn check(options: &CheckOptions) -> anyhow::Result<Exit> {
    let findings = inspect(&options.shards, &options.files, options.state_dir.as_deref());
    match options.form {
        Form::Text => output::print(&findings.text(&text::renderer()))?,
        Form::Json => output::print_json(&findings.answer())?,
    }
    Ok(findings.exit(options.strictness))
}

/// Checks the folder `shards`, or only `files`. One that lies in the folder is seen among the others there, because they may
/// hold its name or prefix; the others are seen as a folder of their own.
pub fn inspect(shards: &Path, files: &[PathBuf], state_dir: Option<&Path>) -> Findings {
    let Reading { problems, specs, .. } = match files {
        [] => dir::read(shards, &Host, &Specs::new()),
        _ => dir::read_files(shards, files, &Host),
    };
    let (shards, doubts) = names::look(&specs, shards, state_dir);
    Findings { problems: problems.into_iter().chain(doubts).collect(), shards }
}

impl Findings {
    /// How many problems of this severity there are.
    pub fn count(&self, severity: Severity) -> usize {
        self.problems.iter().filter(|problem| problem.severity == severity).count()
    }

    /// How many tools are known.
    pub fn tools(&self) -> usize {
        self.shards.iter().filter_map(|shard| shard.tools.as_ref()).map(Vec::len).sum()
    }

    /// How the command ends.
    pub fn exit(&self, strictness: Strictness) -> Exit {
        let warned = strictness == Strictness::Warnings && self.count(Severity::Warning) > 0;
        if warned || self.count(Severity::Error) > 0 { Exit::Bad } else { Exit::Good }
    }

    fn answer(&self) -> Answer<'_> {
        Answer {
            errors: self.count(Severity::Error),
            warnings: self.count(Severity::Warning),
            tools: self.tools(),
            problems: self.problems.iter().map(Fault::from).collect(),
            shards: &self.shards,
        }
    }
}

/// What a program reads.
#[derive(Serialize)]
struct Answer<'a> {
    errors: usize,
    warnings: usize,
    tools: usize,
    problems: Vec<Fault<'a>>,
    shards: &'a [Seen],
}

#[derive(Serialize)]
struct Fault<'a> {
    #[serde(serialize_with = "path_as_text")]
    file: &'a Path,
    line: Option<usize>,
    column: Option<usize>,
    severity: &'static str,
    message: &'a str,
}

impl<'a> From<&'a Problem> for Fault<'a> {
    fn from(problem: &'a Problem) -> Self {
        let place = |number: usize| (number > 0).then_some(number);
        Self {
            file: &problem.file,
            line: place(problem.line),
            column: place(problem.column),
            severity: match problem.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            message: &problem.message,
        }
    }
}
