//! YAML, read as events with places.
//!
//! One parser reads the structure, and `serde_yaml` says what a plain scalar is: no text is read in two ways.

use std::{borrow::Cow, collections::HashMap};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, StrInput, Tag};

use super::{DEEPEST, Key, Kind, MOST_NODES, Node, Scalar, Value, too_deep, too_many};
use crate::config::problem::{At, Report};

/// Reads a file with one document. `None`: it cannot be read as YAML, and the report says why.
pub(in crate::config) fn parse(text: &str, report: &mut Report) -> Option<Node> {
    let mut reader = Reader { text, parser: Parser::new_from_str(text), anchors: HashMap::new(), nodes: 0, report };
    reader.document()
}

struct Reader<'a> {
    text: &'a str,
    parser: Parser<'a, StrInput<'a>>,
    /// The values that aliases may repeat.
    anchors: HashMap<usize, Node>,
    nodes: usize,
    report: &'a mut Report,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Option<Node> {
        let mut root = None;
        loop {
            let (event, at) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
                Event::DocumentStart(_) if root.is_some() => {
                    let fault = "a second document begins here; each shard has a file of its own";
                    self.report.error(at, fault);
                    return None;
                }
                Event::DocumentStart(_) => {
                    let (event, at) = self.next()?;
                    root = Some(self.node(event, at, 0)?);
                }
                _ => break,
            }
        }
        if root.is_none() {
            self.report.error(At { line: 1, column: 1 }, super::EMPTY);
        }
        root
    }

    fn next(&mut self) -> Option<(Event<'a>, At)> {
        match self.parser.next_event()? {
            Ok((event, span)) => Some((event, place(&span.start))),
            Err(error) => {
                self.report.error(self.place_of(&error), explain(&error));
                None
            }
        }
    }

    /// Where a person looks for it. The parser finds a tab while it reads on from the line before, and what is missing at the
    /// end of the last line below that line.
    fn place_of(&self, error: &ScanError) -> At {
        let at = place(error.marker());
        let mut later = self.text.lines().enumerate().skip(at.line);
        match later.next() {
            Some((index, line)) if error.info().contains("found a tab") && line.starts_with('\t') => {
                At { line: index + 1, column: 1 }
            }
            _ => self.end().filter(|end| at.line > end.line).unwrap_or(at),
        }
    }

    /// The place after the last text of the file.
    fn end(&self) -> Option<At> {
        let text = self.text.trim_end();
        let line = text.lines().count();
        Some(At { line, column: text.lines().last()?.chars().count() + 1 })
    }

    fn node(&mut self, event: Event<'a>, at: At, depth: usize) -> Option<Node> {
        self.nodes += 1;
        if depth > DEEPEST {
            too_deep(at, self.report);
            return None;
        }
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                (Value::Scalar(self.scalar(text, style, tag.as_deref(), at)), anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_tag(tag.as_deref(), at);
                (self.list(depth)?, anchor)
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_tag(tag.as_deref(), at);
                (self.map(depth)?, anchor)
            }
            Event::Alias(anchor) => (self.alias(anchor, at)?, 0),
            _ => return None,
        };
        if self.nodes > MOST_NODES {
            too_many(at, self.report);
            return None;
        }
        let node = Node { at, value };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Some(node)
    }

    fn list(&mut self, depth: usize) -> Option<Value> {
        let mut items = Vec::new();
        loop {
            let (event, at) = self.next()?;
            if event == Event::SequenceEnd {
                return Some(Value::List(items));
            }
            items.push(self.node(event, at, depth + 1)?);
        }
    }

    fn map(&mut self, depth: usize) -> Option<Value> {
        let mut pairs = Vec::new();
        loop {
            let (event, at) = self.next()?;
            if event == Event::MappingEnd {
                return Some(Value::Map(pairs));
            }
            let key = self.node(event, at, depth + 1)?;
            let (event, value_at) = self.next()?;
            let value = self.node(event, value_at, depth + 1)?;
            let Value::Scalar(Scalar { text, .. }) = key.value else {
                self.report.error(at, "a key must be a plain word, or text in quotes");
                return None;
            };
            pairs.push((Key { text, at }, value));
        }
    }

    fn alias(&mut self, anchor: usize, at: At) -> Option<Value> {
        let Some(node) = self.anchors.get(&anchor) else {
            self.report.error(at, "an alias cannot stand inside of what it repeats; write the value out");
            return None;
        };
        // Counted before it is copied, so that aliases of aliases stay small.
        self.nodes += node.size();
        if self.nodes > MOST_NODES {
            too_many(at, self.report);
            return None;
        }
        Some(node.value.clone())
    }

    fn scalar(&mut self, text: Cow<'a, str>, style: ScalarStyle, tag: Option<&Tag>, at: At) -> Scalar {
        let is_text = tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
        let kind = if is_text || style != ScalarStyle::Plain { Kind::Text } else { kind(&text) };
        if !is_text {
            self.refuse_tag(tag, at);
        }
        Scalar { text: text.into_owned(), kind }
    }

    fn refuse_tag(&mut self, tag: Option<&Tag>, at: At) {
        if tag.is_some() {
            self.report.error(at, "a value that begins with `!` must be put in quotes");
        }
    }
}

/// What a plain scalar is, by the rules of YAML.
fn kind(text: &str) -> Kind {
    match serde_yaml::from_str(text) {
        Ok(serde_yaml::Value::Null) => Kind::Null,
        Ok(serde_yaml::Value::Bool(value)) => Kind::Bool(value),
        Ok(serde_yaml::Value::Number(_)) => Kind::Number,
        _ => Kind::Text,
    }
}

fn place(marker: &Marker) -> At {
    At { line: marker.line(), column: marker.col() + 1 }
}

/// The parser's words, with the way out of the usual slips.
fn explain(error: &ScanError) -> String {
    let words = error.info();
    let way_out = if words.ends_with("a tab") || words.starts_with("tabs") {
        "; indent with spaces instead of tabs"
    } else if words.starts_with("mapping values are not allowed") {
        "; check the indentation, or put a value that holds `: ` in quotes"
    } else if words.starts_with("unexpected character") {
        "; put a value that begins with it in quotes"
    } else if words.contains("quoted scalar") {
        "; check the quotes"
    } else if words.contains("expected key") || words.contains("expected <document start>") {
        "; check the indentation"
    } else if words.contains("anchor") {
        "; put a value that begins with `*` or `&` in quotes"
    } else if words.contains("simple key expect ':'") {
        "; the line above has a key without `:`"
    } else if words.contains("recursion limit") {
        "; no key of a shard file needs such nesting"
    } else if words.contains("unprintable") {
        "; remove it, or write it as an escape such as `\\x1b` in double quotes"
    } else if words.contains("':' indicator") || words.contains("',' or") {
        "; check for a missing `]`, `}` or `,`"
    } else {
        "; see what stands just before this place"
    };
    format!("not valid YAML: {words}{way_out}")
}
