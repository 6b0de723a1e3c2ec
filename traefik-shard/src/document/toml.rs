//! TOML with the lines of its values.
//!
//! Traefik's TOML speaks version 1.1, and so does this one; the bounds are those of the parser.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Fault;
use super::node::{Entry, Node, Value};

/// Reads a whole file.
pub(super) fn parse(text: &str) -> Result<Node, Fault> {
    let lines = Lines::of(text);
    match DeTable::parse(text) {
        Ok(table) => Ok(Node { line: 1, value: lines.table(table.get_ref())? }),
        Err(error) => {
            let line = error.span().map_or(1, |span| lines.at(&span));
            let fault = error.message().lines().collect::<Vec<_>>().join("; ");
            let code = if fault.contains("duplicate key") { "duplicate_key" } else { "syntax" };
            Err(Fault::new(code, line, format!("this is not TOML: {fault}")))
        }
    }
}

/// Where the lines of a text begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self(std::iter::once(0).chain(ends.map(|(place, _)| place + 1)).collect())
    }

    fn at(&self, span: &Range<usize>) -> u32 {
        u32::try_from(self.0.partition_point(|begin| *begin <= span.start)).unwrap_or(u32::MAX)
    }

    fn table(&self, table: &DeTable) -> Result<Value, Fault> {
        let mut entries = Vec::new();
        for (key, value) in table {
            let line = self.at(&key.span());
            if key.get_ref().is_empty() {
                return Err(Fault::new("key_not_text", line, "a key is empty; name it"));
            }
            entries.push(Entry { key: key.get_ref().to_string(), line, value: self.node(value)? });
        }
        // The parser sorts by name; people read by line.
        entries.sort_by_key(|entry| entry.line);
        Ok(Value::Map(entries))
    }

    fn node(&self, value: &Spanned<DeValue>) -> Result<Node, Fault> {
        let line = self.at(&value.span());
        let number = |fault: &str| Fault::new("syntax", line, format!("this number {fault}"));
        let value = match value.get_ref() {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Boolean(value) => Value::Bool(*value),
            DeValue::Integer(value) => {
                let parsed = i64::from_str_radix(value.as_str(), value.radix());
                Value::Integer(parsed.map_err(|_| number("does not fit in 64 bits"))?.into())
            }
            DeValue::Float(value) => {
                let parsed: f64 = value.as_str().parse().map_err(|_| number("is not understood"))?;
                Value::Float(parsed)
            }
            DeValue::Datetime(_) => {
                return Err(Fault::new("timestamp", line, "Traefik cannot take dates and times; put it in quotes"));
            }
            DeValue::Array(items) => Value::List(items.iter().map(|item| self.node(item)).collect::<Result<_, _>>()?),
            DeValue::Table(table) => self.table(table)?,
        };
        Ok(Node { line, value })
    }
}
