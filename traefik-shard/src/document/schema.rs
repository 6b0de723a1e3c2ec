//! The check against the schema: the last word on what Traefik takes.
//!
//! The schema is compiled once; each of its errors becomes a finding with a line.

use std::sync::LazyLock;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{ValidationError, Validator};

use super::decode;
use super::node::{Node, Value};
use super::shape;
use crate::finding::{Finding, Severity};

static VALIDATOR: LazyLock<Validator> =
    LazyLock::new(|| jsonschema::validator_for(&shape::SCHEMA).expect("the schema of this crate compiles"));

/// More findings than this help nobody.
const MAX_ERRORS: usize = 50;

/// What the schema objects to.
pub(super) struct Objection {
    pub(super) finding: Finding,
    /// Traefik loads it all the same and only disables what uses it.
    pub(super) is_harmless: bool,
}

/// Checks a tree; no objection means that Traefik loads it.
pub(super) fn check(root: &Node) -> Vec<Objection> {
    let instance = root.json();
    VALIDATOR.iter_errors(&instance).take(MAX_ERRORS).flat_map(|error| objections(root, &error)).collect()
}

fn objections(root: &Node, error: &ValidationError) -> Vec<Objection> {
    let pointer = error.instance_path().to_string();
    let path: Vec<String> = pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
    if let ValidationErrorKind::AdditionalProperties { unexpected } = error.kind() {
        let unknown = |key: &String| unknown_field(root, &path, key);
        return unexpected.iter().map(unknown).collect();
    }
    let is_definition = path.len() == 3 && (path[1] == "middlewares" || path[1] == "services");
    let counts =
        matches!(error.kind(), ValidationErrorKind::MinProperties { .. } | ValidationErrorKind::MaxProperties { .. });
    let is_harmless = is_definition && counts;
    let (code, message) = if is_harmless {
        (
            "not_one_type",
            format!("`{}` must have exactly one type; Traefik disables every router that uses it", path[2]),
        )
    } else {
        say(error.kind())
    };
    vec![Objection { finding: place(root, &path, code, message), is_harmless }]
}

fn unknown_field(root: &Node, path: &[String], key: &str) -> Objection {
    let message = match shape::fields_at(path) {
        Some(fields) => decode::unknown_field(key, fields),
        None => format!("unknown field `{key}`"),
    };
    let path: Vec<_> = path.iter().cloned().chain([key.to_owned()]).collect();
    Objection { finding: place(root, &path, "unknown_field", message), is_harmless: false }
}

/// Never shows the value, which may be a secret.
fn say(kind: &ValidationErrorKind) -> (&'static str, String) {
    match kind {
        ValidationErrorKind::MinProperties { .. } => {
            ("empty_map", "Traefik refuses a map without content here; fill it or remove its key".into())
        }
        ValidationErrorKind::Type { kind: TypeKind::Single(expected) } => {
            ("wrong_type", format!("the value is not of the type {expected}"))
        }
        ValidationErrorKind::Type { .. } => ("wrong_type", "the value must be a list of strings".into()),
        ValidationErrorKind::AnyOf { .. } => {
            ("wrong_type", "the value is neither what is needed here nor true or false".into())
        }
        ValidationErrorKind::Pattern { .. } => ("bad_duration", "this is not a duration such as 10s".into()),
        ValidationErrorKind::Minimum { .. } => ("bad_duration", "a duration is not negative".into()),
        other => ("schema", format!("Traefik's schema objects (`{}`)", other.keyword())),
    }
}

fn place(root: &Node, path: &[String], code: &str, message: String) -> Finding {
    let finding = Finding::new(Severity::Error, code, message).on_line(line_at(root, path));
    if path.is_empty() { finding } else { finding.at(&path.join(".")) }
}

/// The line of the key, or of the item, at the end of a path.
fn line_at(root: &Node, path: &[String]) -> u32 {
    let (mut here, mut line) = (root, root.line);
    for part in path {
        let next = match &here.value {
            Value::Map(entries) => {
                entries.iter().find(|entry| entry.key == *part).map(|entry| (entry.line, &entry.value))
            }
            Value::List(items) => {
                part.parse().ok().and_then(|index: usize| items.get(index)).map(|item| (item.line, item))
            }
            _ => None,
        };
        let Some((next_line, next)) = next else { break };
        (line, here) = (next_line, next);
    }
    line
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_schema_alone_refuses_an_empty_client_auth_and_durations_that_go_cannot_hold() {
        let is_taken = |document: &serde_json::Value| VALIDATOR.is_valid(document);
        let options = |auth| json!({"tls": {"options": {"default": {"clientAuth": auth}}}});
        assert!(!is_taken(&options(json!({}))));
        assert!(is_taken(&options(json!({"caFiles": ["/ca.pem"]}))));
        let limit =
            |period: &str| json!({"http": {"middlewares": {"m": {"rateLimit": {"average": 1, "period": period}}}}});
        for good in ["10s", "1h30m", "1.5s", "876000h", "90", "100000000000ns"] {
            assert!(is_taken(&limit(good)), "{good}");
        }
        for bad in ["9999999999999h", "9223372036854775808ns", "1d", "", "s", "99999999999s"] {
            assert!(!is_taken(&limit(bad)), "{bad}");
        }
    }
}
