//! YAML as Go's YAML reads it: the first document, anchors and merge keys resolved, every key a unique string.
//!
//! Depth and size are bounded, aliases included; what only one of two parsers takes is refused.

use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag};
use serde::Deserialize;

use super::node::{Entry, Node, Value};
use super::{Fault, scalar};

const MAX_DEPTH: usize = 64;
const MAX_NODES: usize = 200_000;
/// Aliases may repeat this many nodes; beyond it Go's YAML begins to speak of excessive aliasing.
const MAX_ALIASED: usize = 900;

/// A document, and whether others follow, which Traefik ignores.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) root: Node,
    pub(super) more: bool,
}

/// Reads the first document; an empty one is null.
pub(super) fn parse(text: &str) -> Result<Parsed, Fault> {
    let mut reader = Reader { events: Parser::new_from_str(text), anchors: HashMap::new(), nodes: 0, aliased: 0 };
    let parsed = reader.first_document()?;
    second_opinion(text)?;
    Ok(parsed)
}

/// Go's YAML is a port of libyaml, and so is this parser: what it refuses, Traefik refuses.
fn second_opinion(text: &str) -> Result<(), Fault> {
    let Some(document) = serde_yaml::Deserializer::from_str(text).next() else { return Ok(()) };
    match serde_yaml::Value::deserialize(document) {
        Ok(_) => Ok(()),
        Err(error) => {
            let line = error.location().and_then(|place| u32::try_from(place.line()).ok());
            Err(Fault::new(
                "syntax",
                line.unwrap_or(1),
                format!("this is not YAML: {}", without_place(&error.to_string())),
            ))
        }
    }
}

fn without_place(message: &str) -> String {
    message.split(" at line ").next().unwrap_or(message).to_owned()
}

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    aliased: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, u32), Fault> {
        match self.events.next() {
            Some(Ok((event, span))) => Ok((event, line_of(span))),
            Some(Err(error)) => {
                let line = u32::try_from(error.marker().line()).unwrap_or(u32::MAX);
                Err(Fault::new("syntax", line.max(1), format!("this is not YAML: {}", error.info())))
            }
            None => Err(Fault::new("syntax", 1, "this is not YAML: it ends too early")),
        }
    }

    fn first_document(&mut self) -> Result<Parsed, Fault> {
        loop {
            let (event, line) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
                Event::StreamEnd => return Ok(Parsed { root: Node { line: 1, value: Value::Null }, more: false }),
                event => {
                    let root = self.node(event, line, 0)?;
                    return Ok(Parsed { root, more: self.is_followed()? });
                }
            }
        }
    }

    /// A second document that begins well may be broken further on: Traefik does not read it.
    fn is_followed(&mut self) -> Result<bool, Fault> {
        loop {
            match self.next()? {
                (Event::DocumentEnd | Event::Nothing, _) => {}
                (Event::StreamEnd, _) => return Ok(false),
                (Event::DocumentStart(true), _) => return Ok(true),
                (_, line) => {
                    return Err(Fault::new("syntax", line, "this is not YAML: the document has ended before this"));
                }
            }
        }
    }

    fn node(&mut self, event: Event<'a>, line: u32, depth: usize) -> Result<Node, Fault> {
        self.nodes += 1;
        if self.nodes > MAX_NODES || depth > MAX_DEPTH {
            let fault = format!("this is larger than {MAX_NODES} values or deeper than {MAX_DEPTH} levels; split it");
            return Err(Fault::new("too_large", line, fault));
        }
        let (anchor, value) = match event {
            Event::Alias(anchor) => return self.alias(anchor, line),
            Event::Scalar(text, style, anchor, tag) => (anchor, scalar_value(&text, style, tag.as_deref(), line)?),
            Event::SequenceStart(anchor, tag) => {
                collection_tag(tag.as_deref(), "seq", line)?;
                (anchor, self.list(depth)?)
            }
            Event::MappingStart(anchor, tag) => {
                collection_tag(tag.as_deref(), "map", line)?;
                (anchor, self.map(depth)?)
            }
            _ => return Err(Fault::new("syntax", line, "this is not YAML: a value is missing")),
        };
        let node = Node { line, value };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    /// An anchor is known only after its own value has ended, so none can contain itself.
    fn alias(&mut self, anchor: usize, line: u32) -> Result<Node, Fault> {
        let Some(node) = self.anchors.get(&anchor) else {
            return Err(Fault::new("alias", line, "this alias stands inside its own anchor; write the value out"));
        };
        self.aliased += node.size();
        if self.aliased > MAX_ALIASED {
            let fault = format!("the aliases of this file repeat more than {MAX_ALIASED} values; write them out");
            return Err(Fault::new("too_large", line, fault));
        }
        Ok(node.clone())
    }

    fn list(&mut self, depth: usize) -> Result<Value, Fault> {
        let mut items = Vec::new();
        loop {
            let (event, line) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                return Ok(Value::List(items));
            }
            items.push(self.node(event, line, depth + 1)?);
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value, Fault> {
        let (mut entries, mut merged, mut known) = (Vec::new(), Vec::new(), HashSet::new());
        loop {
            let (event, line) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let merges = is_merge(&event);
            let key = if merges { "<<".to_owned() } else { self.key(event, line, depth)? };
            if !known.insert(key.clone()) {
                return Err(Fault::new(
                    "duplicate_key",
                    line,
                    format!("the key `{key}` stands here twice; remove one"),
                ));
            }
            let (event, value_line) = self.next()?;
            let was_list = matches!(event, Event::SequenceStart(..));
            let value = self.node(event, value_line, depth + 1)?;
            if merges {
                merged.extend(sources_of_merge(value, was_list)?);
            } else {
                entries.push(Entry { key, line, value });
            }
        }
        for entry in merged {
            if known.insert(entry.key.clone()) {
                entries.push(entry);
            }
        }
        Ok(Value::Map(entries))
    }

    fn key(&mut self, event: Event<'a>, line: u32, depth: usize) -> Result<String, Fault> {
        let node = self.node(event, line, depth + 1)?;
        match node.value {
            Value::Text(text) if !text.is_empty() => Ok(text),
            other => {
                let shown = Node { line, value: other }.printed().unwrap_or_default();
                let fault = format!("the key `{shown}` is not a string; put it in quotes");
                Err(Fault::new("key_not_text", line, fault))
            }
        }
    }
}

/// The end of an event without text may lie on the line before its beginning.
fn line_of(span: Span) -> u32 {
    u32::try_from(span.start.line()).unwrap_or(u32::MAX).max(1)
}

fn is_merge(event: &Event) -> bool {
    matches!(event, Event::Scalar(text, ScalarStyle::Plain, _, None) if text == "<<")
}

fn sources_of_merge(value: Node, was_list: bool) -> Result<Vec<Entry>, Fault> {
    let line = value.line;
    let fault = || Fault::new("merge", line, "`<<` needs a map, or a list of maps");
    let sources = match value.value {
        Value::List(items) if was_list => items.into_iter().map(|item| item.value).collect(),
        other => vec![other],
    };
    let mut entries = Vec::new();
    for source in sources {
        let Value::Map(more) = source else { return Err(fault()) };
        entries.extend(more);
    }
    Ok(entries)
}

fn scalar_value(text: &str, style: ScalarStyle, tag: Option<&Tag>, line: u32) -> Result<Value, Fault> {
    let is_text = match tag {
        None => style != ScalarStyle::Plain,
        Some(tag) if tag.is_yaml_core_schema() && tag.suffix == "str" => true,
        Some(tag) => return Err(Fault::new("tag", line, format!("the tag `{tag}` is not understood; remove it"))),
    };
    if is_text {
        return Ok(Value::Text(text.to_owned()));
    }
    let fault = || Fault::new("timestamp", line, format!("Traefik cannot take `{text}` like this; put it in quotes"));
    scalar::plain(text).ok_or_else(fault)
}

fn collection_tag(tag: Option<&Tag>, name: &str, line: u32) -> Result<(), Fault> {
    match tag {
        Some(tag) if !tag.is_yaml_core_schema() || tag.suffix != name => {
            Err(Fault::new("tag", line, format!("the tag `{tag}` is not understood; remove it")))
        }
        _ => Ok(()),
    }
}
