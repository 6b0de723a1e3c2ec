//! A file as a tree in which every key and value knows its place.
//!
//! Both grammars make the same tree, of bounded size and depth; equal keys in one map are still there.

mod json;
mod yaml;

pub(super) use self::{json::parse as parse_json, yaml::parse as parse_yaml};
use super::problem::{At, Report};

/// The most values in one file, with those that aliases repeat.
const MOST_NODES: usize = 10_000;
/// The deepest nesting; no key of a shard file needs more than half of it.
const DEEPEST: usize = 16;

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) at: At,
    pub(super) value: Value,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// A single value as it was written, without quotes.
#[derive(Clone, Debug)]
pub(super) struct Scalar {
    pub(super) text: String,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    Number,
    Text,
}

#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) text: String,
    pub(super) at: At,
}

impl Node {
    /// What this is, for messages.
    pub(super) fn describe(&self) -> &'static str {
        match &self.value {
            Value::List(_) => "a list",
            Value::Map(_) => "keys with values",
            Value::Scalar(scalar) => match scalar.kind {
                Kind::Null => "no value",
                Kind::Bool(_) => "true or false",
                Kind::Number => "a number",
                Kind::Text => "a text",
            },
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if scalar.kind == Kind::Null)
    }

    /// The value of `key`, if this is a map that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        let Value::Map(pairs) = &self.value else {
            return None;
        };
        let found = pairs.iter().find(|(known, _)| known.text == key);
        found.map(|(_, value)| value)
    }

    /// How many values this holds, itself included.
    fn size(&self) -> usize {
        1 + match &self.value {
            Value::Scalar(_) => 0,
            Value::List(items) => items.iter().map(Node::size).sum(),
            Value::Map(pairs) => pairs.iter().map(|(_, value)| value.size()).sum(),
        }
    }
}

/// Reports that a limit of the tree is passed.
fn too_deep(at: At, report: &mut Report) {
    report.error(at, format!("nested more than {DEEPEST} levels deep; no key of a shard file needs so many"));
}

fn too_many(at: At, report: &mut Report) {
    report.error(at, format!("the file holds more than {MOST_NODES} values; cut it down"));
}

/// What is wrong with a file that says nothing.
pub(super) const EMPTY: &str = "the file is empty; it needs at least `command: ` and a program's name";
