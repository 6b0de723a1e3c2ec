//! What a person reads of a check: the names, then each fault with its line, then the sum.
//!
//! Invariant: the last lines on the screen are those that matter most.

use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};

use super::{Findings, Seen};
use crate::app::output;
use crate::config::{Environment as _, Excerpt, Host, Problem, Severity, excerpt};

/// Names have 64 characters at most, and Open WebUI puts `<connection id>_` before them.
const LONGEST_NAME: usize = 64;

/// With colour where it helps.
pub(super) fn renderer() -> Renderer {
    if output::takes_colour() { Renderer::styled() } else { Renderer::plain() }
}

impl Findings {
    pub(super) fn text(&self, renderer: &Renderer) -> String {
        let mut text: String = self.shards.iter().map(shard).collect();
        let lengths = self.shards.iter().flat_map(|shard| shard.tools.iter().flatten()).map(|tool| tool.length);
        if let Some(longest) = lengths.max() {
            text += &room(longest);
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text += &problems(&self.problems, renderer);
        let shards = count(self.shards.len(), "shard");
        let tools = count(self.tools(), "known tool");
        let errors = count(self.count(Severity::Error), "error");
        let warnings = count(self.count(Severity::Warning), "warning");
        let _ = writeln!(text, "{shards} in order with {tools}; {errors}, {warnings}");
        text
    }
}

/// Each problem with its line, if it is at one.
fn problems(problems: &[Problem], renderer: &Renderer) -> String {
    let mut text = String::new();
    let mut at_hand: Option<(&Problem, String)> = None;
    for problem in problems {
        if problem.line > 0 && at_hand.as_ref().is_none_or(|(other, _)| other.file != problem.file) {
            // A file that has gone since is shown without its lines.
            let bytes = Host.read(&problem.file).unwrap_or_default();
            at_hand = Some((problem, String::from_utf8_lossy(&bytes).into_owned()));
        }
        let file = at_hand.as_ref().map_or("", |(_, text)| text);
        text += &one(problem, file, renderer);
        text += "\n\n";
    }
    text
}

fn one(problem: &Problem, text: &str, renderer: &Renderer) -> String {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(problem.message.as_str());
    let path = problem.file.display().to_string().escape_debug().to_string();
    let whole = Origin::path(path.clone());
    let place = Origin::path(path.clone()).line(problem.line).char_column(problem.column);
    let group = match excerpt(text, problem) {
        _ if problem.line == 0 => title.element(whole),
        None => title.element(place),
        Some(Excerpt { line, fault }) => {
            let column = line[..fault.start].chars().count() + 1;
            let line = Snippet::source(line).line_start(problem.line).annotation(AnnotationKind::Primary.span(fault));
            // Behind a secret that is not shown, the column of what is shown is not that of the file.
            if column == problem.column { title.element(line.path(path)) } else { title.element(place).element(line) }
        }
    };
    renderer.render(&[group])
}

fn shard(seen: &Seen) -> String {
    let Seen { shard, file, enabled, tools } = seen;
    let file = file.display();
    let mut text = match tools {
        _ if !enabled => format!("{shard} ({file}): disabled\n"),
        None => format!("{shard} ({file}): its tools are known once it has run\n"),
        Some(tools) => format!("{shard} ({file}): {}\n", count(tools.len(), "tool")),
    };
    for tool in tools.iter().flatten() {
        let _ = writeln!(text, "  {:>2}  {}", tool.length, tool.name);
    }
    text
}

/// What the longest name leaves for the connection id of Open WebUI, and the `_` after it.
fn room(longest: usize) -> String {
    let left = (LONGEST_NAME - 1).saturating_sub(longest);
    let what = match left {
        0 => "no connection id of Open WebUI fits before it, which then shortens it itself".to_owned(),
        _ => format!("a connection id of Open WebUI may have {}", count(left, "character")),
    };
    format!("The longest name has {} of {LONGEST_NAME}: {what}.\n", count(longest, "character"))
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
