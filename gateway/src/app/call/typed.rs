//! Reads a value that was typed by the type that a JSON Schema wants in its place.
//!
//! Invariant: pure, and bounded however a schema refers to itself. Where a schema says nothing, JSON is JSON and the rest is text.

use serde_json::{Map, Value};

/// A schema refers so deep at most.
const DEPTH: usize = 16;

/// A place in a tool's schema.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'s> {
    root: &'s Value,
    /// `Null` where the schema says nothing.
    here: &'s Value,
}

/// The types of JSON, the narrowest first: what can be read as several is the first of them.
const KINDS: [&str; 7] = ["null", "boolean", "integer", "number", "array", "object", "string"];

impl<'s> Place<'s> {
    pub(super) fn root(schema: &'s Value) -> Self {
        Self { root: schema, here: schema }
    }

    /// Whether a property of this name is described here.
    pub(super) fn has(self, name: &str) -> bool {
        self.described(name).is_some()
    }

    /// What is said of a property.
    pub(super) fn property(self, name: &str) -> Self {
        let other = || self.parts().find_map(|part| part.get("additionalProperties"));
        self.at(self.described(name).or_else(other))
    }

    fn described(self, name: &str) -> Option<&'s Value> {
        self.parts().find_map(|part| part.get("properties")?.get(name))
    }

    /// What is said of the items of a list.
    pub(super) fn items(self) -> Self {
        self.at(self.parts().find_map(|part| part.get("items")))
    }

    /// Whether lists are taken.
    pub(super) fn is_list(self) -> bool {
        self.kinds().contains(&"array")
    }

    /// Whether texts are taken, or everything is.
    pub(super) fn takes_text(self) -> bool {
        let kinds = self.kinds();
        kinds.is_empty() || kinds.contains(&"string")
    }

    /// Whether bytes are to be written as base64.
    pub(super) fn is_base64(self) -> bool {
        let says = |part: &Map<String, Value>, key: &str, word: &str| part.get(key).is_some_and(|said| said == word);
        let forms = [("contentEncoding", "base64"), ("format", "byte"), ("format", "binary")];
        self.parts().any(|part| forms.iter().any(|(key, word)| says(part, key, word)))
    }

    fn at(self, here: Option<&'s Value>) -> Self {
        Self { root: self.root, here: here.unwrap_or(&Value::Null) }
    }

    /// This schema, what it refers to, and its alternatives.
    pub(super) fn parts(self) -> impl Iterator<Item = &'s Map<String, Value>> {
        let mut found = Vec::new();
        self.collect(self.here, DEPTH, &mut found);
        found.into_iter()
    }

    fn collect(self, schema: &'s Value, depth: usize, found: &mut Vec<&'s Map<String, Value>>) {
        /// Alternatives of alternatives are many.
        const MOST: usize = 256;
        let Value::Object(schema) = schema else { return };
        if depth == 0 || found.len() == MOST || found.iter().any(|seen| std::ptr::eq(*seen, schema)) {
            return;
        }
        found.push(schema);
        let target = schema.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#'));
        let alternatives =
            ["anyOf", "oneOf", "allOf"].into_iter().filter_map(|key| schema.get(key)?.as_array()).flatten();
        for next in target.and_then(|pointer| self.root.pointer(pointer)).into_iter().chain(alternatives) {
            self.collect(next, depth - 1, found);
        }
    }

    /// The types that are taken; none if all are.
    pub(super) fn kinds(self) -> Vec<&'static str> {
        let of = |value: &Value| match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let mut taken = Vec::new();
        for part in self.parts() {
            match &part.get("type") {
                Some(Value::String(kind)) => taken.push(kind.as_str()),
                Some(Value::Array(kinds)) => taken.extend(kinds.iter().filter_map(Value::as_str)),
                _ if part.contains_key("properties") => taken.push("object"),
                _ => taken.extend(
                    part.get("enum").and_then(Value::as_array).into_iter().flatten().chain(part.get("const")).map(of),
                ),
            }
        }
        KINDS.into_iter().filter(|kind| taken.contains(kind)).collect()
    }
}

/// The value that `text` means at this place.
///
/// # Errors
/// What it must be, to be put behind the argument's name.
pub(super) fn typed(text: &str, place: Place<'_>) -> Result<Value, String> {
    let kinds = place.kinds();
    if kinds.is_empty() {
        return Ok(exact(text).unwrap_or_else(|_| text.into()));
    }
    if let Some(value) = kinds.iter().find_map(|kind| read(kind, text)) {
        return Ok(value);
    }
    if kinds.contains(&"array") && !text.trim_start().starts_with('[') {
        // One item alone, which may be followed by others under the same name.
        return Ok(Value::Array(vec![typed(text, place.items())?]));
    }
    let shown: String = text.chars().take(60).collect();
    match exact(text) {
        Err(fault @ Inexact::TooLong) => Err(fault.to_string()),
        _ => Err(format!(
            "must be {}, and `{shown}` is not",
            kinds.iter().map(|kind| article(kind)).collect::<Vec<_>>().join(" or ")
        )),
    }
}

fn article(kind: &str) -> String {
    match kind {
        "null" => kind.to_owned(),
        "array" | "integer" | "object" => format!("an {kind}"),
        _ => format!("a {kind}"),
    }
}

fn read(kind: &str, text: &str) -> Option<Value> {
    if kind == "string" {
        return Some(text.into());
    }
    let value = exact(text.trim()).ok()?;
    let fits = match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        _ => value.is_object(),
    };
    fits.then_some(value)
}

/// Why a text is not read as JSON.
#[derive(Debug, thiserror::Error)]
enum Inexact {
    #[error("is no JSON")]
    NoJson,
    #[error("is too long for a number that is typed so; write all arguments as one JSON object")]
    TooLong,
}

/// A text as JSON, if no digit of a whole number is lost.
fn exact(text: &str) -> Result<Value, Inexact> {
    let value: Value = serde_json::from_str(text).map_err(|_| Inexact::NoJson)?;
    let is_whole = text.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit());
    if value.is_f64() && is_whole { Err(Inexact::TooLong) } else { Ok(value) }
}
