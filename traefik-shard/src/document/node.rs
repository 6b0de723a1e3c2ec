//! The tree that YAML and TOML are both read into: every value knows its line.
//!
//! A tree is bounded in depth and size by whoever builds it.

use serde_json::json;

/// A value and the line on which it begins, counted from 1.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) line: u32,
    pub(crate) value: Value,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    /// Signed or unsigned 64 bits.
    Integer(i128),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One key of a map; keys are unique.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    /// The line of the key.
    pub(crate) line: u32,
    pub(crate) value: Node,
}

impl Node {
    /// The value under a key of a map.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The value below several keys.
    pub(crate) fn find(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The entries of a map; nothing for any other value.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; nothing for any other value.
    pub(crate) fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The text of a string.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A string, or each string of a list, with its line: Traefik takes one for the other.
    pub(crate) fn texts(&self) -> Vec<(&str, u32)> {
        let one = self.text().map(|text| (text, self.line));
        one.into_iter().chain(self.items().iter().filter_map(|item| Some((item.text()?, item.line)))).collect()
    }

    /// The number of values in it, itself included.
    pub(crate) fn size(&self) -> usize {
        let items = self.items().iter().map(Node::size).sum::<usize>();
        1 + items + self.entries().iter().map(|entry| entry.value.size()).sum::<usize>()
    }

    /// How Go prints a scalar, which is what Traefik's decoder works on; `None` for null, lists and maps.
    pub(crate) fn printed(&self) -> Option<String> {
        match &self.value {
            Value::Bool(value) => Some(value.to_string()),
            Value::Integer(value) => Some(value.to_string()),
            Value::Float(value) => Some(print_float(*value)),
            Value::Text(text) => Some(text.clone()),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// The same as JSON, without the lines.
    pub(crate) fn json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => json!(value),
            Value::Integer(value) => match i64::try_from(*value) {
                Ok(value) => json!(value),
                Err(_) => json!(u64::try_from(*value).unwrap_or(u64::MAX)),
            },
            Value::Float(value) => json!(value),
            Value::Text(text) => json!(text),
            Value::List(items) => items.iter().map(Node::json).collect(),
            Value::Map(entries) => {
                let pairs = entries.iter().map(|entry| (entry.key.clone(), entry.value.json()));
                serde_json::Value::Object(pairs.collect())
            }
        }
    }
}

/// Six places, and none at all for a whole number.
fn print_float(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf".into() } else { "-Inf".into() };
    }
    let printed = format!("{value:.6}");
    printed.strip_suffix(".000000").map(str::to_owned).unwrap_or(printed)
}
