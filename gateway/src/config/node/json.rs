//! JSON, read by `serde_json` and placed by where each value lies in the text.
//!
//! `serde_json` has checked the whole text before any value of it is looked at.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{DEEPEST, Key, Kind, MOST_NODES, Node, Scalar, Value, too_deep, too_many};
use crate::config::problem::{At, Report};

/// Reads a file. `None`: it cannot be read as JSON, and the report says why.
pub(in crate::config) fn parse(text: &str, report: &mut Report) -> Option<Node> {
    if text.trim().is_empty() {
        report.error(At { line: 1, column: 1 }, super::EMPTY);
        return None;
    }
    match serde_json::from_str(text) {
        Ok(raw) => {
            let counted = (0, At { line: 1, column: 1 });
            Reader { text, counted, nodes: 0, report }.node(raw, 0)
        }
        Err(error) => {
            let at = At { line: error.line(), column: error.column().max(1) };
            report.error(at, explain(&error));
            None
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    /// The place of this offset is known.
    counted: (usize, At),
    nodes: usize,
    report: &'a mut Report,
}

impl<'a> Reader<'a> {
    fn node(&mut self, raw: &'a RawValue, depth: usize) -> Option<Node> {
        let text = raw.get();
        let at = self.place(self.offset(text));
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            too_many(at, self.report);
            return None;
        }
        if depth > DEEPEST {
            too_deep(at, self.report);
            return None;
        }
        let value = match text.as_bytes().first() {
            Some(b'{') => self.map(text, at, depth)?,
            Some(b'[') => {
                let items: Vec<&RawValue> = self.checked(serde_json::from_str(text), at)?;
                let nodes = items.into_iter().map(|item| self.node(item, depth + 1));
                Value::List(nodes.collect::<Option<_>>()?)
            }
            Some(b'"') => {
                let text = self.checked(serde_json::from_str(text), at)?;
                Value::Scalar(Scalar { text, kind: Kind::Text })
            }
            Some(b't' | b'f') => scalar(text, Kind::Bool(text == "true")),
            Some(b'n') => scalar("", Kind::Null),
            _ => scalar(text, Kind::Number),
        };
        Some(Node { at, value })
    }

    fn map(&mut self, text: &'a str, at: At, depth: usize) -> Option<Value> {
        let RawPairs(raw) = self.checked(serde_json::from_str(text), at)?;
        let mut pairs = Vec::new();
        let mut end = self.offset(text) + 1;
        for (key, value) in raw {
            // Between two values stand only spaces, commas and the key.
            let quote = self.text[end..].find('"').map_or(end, |distance| end + distance);
            let key = Key { text: key, at: self.place(quote) };
            end = self.offset(value.get()) + value.get().len();
            let value = self.node(value, depth + 1)?;
            pairs.push((key, value));
        }
        Some(Value::Map(pairs))
    }

    /// Half a surrogate pair is found only when a text is taken out of its quotes.
    fn checked<T>(&mut self, result: serde_json::Result<T>, at: At) -> Option<T> {
        result.map_err(|error| self.report.error(at, explain(&error))).ok()
    }

    /// Where `part`, a part of the text, begins.
    fn offset(&self, part: &str) -> usize {
        part.as_ptr().addr() - self.text.as_ptr().addr()
    }

    /// Values are met in the order of the text, so that it is counted through only once.
    fn place(&mut self, offset: usize) -> At {
        let (counted, mut at) = self.counted;
        for character in self.text[counted..offset].chars() {
            if character == '\n' {
                at = At { line: at.line + 1, column: 1 };
            } else {
                at.column += 1;
            }
        }
        self.counted = (offset, at);
        at
    }
}

/// A map's pairs as they stand, equal keys too.
struct RawPairs<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for RawPairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = RawPairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(RawPairs(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

fn scalar(text: &str, kind: Kind) -> Value {
    Value::Scalar(Scalar { text: text.to_owned(), kind })
}

/// The parser's words without the place, which the problem has.
fn explain(error: &serde_json::Error) -> String {
    let words = error.to_string();
    let words = words.split(" at line ").next().unwrap_or(&words);
    let way_out = match words {
        "key must be a string" => "; check for a comma before `}`",
        "trailing comma" => "; remove the comma before this place",
        "trailing characters" => "; remove what stands after the end",
        _ if words.starts_with("EOF while") => "; the file ends too early: check for a missing `\"`, `]` or `}`",
        _ if words.starts_with("expected `,`") => "; check for a missing comma before this place",
        _ if words.starts_with("control character") => "; write line breaks and tabs in a text as `\\n` and `\\t`",
        _ => "; see what stands just before this place",
    };
    format!("not valid JSON: {words}{way_out}")
}
