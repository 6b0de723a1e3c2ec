//! What is wrong with a shard file, and where.
//!
//! A problem names the place, the fault and the way out; for most people it is the only documentation.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use serde::Serializer;

/// The most problems that are reported of one file.
const MOST: usize = 50;
/// The most characters of a value that a message repeats.
const LONGEST_QUOTE: usize = 60;

/// One fault of one file. Shown as `shards.d/traefik.yaml:7:1: unknown key ...`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, or the folder, that is at fault.
    pub file: PathBuf,
    /// The line, counted from 1; 0 if the fault is not at one line.
    pub line: usize,
    /// The column in characters, counted from 1; 0 if the fault is not at one line.
    pub column: usize,
    /// Whether the shard is refused.
    pub severity: Severity,
    /// The fault and the way out.
    pub message: String,
}

/// What a problem costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The shard is refused.
    Error,
    /// The shard runs all the same.
    Warning,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if self.line > 0 {
            write!(f, "{}:{}:", self.line, self.column)?;
        }
        match self.severity {
            Severity::Error => write!(f, " {}", self.message),
            Severity::Warning => write!(f, " warning: {}", self.message),
        }
    }
}

/// A place in a file, as in [`Problem`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl At {
    /// The file as a whole.
    pub(super) const FILE: Self = Self { line: 0, column: 0 };
}

/// Collects the problems of one file.
pub(super) struct Report {
    file: PathBuf,
    problems: Vec<Problem>,
    errors: usize,
}

impl Report {
    pub(super) fn new(file: &Path) -> Self {
        Self { file: file.to_owned(), problems: Vec::new(), errors: 0 }
    }

    pub(super) fn error(&mut self, at: At, message: impl Into<String>) {
        self.errors += 1;
        self.add(at, Severity::Error, message.into());
    }

    pub(super) fn warning(&mut self, at: At, message: impl Into<String>) {
        self.add(at, Severity::Warning, message.into());
    }

    /// How many errors there were so far, to tell whether a part of the file had any.
    pub(super) fn errors(&self) -> usize {
        self.errors
    }

    /// The problems in the order of the file, and no more than can be read.
    pub(super) fn finish(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| (problem.line, problem.column));
        let more = self.problems.len().saturating_sub(MOST);
        if more > 0 {
            self.problems.truncate(MOST);
            let last = &self.problems[MOST - 1];
            let at = At { line: last.line, column: last.column };
            self.add(at, Severity::Error, format!("and {more} more problems"));
        }
        self.problems
    }

    fn add(&mut self, at: At, severity: Severity, message: String) {
        self.problems.push(Problem { file: self.file.clone(), line: at.line, column: at.column, severity, message });
    }
}

/// True for what would move the cursor of a terminal, or turn the direction of the text.
pub(crate) fn steers(character: char) -> bool {
    let turns =
        matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    character.is_control() || turns
}

/// A path for programs. One that is not UTF-8 is written as far as it is: JSON has no other texts.
pub(crate) fn path_as_text<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

/// Puts a text from outside into a message: in backticks, on one line and not too long.
pub(super) fn quote(text: &str) -> String {
    let mut characters = text.chars();
    let mut quoted = String::from("`");
    for character in characters.by_ref().take(LONGEST_QUOTE) {
        if steers(character) {
            quoted.extend(character.escape_default());
        } else {
            quoted.push(character);
        }
    }
    if characters.next().is_some() {
        quoted.push('…');
    }
    quoted.push('`');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problem_shows_its_place_as_editors_link_it() {
        let mut problem = Problem {
            file: "shards.d/traefik.yaml".into(),
            line: 7,
            column: 1,
            severity: Severity::Error,
            message: "unknown key `comand`; did you mean `command`?".into(),
        };
        let expected = "shards.d/traefik.yaml:7:1: unknown key `comand`; did you mean `command`?";
        assert_eq!(problem.to_string(), expected);
        (problem.line, problem.severity) = (0, Severity::Warning);
        assert!(problem.to_string().starts_with("shards.d/traefik.yaml: warning: unknown"));
    }

    #[test]
    fn report_is_sorted_and_bounded() {
        let mut report = Report::new(Path::new("a.yaml"));
        for line in (1..=60).rev() {
            report.error(At { line, column: 1 }, "x");
        }
        let problems = report.finish();
        assert_eq!(problems[0].line, 1);
        assert_eq!(problems.len(), 51);
        assert_eq!(problems[50].message, "and 10 more problems");
    }

    #[test]
    fn quoted_text_is_short_and_stays_on_one_line() {
        assert_eq!(quote("a\nb\u{1b}"), "`a\\nb\\u{1b}`");
        assert_eq!(quote("a\u{202e}b"), "`a\\u{202e}b`");
        assert_eq!(quote(&"é".repeat(61)), format!("`{}…`", "é".repeat(60)));
    }
}
