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
            place.push_str(file);
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
