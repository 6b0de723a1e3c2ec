//! Takes typed values out of a [`Node`], and reports what is not of the type.
//!
//! `None` means that the fault is in the report, so that a caller goes on with any value.

mod value;
mod words;

use std::collections::HashMap;

use self::words::{enumerate, nearest};

use super::{
    node::{Key, Kind, Node, Value},
    problem::{At, Report, quote},
};

/// A map whose keys are known.
pub(super) struct Fields<'a> {
    pairs: &'a [(Key, Node)],
    /// What stands before a key in messages, such as `timeouts.`.
    path: String,
    unknown: Unknown,
}

/// One value, and what messages call it.
#[derive(Clone)]
pub(super) struct Field<'a> {
    pub(super) name: String,
    pub(super) node: &'a Node,
}

/// What an unknown key is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknown {
    Error,
    Warning,
    /// Another program's matter.
    Ignored,
}

impl<'a> Fields<'a> {
    /// The keys at the top of a file or entry. `None` if `node` has none.
    pub(super) fn root(node: &'a Node, known: &[&str], unknown: Unknown, report: &mut Report) -> Option<Self> {
        let Value::Map(pairs) = &node.value else {
            let found = node.describe();
            report.error(node.at, format!("lines such as `command: name` belong here, found {found}"));
            return None;
        };
        let path = String::new();
        let fields = Self { pairs, path, unknown };
        fields.check(known, report);
        Some(fields)
    }

    pub(super) fn get(&self, key: &str) -> Option<Field<'a>> {
        let (_, node) = self.pairs.iter().find(|(known, _)| known.text == key)?;
        Some(Field { name: format!("{}{key}", self.path), node })
    }

    /// True if `key` is not there, and an error about a key much like it is in the report.
    pub(super) fn slipped(&self, key: &str) -> bool {
        let like = |(written, _): &(Key, Node)| nearest(&written.text, &[key]).is_some();
        self.unknown == Unknown::Error && self.get(key).is_none() && self.pairs.iter().any(like)
    }

    fn check(&self, known: &[&str], report: &mut Report) {
        for (key, _) in unique(self.pairs, report) {
            if !known.contains(&key.text.as_str()) {
                self.report_unknown(key, known, report);
            }
        }
    }

    fn report_unknown(&self, key: &Key, known: &[&str], report: &mut Report) {
        let name = quote(&format!("{}{}", self.path, key.text));
        match (self.unknown, nearest(&key.text, known)) {
            (Unknown::Ignored, _) => {}
            (Unknown::Warning, Some(near)) => {
                report.warning(key.at, format!("unknown key {name}; did you mean `{near}`?"));
            }
            (Unknown::Warning, None) => {
                report.warning(key.at, format!("key {name} is passed over"));
            }
            (Unknown::Error, Some(near)) => {
                let near = format!("`{}{near}`", self.path);
                report.error(key.at, format!("unknown key {name}; did you mean {near}?"));
            }
            (Unknown::Error, None) => {
                let known = enumerate(known);
                report.error(key.at, format!("unknown key {name}; the keys are {known}"));
            }
        }
    }
}

impl<'a> Field<'a> {
    pub(super) fn error(&self, report: &mut Report, message: impl AsRef<str>) {
        let name = quote(&self.name);
        report.error(self.node.at, format!("{name}: {}", message.as_ref()));
    }

    /// The items of a list; a key without a value is an empty one.
    pub(super) fn items(&self, report: &mut Report) -> Vec<Field<'a>> {
        match &self.node.value {
            Value::List(items) => {
                let fields = items.iter().enumerate();
                let field = |(index, node)| Field { name: format!("{}[{index}]", self.name), node };
                fields.map(field).collect()
            }
            _ if self.node.is_null() => Vec::new(),
            _ => {
                let _ = self.expected::<()>("a list such as `[first, second]`", report);
                Vec::new()
            }
        }
    }

    /// The pairs of a map with free keys; a key without a value is an empty one.
    pub(super) fn pairs(&self, report: &mut Report) -> Vec<(&'a Key, Field<'a>)> {
        match &self.node.value {
            Value::Map(pairs) => {
                let name = |key: &Key| format!("{}.{}", self.name, key.text);
                let field = |(key, node)| (key, Field { name: name(key), node });
                unique(pairs, report).map(field).collect()
            }
            _ if self.node.is_null() => Vec::new(),
            _ => {
                let _ = self.expected::<()>("keys with values, such as `NAME: value`", report);
                Vec::new()
            }
        }
    }

    /// The known keys inside; a key without a value has none.
    pub(super) fn fields(&self, known: &[&str], report: &mut Report) -> Fields<'a> {
        let path = format!("{}.", self.name);
        let pairs: &[(Key, Node)] = match &self.node.value {
            Value::Map(pairs) => pairs,
            _ if self.node.is_null() => &[],
            _ => {
                let _ = self.expected::<()>(&format!("the keys {}", enumerate(known)), report);
                &[]
            }
        };
        let fields = Fields { pairs, path, unknown: Unknown::Error };
        fields.check(known, report);
        fields
    }

    fn expected<T>(&self, what: &str, report: &mut Report) -> Option<T> {
        let found = match &self.node.value {
            Value::Scalar(scalar) if scalar.kind != Kind::Null => quote(&scalar.text),
            _ => self.node.describe().to_owned(),
        };
        self.error(report, format!("expected {what}, found {found}"));
        None
    }
}

/// The pairs of a map; a key that was there before is reported and left out.
fn unique<'a>(pairs: &'a [(Key, Node)], report: &mut Report) -> impl Iterator<Item = (&'a Key, &'a Node)> + use<'a> {
    let mut lines = HashMap::new();
    let mut first = Vec::new();
    for (key, node) in pairs {
        if let Some(line) = lines.get(&key.text) {
            let name = quote(&key.text);
            report.error(key.at, format!("duplicate key {name}; line {line} has it already; remove one of the two"));
        } else {
            lines.insert(&key.text, key.at.line);
            first.push((key, node));
        }
    }
    first.into_iter()
}

/// Where a key that is not there would be.
pub(super) fn missing(at: At, key: &str, what: &str, report: &mut Report) {
    report.error(at, format!("`{key}` is missing; {what}"));
}
