//! What a tool is for and what it takes, for a person; and what a schema objects to.
//!
//! Invariant: pure. Names are written as they are typed, with dots.

use std::fmt::Write as _;

use serde_json::Value;

use super::typed::Place;
use crate::app::output::{self, plain};

/// Objects in objects are shown so deep.
const DEPTH: usize = 3;
/// Rows of one tool.
const MOST: usize = 200;
/// A complaint that is longer is cut.
const LONGEST: usize = 320;

/// One argument.
struct Row {
    name: String,
    kind: String,
    need: &'static str,
    text: String,
}

/// Name, description and arguments.
pub(super) fn tool(tool: &Value) -> String {
    let mut text = plain(tool["name"].as_str().unwrap_or_default()) + "\n";
    if let Some(description) = tool["description"].as_str().or_else(|| tool["title"].as_str()) {
        for line in plain(description).trim().lines() {
            let _ = writeln!(text, "  {line}");
        }
    }
    text.push('\n');
    text += &arguments(&tool["inputSchema"]);
    text
}

/// What a tool takes.
pub(super) fn arguments(schema: &Value) -> String {
    let mut rows = Vec::new();
    collect(Place::root(schema), "", DEPTH, &mut rows);
    if rows.is_empty() {
        let is_closed = schema["additionalProperties"] == false;
        return if is_closed { "It takes no arguments.\n" } else { "Its schema names no arguments.\n" }.to_owned();
    }
    let mut table = output::table(["ARGUMENT", "TYPE", "", "MEANING"]);
    for row in rows {
        table.add_row([row.name, row.kind, row.need.to_owned(), row.text]);
    }
    table.lines().map(|line| format!("  {}\n", line.trim_end())).collect()
}

fn collect(place: Place<'_>, path: &str, depth: usize, rows: &mut Vec<Row>) {
    let parts: Vec<_> = place.parts().collect();
    let is_required = |name: &str| {
        parts.iter().filter_map(|part| part.get("required")?.as_array()).flatten().any(|required| required == name)
    };
    let names =
        parts.iter().filter_map(|part| part.get("properties")?.as_object()).flat_map(|properties| properties.keys());
    for name in names {
        if rows.len() == MOST {
            return;
        }
        let inner = place.property(name);
        let whole = format!("{path}{}", plain(name));
        if rows.iter().any(|row| row.name == whole) {
            // Alternatives share it.
            continue;
        }
        rows.push(Row {
            kind: kind(inner),
            need: if is_required(name) { "required" } else { "" },
            text: meaning(inner),
            name: whole.clone(),
        });
        if depth > 1 && !inner.is_list() {
            collect(inner, &format!("{whole}."), depth - 1, rows);
        }
    }
}

/// The words that are taken, or the types.
fn kind(place: Place<'_>) -> String {
    let words: Vec<String> =
        place.parts().filter_map(|part| part.get("enum")?.as_array()).flatten().map(ToString::to_string).collect();
    if !words.is_empty() {
        return output::short(&words.join(" | "));
    }
    let name = |kind: &str| match kind {
        "array" => {
            let items = place.items().kinds();
            if items.is_empty() { "list".to_owned() } else { format!("list of {}", items.join(" or ")) }
        }
        other => other.to_owned(),
    };
    let kinds: Vec<String> = place.kinds().into_iter().map(name).collect();
    if kinds.is_empty() { "any".to_owned() } else { kinds.join(" or ") }
}

fn meaning(place: Place<'_>) -> String {
    let find = |key: &str| place.parts().find_map(|part| part.get(key));
    let mut text = find("description").and_then(Value::as_str).map(plain).unwrap_or_default();
    if let Some(default) = find("default") {
        let gap = if text.is_empty() { "" } else { " " };
        let _ = write!(text, "{gap}[default: {}]", output::short(&default.to_string()));
    }
    text
}

/// What the schema objects to in the arguments; nothing if they are right, or if the schema itself cannot be read: then
/// the tool decides.
pub(super) fn complaints(schema: &Value, arguments: &Value) -> Vec<String> {
    /// One slip makes many complaints at times.
    const SHOWN: usize = 8;
    let Ok(validator) = jsonschema::validator_for(schema) else { return Vec::new() };
    let mut complaints: Vec<String> = validator
        .iter_errors(arguments)
        .take(SHOWN)
        .map(|error| {
            let path = error.instance_path().to_string();
            let text = plain(&error.to_string());
            let text: String = text.chars().take(LONGEST).collect();
            if path.is_empty() { text } else { format!("`{}`: {text}", plain(path[1..].replace('/', ".").as_str())) }
        })
        .collect();
    if !complaints.is_empty() {
        complaints.extend(strangers(schema, arguments));
    }
    complaints
}

/// Arguments that the schema does not name, with what they may have been meant for.
fn strangers(schema: &Value, arguments: &Value) -> Vec<String> {
    let place = Place::root(schema);
    let known: Vec<&String> = place
        .parts()
        .filter_map(|part| part.get("properties")?.as_object())
        .flat_map(|properties| properties.keys())
        .collect();
    let near = |name: &str| {
        let distance = |known: &&&String| strsim::osa_distance(name, known);
        let best = known.iter().min_by_key(distance)?;
        (strsim::osa_distance(name, best) <= 1 + name.len() / 4).then(|| format!("; did you mean `{}`?", plain(best)))
    };
    let names = arguments.as_object().into_iter().flat_map(|object| object.keys()).filter(|name| !place.has(name));
    names.take(8).map(|name| format!("unknown argument `{}`{}", plain(name), near(name).unwrap_or_default())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        json!({"type": "object", "required": ["a", "where"], "properties": {
            "a": {"type": "number", "description": "First \u{1b}number"},
            "mode": {"enum": ["fast", "slow"], "default": "fast"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "where": {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}},
            "free": {},
        }})
    }

    #[test]
    fn each_argument_is_a_row_with_its_type_and_whether_it_must_be_there() {
        let text = arguments(&schema());
        let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows[0], ["ARGUMENT", "TYPE", "MEANING"]);
        assert_eq!(rows[1], ["a", "number", "required", "First", "�number"]);
        assert_eq!(rows[2].join(" "), r#"mode "fast" | "slow" [default: "fast"]"#);
        assert_eq!(rows[3].join(" "), "tags list of string");
        assert_eq!(rows[4].join(" "), "where object required");
        assert_eq!(rows[5].join(" "), "where.city string required");
        assert_eq!(rows[6].join(" "), "free any");
        assert_eq!(arguments(&json!({"type": "object"})), "Its schema names no arguments.\n");
        assert_eq!(arguments(&json!({"additionalProperties": false})), "It takes no arguments.\n");
    }

    #[test]
    fn complaints_name_the_place_and_a_stranger_what_it_was_meant_for() {
        let told = |arguments: Value| complaints(&schema(), &arguments).join("\n");
        assert_eq!(told(json!({"a": 1, "where": {"city": "Ulm"}})), "");
        assert_eq!(told(json!({"a": 1, "where": {"city": "Ulm"}, "other": 1})), "", "the schema allows others");
        let text = told(json!({"a": "x", "where": {"city": 1}, "mod": "fast"}));
        assert!(text.contains("`a`: \"x\" is not of type \"number\""), "{text}");
        assert!(text.contains("`where.city`: 1 is not of type \"string\""), "{text}");
        assert!(text.contains("unknown argument `mod`; did you mean `mode`?"), "{text}");
        assert!(told(json!({"a": 1})).contains("\"where\" is a required property"));
    }

    #[test]
    fn a_schema_that_cannot_be_read_objects_to_nothing() {
        assert!(complaints(&json!({"type": 7}), &json!({})).is_empty());
        assert!(complaints(&json!({"$ref": "https://example.org/none.json"}), &json!({})).is_empty());
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let schema = json!({"$ref": "#", "properties": {"next": {"$ref": "#"}}});
        assert_eq!(arguments(&schema).lines().count(), 1 + DEPTH);
    }
}
