//! `validate_config`: what Traefik would say of a document, of a managed file or of the whole directory.
//!
//! It never writes, and it says first whether Traefik's file provider would freeze.

mod live;

use std::path::Path;

use rmcp::schemars::{self, JsonSchema};
use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::aside::aside;
use crate::document::{self, Document, Format, Loads, Origin};
use crate::failure::{Code, Failure};
use crate::finding::{Finding, Severity};
use crate::server::Context;
use crate::settings::{Layout, Settings};
use crate::tree::{self, Names, Tree};

/// Of one document in the arguments.
const MAX_CONTENT: usize = 1 << 20;
/// Findings in one report.
const FINDINGS: usize = 200;
/// Findings that the text quotes.
const LINES: usize = 20;

/// How a document is written.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Written {
    #[default]
    Yaml,
    Toml,
}

/// The arguments of `validate_config`; give exactly one of `content`, `name` and `all`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Arguments {
    /// A whole document of dynamic configuration.
    content: Option<String>,
    /// The name of a managed route, whose file is checked.
    name: Option<String>,
    /// Check every file below the directory that Traefik watches.
    #[serde(default)]
    all: bool,
    /// How `content` is written.
    #[serde(default)]
    format: Written,
    /// Also compare with the running Traefik; true by default.
    live: Option<bool>,
}

/// What `validate_config` reports.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Report {
    /// Traefik loads it, and no finding is an error.
    valid: bool,
    /// `no`: this freezes Traefik's whole file provider. `unknown`: only Traefik can tell, see the findings.
    would_load: Loads,
    /// The worst first.
    findings: Vec<Finding>,
    /// How many more findings there are than are listed.
    left_out: usize,
    /// The files that were checked, in the order in which Traefik loads them.
    files: Vec<String>,
    summary: String,
}

/// What is to be checked, and what it is compared with.
struct Subject {
    documents: Vec<(Option<String>, Document)>,
    findings: Vec<Finding>,
    /// What freezes Traefik, or may, besides the content of the documents.
    stops: Vec<Finding>,
    /// The same in files that were not asked about.
    beside: Vec<Finding>,
}

/// Runs the tool.
pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<Answer<Report>, Failure> {
    let is_live = arguments.live.unwrap_or(true);
    let settings = context.settings.clone();
    // A network file system may hang.
    let subject = aside(move || subject(&settings, arguments)).await?;
    let running = if is_live { Some(live::ask(context).await) } else { None };
    Ok(aside(move || answer(subject, running)).await)
}

fn subject(settings: &Settings, arguments: Arguments) -> Result<Subject, Failure> {
    let root = settings.dynamic_dir.as_deref();
    match (arguments.content, arguments.name, arguments.all) {
        (Some(content), None, false) => of_content(root, &content, arguments.format),
        (None, Some(name), false) => of_name(settings, watched(root)?, &name),
        (None, None, true) => Ok(of_tree(tree::read(watched(root)?)?)),
        _ => {
            let hint = "give `content`, or the `name` of a managed route, or `all`: true";
            Err(Failure::new(Code::InvalidInput, "exactly one of `content`, `name` and `all` is needed", hint))
        }
    }
}

fn watched(root: Option<&Path>) -> Result<&Path, Failure> {
    let hint = "set TRAEFIK_DYNAMIC_DIR to the directory that Traefik watches, or give `content`";
    root.ok_or_else(|| Failure::new(Code::NotConfigured, "no directory with configuration files is set", hint))
}

fn of_content(root: Option<&Path>, content: &str, written: Written) -> Result<Subject, Failure> {
    if content.len() > MAX_CONTENT {
        let message = format!("`content` is longer than {} MiB", MAX_CONTENT >> 20);
        return Err(Failure::new(Code::InvalidInput, message, "split it into several files"));
    }
    let format = match written {
        Written::Yaml => Format::Yaml,
        Written::Toml => Format::Toml,
    };
    let mut document = document::check("", format, Origin::Foreign, content.as_bytes());
    for finding in &mut document.findings {
        finding.file = None;
    }
    let (tree, unread) = match root.map(tree::read) {
        Some(Ok(tree)) => (Some(tree), None),
        Some(Err(failure)) => (None, Some(Finding::new(Severity::Warning, "tree_unread", failure.to_string()))),
        None => (None, None),
    };
    let mut findings = Names::of(Some(&document), tree.as_ref()).missing(&document);
    findings.extend(unread);
    findings.extend(tree.as_ref().map(|tree| taken(&document, tree)).unwrap_or_default());
    let beside = tree.map(|tree| tree.breaking()).unwrap_or_default();
    Ok(Subject { documents: vec![(None, document)], findings, stops: Vec::new(), beside })
}

/// Names that a file of the tree has already.
fn taken(document: &Document, tree: &Tree) -> Vec<Finding> {
    let (names, mut findings) = (Names::of(None, Some(tree)), Vec::new());
    for defined in document.defined.iter().filter(|defined| names.has(defined.kind, &defined.name)) {
        if let Some((file, line)) = tree.definitions(defined.kind, &defined.name).first() {
            let message = format!("`{}` defines this name too, on line {line}; Traefik keeps only one", file.path);
            let path = format!("{}.{}", defined.kind.place().join("."), defined.name);
            let finding = Finding::new(Severity::Warning, "name_taken", message);
            findings.push(finding.at(&path).on_line(defined.line));
        }
    }
    findings
}

fn of_name(settings: &Settings, root: &Path, name: &str) -> Result<Subject, Failure> {
    let is_plain = |sign: char| sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == '-';
    if name.is_empty() || name.len() > 63 || !name.chars().all(is_plain) {
        let hint = "names have 1 to 63 small letters, digits and hyphens; for other files use `all`";
        return Err(Failure::new(Code::InvalidInput, "this is not the name of a managed route", hint));
    }
    let file = match settings.layout {
        Layout::Folder => format!("{}/{name}.yml", settings.managed_folder),
        // As it is written: the prefix of the names inside says nothing about the file.
        Layout::Top => format!("mcp-{name}.yml"),
    };
    let missing = || {
        let message = format!("there is no managed file `{file}`");
        Failure::new(Code::NotFound, message, "list_routes with `managed_only` lists the managed routes")
    };
    let bytes = tree::read_file(&root.join(&file)).ok().flatten().ok_or_else(missing)?;
    let document = document::check(&file, Format::Yaml, Origin::Managed, &bytes);
    let mut tree = tree::read(root)?;
    let findings = tree::shadowed(&tree).into_iter().filter(|found| found.file.as_deref() == Some(&file));
    let mut findings: Vec<_> = findings.collect();
    tree.files.retain(|other| other.path != file);
    findings.extend(
        Names::of(Some(&document), Some(&tree)).missing(&document).into_iter().map(|found| found.in_file(&file)),
    );
    Ok(Subject { documents: vec![(Some(file), document)], findings, stops: Vec::new(), beside: tree.breaking() })
}

fn of_tree(tree: Tree) -> Subject {
    let mut findings = tree::shadowed(&tree);
    let names = Names::of(None, Some(&tree));
    for file in &tree.files {
        let found = names.missing(&file.document);
        findings.extend(found.into_iter().map(|found| found.in_file(&file.path)));
    }
    let documents = tree.files.into_iter().map(|file| (Some(file.path), file.document)).collect();
    Subject { documents, findings, stops: tree.findings, beside: Vec::new() }
}

/// `running`: Traefik as it is now, or why it is not known; nothing where nobody asked.
fn answer(mut subject: Subject, running: Option<Result<live::Running, Finding>>) -> Answer<Report> {
    match running {
        Some(Ok(running)) => subject.findings.extend(running.compare(&subject.documents)),
        Some(Err(unknown)) => subject.findings.push(unknown),
        None => {}
    }
    let verdicts: Vec<Loads> = subject.documents.iter().map(|(_, document)| document.loads).collect();
    let is_refused = subject.stops.iter().any(|stop| stop.severity == Severity::Error);
    let would_load = if verdicts.contains(&Loads::No) || is_refused {
        Loads::No
    } else if verdicts.contains(&Loads::Unknown) || !subject.stops.is_empty() {
        Loads::Unknown
    } else {
        Loads::Yes
    };
    let (mut refusals, mut doubts): (Vec<_>, Vec<_>) =
        subject.stops.into_iter().partition(|stop| stop.severity == Severity::Error);
    let mut findings = subject.findings;
    let mut files = Vec::new();
    for (file, mut document) in subject.documents {
        let rest = document.findings.split_off(document.refusals.min(document.findings.len()));
        let worst = if document.loads == Loads::Unknown { &mut doubts } else { &mut refusals };
        worst.append(&mut document.findings);
        findings.extend(rest);
        files.extend(file);
    }
    // The sort keeps the order of equals.
    findings.sort_by_key(|finding| finding.severity);
    let findings: Vec<_> = refusals.into_iter().chain(doubts).chain(findings).collect();
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    let valid = would_load == Loads::Yes && errors == 0;
    let summary = summary(would_load, &findings, errors, &subject.beside);
    let left_out = findings.len().saturating_sub(FINDINGS);
    let findings: Vec<_> = findings.into_iter().take(FINDINGS).collect();
    let text = text(&summary, &findings, left_out);
    Answer { text, body: Report { valid, would_load, findings, left_out, files, summary } }
}

fn summary(would_load: Loads, findings: &[Finding], errors: usize, others: &[Finding]) -> String {
    let first = findings.first().map(Finding::sentence).unwrap_or_default();
    let mut said = match would_load {
        Loads::No => format!("This would freeze the whole file provider: Traefik refuses it. {first}"),
        Loads::Unknown => format!("This may freeze the whole file provider: only Traefik can tell. {first}"),
        Loads::Yes if errors > 0 => {
            format!("Traefik would load this, but {errors} errors leave parts of it without effect")
        }
        Loads::Yes if findings.is_empty() => "Traefik would load this, and nothing is wrong with it".into(),
        Loads::Yes => "Traefik would load this, and no error was found".into(),
    };
    if let Some(other) = others.first() {
        said.push_str(&format!(". The watched directory is or may be frozen already: {}", other.sentence()));
    }
    said
}

fn text(summary: &str, findings: &[Finding], left_out: usize) -> String {
    let mut text = summary.to_owned();
    for finding in findings.iter().take(LINES) {
        let severity = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "info",
        };
        text.push_str(&format!("\n{severity}: {} ({})", finding.sentence(), finding.code));
    }
    let more = left_out + findings.len().saturating_sub(LINES);
    if more > 0 {
        text.push_str(&format!("\n… and {more} more findings"));
    }
    text
}

#[cfg(test)]
mod tests;
