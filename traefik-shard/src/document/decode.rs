//! Traefik's decoder, as far as its verdict and the result depend on it.
//!
//! Nulls are dropped, keys are compared without case and scalars are made to fit. What Traefik takes but makes
//! nothing of is an error that does not refuse; what it takes only by accident is refused.

use super::node::{Entry, Node, Value};
use super::scalar;
use super::shape::{self, Fields, Shape};
use crate::finding::{Finding, Severity};

/// A tree in which every field has its proper name and type, with what was found on the way.
pub(super) struct Decoded {
    pub(super) root: Node,
    /// Why Traefik does not load it; none: it does.
    pub(super) refusals: Vec<Finding>,
    /// What is wrong or odd besides.
    pub(super) notes: Vec<Finding>,
}

/// Decodes a document whose root is a map or null.
pub(super) fn decode(root: &Node) -> Decoded {
    let mut decoder = Decoder { path: Vec::new(), refusals: Vec::new(), notes: Vec::new() };
    let value = match &root.value {
        Value::Null => Value::Map(Vec::new()),
        Value::Map(entries) => decoder.sections(entries),
        _ => {
            decoder.refuse("wrong_type", root.line, "a configuration is a map with the keys http, tcp, udp and tls");
            Value::Map(Vec::new())
        }
    };
    Decoded { root: Node { line: root.line, value }, refusals: decoder.refusals, notes: decoder.notes }
}

struct Decoder {
    path: Vec<String>,
    refusals: Vec<Finding>,
    notes: Vec<Finding>,
}

impl Decoder {
    fn finding(&self, severity: Severity, code: &str, line: u32, message: impl Into<String>) -> Finding {
        let finding = Finding::new(severity, code, message).on_line(line);
        if self.path.is_empty() { finding } else { finding.at(&self.path.join(".")) }
    }

    fn note(&mut self, severity: Severity, code: &str, line: u32, message: impl Into<String>) {
        self.notes.push(self.finding(severity, code, line, message));
    }

    fn refuse(&mut self, code: &str, line: u32, message: impl Into<String>) {
        self.refusals.push(self.finding(Severity::Error, code, line, message));
    }

    /// Unknown sections are ignored by Traefik, whatever they hold.
    fn sections(&mut self, entries: &[Entry]) -> Value {
        let (known, unknown): (Vec<_>, Vec<_>) =
            entries.iter().cloned().partition(|entry| spelled(&entry.key, shape::sections()).is_some());
        for entry in unknown.iter().filter(|entry| !entry.key.starts_with("x-")) {
            let guess = shape::nearest(&entry.key, shape::sections().keys());
            let hint = guess.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
            let message = format!("Traefik silently ignores the section `{}`{hint}", entry.key);
            self.note(Severity::Warning, "unknown_section", entry.line, message);
        }
        self.fields(&known, shape::sections())
    }

    fn fields(&mut self, entries: &[Entry], fields: &'static Fields) -> Value {
        let mut taken: Vec<Entry> = Vec::new();
        for entry in entries {
            if entry.value.value == Value::Null {
                self.dropped(entry);
                continue;
            }
            let Some((name, shape)) = spelled(&entry.key, fields) else {
                self.unknown_field(entry, fields);
                continue;
            };
            self.path.push(name.to_owned());
            if *name != entry.key {
                let message = format!("Traefik reads `{}` as `{name}`; write it so", entry.key);
                self.note(Severity::Warning, "wrong_case", entry.line, message);
            }
            let value = self.value(&entry.value, shape);
            if let Some(twin) = taken.iter().find(|other| other.key == *name) {
                let message =
                    format!("`{}` and the key on line {} are one to Traefik; remove one", entry.key, twin.line);
                self.note(Severity::Error, "duplicate_key", entry.line, message);
            } else if let Some(value) = value {
                taken.push(Entry { key: name.to_owned(), line: entry.line, value });
            }
            self.path.pop();
        }
        Value::Map(taken)
    }

    fn dropped(&mut self, entry: &Entry) {
        let message = format!("`{}` has no value, so Traefik ignores it", entry.key);
        self.note(Severity::Warning, "null_value", entry.line, message);
    }

    fn unknown_field(&mut self, entry: &Entry, fields: &Fields) {
        let message = unknown_field(&entry.key, fields);
        self.path.push(entry.key.clone());
        self.refuse("unknown_field", entry.line, message);
        self.path.pop();
    }

    /// `None` where Traefik refuses, or where it takes the value and makes nothing of it.
    fn value(&mut self, node: &Node, shape: &'static Shape) -> Option<Node> {
        let line = node.line;
        let value = match shape {
            Shape::Text => self.text(node)?,
            Shape::Integer => self.integer(node)?,
            Shape::Bool => self.boolean(node)?,
            Shape::Duration => self.duration(node)?,
            Shape::Texts => self.texts(node)?,
            Shape::Structs(name) => self.structs(node, shape::fields(name))?,
            Shape::Struct { name, may_be_empty: true } => self.optional_struct(node, shape::fields(name))?,
            Shape::Struct { name, .. } => {
                let value = self.map_of(node, |decoder, entries| decoder.fields(entries, shape::fields(name)))?;
                self.never_empty(value, line)?
            }
            Shape::Map(inner) => {
                let value = self.map_of(node, |decoder, entries| decoder.named(entries, inner))?;
                self.never_empty(value, line)?
            }
            Shape::Anything => self.plugin_value(node)?,
        };
        Some(Node { line, value })
    }

    fn scalar(&mut self, node: &Node, expected: &str) -> Option<String> {
        let printed = node.printed();
        if printed.is_none() {
            self.refuse(
                "wrong_type",
                node.line,
                format!("here stands {}, but {expected} is needed", name_of(&node.value)),
            );
        }
        printed
    }

    /// Traefik makes a string of a list of scalars, and none at all of what is empty.
    fn text(&mut self, node: &Node) -> Option<Value> {
        if is_empty(&node.value) || is_list_of_scalars(&node.value) {
            let message = format!("here stands {}, of which Traefik makes a useless string", name_of(&node.value));
            self.note(Severity::Error, "wrong_type", node.line, message);
            return Some(Value::Text(String::new()));
        }
        self.scalar(node, "a string").map(Value::Text)
    }

    fn integer(&mut self, node: &Node) -> Option<Value> {
        let printed = self.scalar(node, "a whole number")?;
        let value = scalar::go_integer(&printed);
        if value.is_none() {
            let message = format!("{} is not a whole number of 64 bits", shown(&printed));
            self.refuse("wrong_type", node.line, message);
        }
        value.map(|value| Value::Integer(value.into()))
    }

    fn boolean(&mut self, node: &Node) -> Option<Value> {
        let printed = self.scalar(node, "true or false")?;
        let value = scalar::go_bool(&printed);
        if value.is_none() {
            let message = format!("{} is neither true nor false", shown(&printed));
            self.refuse("wrong_type", node.line, message);
        }
        value.map(Value::Bool)
    }

    fn duration(&mut self, node: &Node) -> Option<Value> {
        let printed = self.scalar(node, "a duration such as 10s")?;
        if scalar::go_seconds(&printed).is_none() {
            let message = format!("{} is not a duration such as 10s, 1m30s or a number of seconds", shown(&printed));
            self.refuse("bad_duration", node.line, message);
            return None;
        }
        Some(Value::Text(printed))
    }

    /// A scalar stands for a list: Traefik cuts it at its commas.
    fn texts(&mut self, node: &Node) -> Option<Value> {
        if let Some(printed) = node.printed() {
            let parts = printed.split(',').filter(|_| !printed.is_empty());
            let text = |part: &str| Node { line: node.line, value: Value::Text(part.trim().to_owned()) };
            return Some(Value::List(parts.map(text).collect()));
        }
        let items = match &node.value {
            Value::List(items) => items.as_slice(),
            Value::Map(entries) if entries.is_empty() => &[],
            _ => std::slice::from_ref(node),
        };
        let mut texts = Vec::new();
        for item in items {
            if is_empty(&item.value) {
                self.note(
                    Severity::Error,
                    "wrong_type",
                    item.line,
                    "Traefik ignores this empty map; a string belongs here",
                );
            } else {
                texts.push(Node { line: item.line, value: Value::Text(self.scalar(item, "a string")?) });
            }
        }
        Some(Value::List(texts))
    }

    /// Scalars among the items, or in the place of the list, are ignored by Traefik.
    fn structs(&mut self, node: &Node, fields: &'static Fields) -> Option<Value> {
        let items = match &node.value {
            Value::List(items) => items.as_slice(),
            Value::Map(entries) if entries.is_empty() => &[],
            _ if node.printed().is_some() => std::slice::from_ref(node),
            other => {
                self.refuse("wrong_type", node.line, format!("here stands {}, but a list is needed", name_of(other)));
                return None;
            }
        };
        let mut structs = Vec::new();
        for (index, item) in items.iter().enumerate() {
            if item.printed().is_some() {
                let message = format!("Traefik ignores {} here; a map belongs here", name_of(&item.value));
                self.note(Severity::Error, "wrong_type", item.line, message);
                continue;
            }
            self.path.push(index.to_string());
            let value = self.map_of(item, |decoder, entries| decoder.fields(entries, fields));
            self.path.pop();
            structs.push(Node { line: item.line, value: value? });
        }
        Some(Value::List(structs))
    }

    /// Any scalar but `true` switches it off.
    fn optional_struct(&mut self, node: &Node, fields: &'static Fields) -> Option<Value> {
        let Some(printed) = node.printed() else {
            return self.map_of(node, |decoder, entries| decoder.fields(entries, fields));
        };
        let is_on = printed.is_empty() || printed.eq_ignore_ascii_case("true");
        if !is_on && printed != "false" {
            let message = format!("Traefik reads {} as false; write true, false or a map", shown(&printed));
            self.note(Severity::Error, "wrong_type", node.line, message);
        }
        Some(Value::Bool(is_on))
    }

    fn map_of(&mut self, node: &Node, read: impl FnOnce(&mut Self, &[Entry]) -> Value) -> Option<Value> {
        match &node.value {
            Value::Map(entries) => Some(read(self, entries)),
            other => {
                self.refuse("wrong_type", node.line, format!("here stands {}, but a map is needed", name_of(other)));
                None
            }
        }
    }

    fn never_empty(&mut self, value: Value, line: u32) -> Option<Value> {
        if is_empty(&value) {
            if self.refusals.is_empty() {
                self.refuse("empty_map", line, "Traefik refuses a map without content here; fill it or remove its key");
            }
            return None;
        }
        Some(value)
    }

    /// Definitions by name: routers, services, headers. A scalar for a struct is an empty one to Traefik.
    fn named(&mut self, entries: &[Entry], inner: &'static Shape) -> Value {
        let mut taken = Vec::new();
        for entry in entries {
            self.path.push(entry.key.clone());
            if entry.value.value == Value::Null {
                self.dropped(entry);
            } else if let Some(value) = self.named_value(entry, inner) {
                taken.push(Entry { key: entry.key.clone(), line: entry.line, value });
            }
            self.path.pop();
        }
        Value::Map(taken)
    }

    fn named_value(&mut self, entry: &Entry, inner: &'static Shape) -> Option<Node> {
        let Shape::Struct { name, .. } = inner else {
            return match inner {
                Shape::Map(settings) => self.plugin(&entry.value, settings),
                _ => self.value(&entry.value, inner),
            };
        };
        let is_useless = entry.value.printed().is_some() || is_list_of_scalars(&entry.value.value);
        let value = if is_useless {
            let message = format!("`{}` is no map, so Traefik reads it as one without content", entry.key);
            self.note(Severity::Error, "wrong_type", entry.line, message);
            Value::Map(Vec::new())
        } else {
            self.map_of(&entry.value, |decoder, entries| decoder.fields(entries, shape::fields(name)))?
        };
        Some(Node { line: entry.value.line, value })
    }

    /// A plugin may go without settings.
    fn plugin(&mut self, node: &Node, settings: &'static Shape) -> Option<Node> {
        let value = self.map_of(node, |decoder, entries| decoder.named(entries, settings))?;
        Some(Node { line: node.line, value })
    }

    /// Only lists whose items are all of one kind are sure to be taken.
    fn plugin_value(&mut self, node: &Node) -> Option<Value> {
        match &node.value {
            Value::Map(entries) => Some(self.named(entries, &Shape::Anything)),
            Value::List(items) => {
                let kinds: Vec<_> = items.iter().map(|item| std::mem::discriminant(&item.value)).collect();
                let is_odd = |item: &Node| matches!(item.value, Value::Null | Value::List(_) | Value::Float(_));
                if kinds.windows(2).any(|pair| pair[0] != pair[1]) || items.iter().any(is_odd) {
                    let message =
                        "a list in a plugin must hold only strings, only whole numbers, only booleans or only maps";
                    self.refuse("wrong_type", node.line, message);
                    return None;
                }
                let mut taken = Vec::new();
                for item in items {
                    taken.push(Node { line: item.line, value: self.plugin_value(item)? });
                }
                Some(Value::List(taken))
            }
            scalar => Some(scalar.clone()),
        }
    }
}

/// What to say of a field that Traefik does not know.
pub(super) fn unknown_field(key: &str, fields: &Fields) -> String {
    let hint = match shape::nearest(key, fields.keys()) {
        Some(name) => format!("did you mean `{name}`?"),
        None if fields.is_empty() => "there is none here".into(),
        None => format!("known here: {}", fields.keys().map(String::as_str).collect::<Vec<_>>().join(", ")),
    };
    format!("unknown field `{key}`; {hint}")
}

/// Go folds two letters outside ASCII into ASCII ones.
fn spelled(key: &str, fields: &'static Fields) -> Option<(&'static String, &'static Shape)> {
    let folded = key.replace('\u{17f}', "s").replace('\u{212a}', "k");
    fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(&folded))
}

fn is_empty(value: &Value) -> bool {
    matches!(value, Value::Map(entries) if entries.is_empty())
}

fn is_list_of_scalars(value: &Value) -> bool {
    matches!(value, Value::List(items) if items.iter().all(|item| item.printed().is_some()))
}

/// What a value is called in a sentence.
fn name_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Integer(_) | Value::Float(_) => "a number",
        Value::Text(_) => "a string",
        Value::List(_) => "a list",
        Value::Map(_) => "a map",
    }
}

/// A value that stands in the wrong place may be a secret, so only a short one is shown.
fn shown(text: &str) -> String {
    if text.chars().count() <= 20 { format!("`{text}`") } else { "this text".into() }
}
