//! Tools that providers, clients and the gateway itself could choke on.
//!
//! Invariant: each stands for one fault, and for what must become of it.

use serde_json::{Value, json};

/// What must become of a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It breaks a rule, and is offered in a form that breaks none.
    Mended,
    /// It only looks as if it broke a rule, and is offered as it is.
    Untouched,
    /// Nothing can be made of it; it is reported.
    LeftOut,
}

use Fate::{LeftOut, Mended, Untouched};

/// Names, with a schema that breaks no rule.
const NAMES: &[(Fate, &str)] = &[
    (Mended, "with.dots"),
    (Mended, "with spaces"),
    (Mended, "with/slashes"),
    (Mended, "Größe"),
    (Mended, "Grösse.ß"),
    (Mended, "工具"),
    (Mended, "道具"),
    (Mended, "rocket 🚀"),
    (Mended, "quote\" and \\"),
    (Mended, "two\nlines\r\nand a tab\t"),
    (Mended, "nul\0"),
    (Mended, "."),
    (Mended, " "),
    // These come to the same once they are cleaned.
    (Mended, "look.alike"),
    (Mended, "look/alike"),
    (Mended, "look alike"),
    (Mended, "look\u{a0}alike"),
    (Untouched, "look_alike"),
    (Untouched, "__proto__"),
    (Untouched, "-"),
    (LeftOut, ""),
];

/// Schemas, as JSON text: some keys are written in escapes.
const SCHEMAS: &[(Fate, &str)] = &[
    (Mended, r#"{}"#),
    (Mended, r#"{"type":"object"}"#),
    (Mended, r#"{"type":"object","required":["a"],"additionalProperties":false}"#),
    (Mended, r#"{"properties":{"a":{"type":"string"}}}"#),
    (Mended, r##"{"$ref":"#/$defs/a","$defs":{"a":{"type":"object","properties":{}}}}"##),
    (Mended, r#"{"type":"object","properties":{"a":{"type":"array"}}}"#),
    (Mended, r#"{"type":"object","properties":{"a":{"type":"object"}}}"#),
    (Mended, r#"{"type":"object","properties":{"a":{"type":["array","null"]}}}"#),
    (Mended, r#"{"type":"object","properties":{"a":{"type":["null","object","array"]}}}"#),
    (Mended, r#"{"type":"object","properties":{"a":{"type":"array","items":{"type":"array"}}}}"#),
    (Mended, r#"{"type":"object","properties":{"a":{"type":"array","items":[{"type":"array"},{"type":"object"}]}}}"#),
    (Mended, r#"{"type":"object","properties":{"a":{"type":"array","items":{},"prefixItems":[{"type":"array"}]}}}"#),
    (Mended, r#"{"type":"object","properties":{"a":{"type":"array","items":{},"contains":{"type":"array"}}}}"#),
    (Mended, r#"{"type":"object","properties":{"a":{"anyOf":[{"type":"array"},{"type":"null"}]}}}"#),
    (Mended, r#"{"type":"object","properties":{"a":{"oneOf":[{"type":"null"},{"type":"object"}]}}}"#),
    (Mended, r#"{"type":"object","properties":{"a":{"allOf":[{"not":{"type":"array"}}]}}}"#),
    (Mended, r#"{"type":"object","properties":{"a":{"if":{"type":"array"},"then":{"type":"object"},"else":true}}}"#),
    (Mended, r##"{"type":"object","properties":{"a":{"$ref":"#/$defs/b"}},"$defs":{"b":{"type":"array"}}}"##),
    (Mended, r#"{"type":"object","properties":{},"definitions":{"a":{"$defs":{"b":{"type":"array"}}}}}"#),
    (Mended, r#"{"type":"object","properties":{},"additionalProperties":{"type":"array"}}"#),
    (Mended, r#"{"type":"object","properties":{},"patternProperties":{"^a":{"type":"object"}}}"#),
    (Mended, r#"{"type":"object","properties":{},"dependentSchemas":{"a":{"type":"object"}}}"#),
    (Mended, r#"{"type":"object","properties":{},"dependencies":{"a":["b"],"c":{"type":"array"}}}"#),
    // Properties that are called like keywords.
    (Mended, r#"{"type":"object","properties":{"properties":{"type":"object"}}}"#),
    (Mended, r#"{"type":"object","properties":{"items":{"type":"array"},"type":{"type":"object"}}}"#),
    (Mended, r#"{"type":"object","properties":{"default":{"type":"array"},"const":{"type":"object"}}}"#),
    (Mended, r#"{"type":"object","properties":{"enum":{"type":"array","default":{"type":"array"}}}}"#),
    // Keywords in escapes, and spaces where nobody writes them.
    (Mended, r#"{"type":"object","properties":{"a":{"\u0074ype":"\u0061rray"}}}"#),
    (Mended, r#"{"type":"\u006fbject","\u0070roperties":{"a":{"type":"object"}}}"#),
    (Mended, " {\t\"type\" : \"object\" , \"title\":\"\" } "),
    // Data that looks like schemas.
    (Untouched, r#"{"type":"object","properties":{"a":{"const":{"type":"array"}}}}"#),
    (Untouched, r#"{"type":"object","properties":{"a":{"default":{"type":"object"}}}}"#),
    (Untouched, r#"{"type":"object","properties":{"a":{"enum":[{"type":"array"},{"type":"object"}]}}}"#),
    (Untouched, r#"{"type":"object","properties":{"a":{"examples":[{"type":"array"}]}},"default":{"type":"array"}}"#),
    (Untouched, r#"{"type":"object","properties":{"a":true,"b":{"type":"array","items":false}}}"#),
    // What describes no arguments.
    (LeftOut, "true"),
    (LeftOut, "false"),
    (LeftOut, "null"),
    (LeftOut, "7"),
    (LeftOut, r#""object""#),
    (LeftOut, "[]"),
    (LeftOut, r#"[{"type":"object"}]"#),
    (LeftOut, r#"{"type":"array","items":{}}"#),
    (LeftOut, r#"{"type":"string"}"#),
    (LeftOut, r#"{"type":null,"properties":{}}"#),
    (LeftOut, r#"{"type":["object","null"],"properties":{}}"#),
    // What is there cannot be inserted.
    (LeftOut, r#"{"type":"object","properties":null}"#),
    (LeftOut, r#"{"type":"object","properties":{"a":{"type":"object","properties":[]}}}"#),
    (LeftOut, r#"{"type":"object","properties":{"a":{"anyOf":[{"type":"array","items":null}]}}}"#),
];

/// Items that are no tools at all.
const ODDITIES: &[&str] = &[
    "42",
    "null",
    "[]",
    r#""tool""#,
    "{}",
    r#"{"name":"no_schema"}"#,
    r#"{"inputSchema":{"type":"object","properties":{}}}"#,
    r#"{"name":7,"inputSchema":{"type":"object","properties":{}}}"#,
    r#"{"name":null,"inputSchema":{"type":"object","properties":{}}}"#,
    r#"{"name":["list"],"inputSchema":{"type":"object","properties":{}}}"#,
];

/// All of them, as the JSON text of one item each.
pub(super) fn tools() -> Vec<(Fate, String)> {
    let long = [("x", Mended), ("y", Mended)].map(|(last, fate)| (fate, format!("{}{last}", "long".repeat(50))));
    let names = NAMES.iter().map(|(fate, name)| (*fate, (*name).to_owned())).chain(long);
    let nested = (Mended, format!(r#"{{"type":"object","properties":{{"a":{}}}}}"#, nested_arrays(50)));
    let schemas = SCHEMAS.iter().map(|(fate, schema)| (*fate, (*schema).to_owned())).chain([nested]);
    let named = names.map(|(fate, name)| (fate, item(&name, r#"{"type":"object","properties":{}}"#)));
    let shaped = schemas.enumerate().map(|(at, (fate, schema))| (fate, item(&format!("schema-{at}"), &schema)));
    let odd = ODDITIES.iter().map(|text| (LeftOut, (*text).to_owned()));
    named.chain(shaped).chain(odd).collect()
}

/// Arrays in arrays, the innermost without items.
fn nested_arrays(depth: usize) -> String {
    let (open, close) = (r#"{"type":"array","items":"#.repeat(depth), "}".repeat(depth));
    format!(r#"{open}{{"type":"array"}}{close}"#)
}

/// The description repeats the name, so that a tool is known again under whatever name it is offered.
fn item(name: &str, schema: &str) -> String {
    let name = Value::from(name);
    format!(r#"{{"name":{name},"description":{name},"inputSchema":{schema}}}"#)
}

/// Whether `after` is `before` with nothing but the mends that the gateway may make.
pub(super) fn is_only_mended(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            let is_mend = |key: &str, value: &Value| match key {
                "properties" | "items" => *value == json!({}),
                "type" => value == "object",
                _ => false,
            };
            let kept = before.iter().all(|(key, old)| after.get(key).is_some_and(|new| is_only_mended(old, new)));
            kept && after.iter().all(|(key, value)| before.contains_key(key) || is_mend(key, value))
        }
        (Value::Array(before), Value::Array(after)) => {
            before.len() == after.len() && before.iter().zip(after).all(|(old, new)| is_only_mended(old, new))
        }
        _ => before == after,
    }
}
