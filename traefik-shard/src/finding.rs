//! One thing that is wrong, or odd, in a configuration.
//!
//! Findings are data: the same one serves `validate_config`, the refusal of a write and a test.

use rmcp::schemars::{self, JsonSchema};
use serde::Serialize;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Severity {
    /// Traefik refuses it, or it cannot work.
    Error,
    /// Traefik takes it, but hardly as it was meant.
    Warning,
    /// Worth knowing.
    Info,
}

/// What was found, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    /// A stable name of the kind of finding, in snake case, such as `unknown_field`.
    pub(crate) code: String,
    /// The file, relative to the directory that Traefik watches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    /// The element, such as `http.routers.app.rule`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    /// Counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<u32>,
    /// The fault and the way out.
    pub(crate) message: String,
}

impl Finding {
    /// A finding without a place yet.
    pub(crate) fn new(severity: Severity, code: &str, message: impl Into<String>) -> Self {
        Self { severity, code: code.into(), file: None, path: None, line: None, message: message.into() }
    }

    /// Adds the file.
    pub(crate) fn in_file(mut self, file: &str) -> Self {
        self.file = Some(file.to_owned());
        self
    }

    /// Adds the element.
    pub(crate) fn at(mut self, path: &str) -> Self {
        self.path = Some(path.to_owned());
        self
    }

    /// Adds the line.
    pub(crate) fn on_line(mut self, line: u32) -> Self {
        self.line = Some(line);
        self
    }

    /// `file:line: path: message`, as far as they are known; `line 5: …` where there is no file.
    pub(crate) fn sentence(&self) -> String {
        let mut place = String::new();
        if let Some(file) = &self.file {
            // A file name may hold line breaks and escapes for terminals.
            place.extend(file.chars().map(|sign| if sign.is_control() { '\u{fffd}' } else { sign }));
            place.push(':');
        }
        if let Some(line) = self.line {
            place.push_str(&if place.is_empty() { format!("line {line}:") } else { format!("{line}:") });
        }
        if let Some(path) = &self.path {
            place.push_str(&format!("{}{path}:", if place.is_empty() { "" } else { " " }));
        }
        if !place.is_empty() {
            place.push(' ');
        }
        place + &self.message
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_one_line_and_names_what_is_known_of_the_place() {
        let check = |finding: Finding, expected: &str| assert_eq!(finding.sentence(), expected);
        let finding = || Finding::new(Severity::Error, "odd", "it is odd");
        check(finding(), "it is odd");
        check(finding().on_line(3), "line 3: it is odd");
        check(finding().at("http.x"), "http.x: it is odd");
        check(finding().in_file("a.yml").on_line(3).at("http.x"), "a.yml:3: http.x: it is odd");
        check(finding().in_file("a\n\u{1b}b.yml"), "a\u{fffd}\u{fffd}b.yml: it is odd");
    }
}
