//! What is inserted into schemas, and that nothing else changes.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn completed(schema: &str) -> Result<String, Unfit> {
    complete(Raw::parse(schema.as_bytes()).unwrap()).map(Cow::into_owned)
}

fn check(schema: &str, expected: &str) {
    assert_eq!(completed(schema).unwrap(), expected, "{schema}");
}

#[test]
fn an_object_gets_properties_and_an_array_items() {
    check(r#"{"type":"object"}"#, r#"{"type":"object","properties":{}}"#);
    check("{ \"type\" : \"object\" }", "{ \"type\" : \"object\",\"properties\":{} }");
    check(
        r#"{"type":"object","properties":{"a":{"type":"array"},"b":{"type":["object","null"]}}}"#,
        r#"{"type":"object","properties":{"a":{"type":"array","items":{}},"b":{"type":["object","null"],"properties":{}}}}"#,
    );
    check(
        r#"{"type":"object","properties":{"a":{"type":["array","object"]}}}"#,
        r#"{"type":"object","properties":{"a":{"type":["array","object"],"properties":{},"items":{}}}}"#,
    );
    check(r#"{"t\u0079pe":"\u006fbject"}"#, r#"{"t\u0079pe":"\u006fbject","properties":{}}"#);
}

#[test]
fn the_root_gets_a_type() {
    check("{}", r#"{"type":"object","properties":{}}"#);
    check("{ }", r#"{"type":"object","properties":{} }"#);
    check(r#"{"properties":{}}"#, r#"{"properties":{},"type":"object"}"#);
}

#[test]
fn a_complete_schema_is_borrowed() {
    let schema = r#"{"type":"object","properties":{"a":{"type":"array","items":{"type":"string"}},"b":{}}}"#;
    assert!(matches!(complete(Raw::parse(schema.as_bytes()).unwrap()), Ok(Cow::Borrowed(text)) if text == schema));
}

#[test]
fn every_schema_position_is_visited() {
    let (before, after) = (r#"{"type":"object"}"#, r#"{"type":"object","properties":{}}"#);
    for keyword in ["patternProperties", "$defs", "definitions", "dependentSchemas", "properties"] {
        let schema = |inner| format!(r#"{{"type":"object","properties":{{}},"{keyword}":{{"x":{inner}}}}}"#);
        check(&schema(before), &schema(after));
    }
    for keyword in ["allOf", "anyOf", "oneOf", "prefixItems", "items"] {
        let schema = |inner| format!(r#"{{"type":"object","properties":{{}},"{keyword}":[true,{inner}]}}"#);
        check(&schema(before), &schema(after));
    }
    for keyword in [
        "items",
        "additionalProperties",
        "additionalItems",
        "unevaluatedProperties",
        "unevaluatedItems",
        "propertyNames",
        "contains",
        "not",
        "if",
        "then",
        "else",
    ] {
        let schema = |inner| format!(r#"{{"type":"object","properties":{{}},"{keyword}":{inner}}}"#);
        check(&schema(before), &schema(after));
    }
}

#[test]
fn data_is_not_taken_for_a_schema() {
    for keyword in ["const", "default", "enum", "examples", "x-own", "required", "$ref"] {
        for data in [
            r#"{"type":"object"}"#,
            r#"{"a":{"type":"array"}}"#,
            r#"[{"type":"object"}]"#,
            r#"{"items":{"type":"array"}}"#,
        ] {
            let schema = format!(r#"{{"type":"object","properties":{{"{keyword}":true}},"{keyword}":{data}}}"#);
            check(&schema, &schema);
        }
    }
    let named_like_keywords = r#"{"type":"object","properties":{"type":{"const":{"type":"array"}},"default":true}}"#;
    check(named_like_keywords, named_like_keywords);
}

#[test]
fn what_is_said_twice_stays_twice() {
    check(
        r#"{"type":"object","type":"object","properties":{},"properties":{"a":{"type":"array"}}}"#,
        r#"{"type":"object","type":"object","properties":{},"properties":{"a":{"type":"array","items":{}}}}"#,
    );
}

#[test]
fn a_root_that_is_no_object_cannot_be_offered() {
    let refused = |schema: &str, message: &str| assert_eq!(completed(schema).unwrap_err().to_string(), message);
    refused("true", "its `inputSchema` is not an object");
    refused("null", "its `inputSchema` is not an object");
    refused("[]", "its `inputSchema` is not an object");
    refused(r#"{"type":"string"}"#, r#"the `type` of its `inputSchema` is "string", not "object""#);
    refused(r#"{"type":["object","null"]}"#, r#"the `type` of its `inputSchema` is ["object","null"], not "object""#);
    refused(r#"{"type":"object","type":"array"}"#, r#"the `type` of its `inputSchema` is "array", not "object""#);
}

#[test]
fn a_keyword_that_is_none_cannot_be_mended() {
    let refused = |schema: &str, keyword, found: &str| {
        assert_eq!(completed(schema), Err(Unfit::Misshapen { keyword, found: found.to_owned() }), "{schema}");
    };
    refused(r#"{"type":"object","properties":null}"#, "properties", "null");
    refused(r#"{"type":"object","properties":{"a":{"type":"object","properties":[]}}}"#, "properties", "[]");
    refused(r#"{"properties":{"a":{"anyOf":[{"type":"array","items":null}]}}}"#, "items", "null");
    check(
        r#"{"type":"object","properties":{"properties":{},"items":true}}"#,
        r#"{"type":"object","properties":{"properties":{},"items":true}}"#,
    );
}

#[test]
fn the_deepest_schema_that_is_relayed_is_completed() {
    let depth = crate::wire::MAX_DEPTH - 1;
    let deep = r#"{"not":"#.repeat(depth) + r#"{"type":"array"}"# + &"}".repeat(depth);
    assert!(completed(&deep).unwrap().contains(r#"{"type":"array","items":{}}"#));
}

/// JSON that is full of schema keywords, in right and in wrong places.
fn schemas() -> impl Strategy<Value = Value> {
    let keyword = prop::sample::select(vec![
        "type",
        "properties",
        "items",
        "anyOf",
        "not",
        "$defs",
        "default",
        "enum",
        "const",
        "additionalProperties",
        "a\"b",
    ]);
    let leaf = prop_oneof![
        prop::sample::select(vec!["object", "array", "string", "{}[],:\"\\ü"]).prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        Just(serde_json::json!(["object", "null"])),
        Just(serde_json::json!(["array", "string"])),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            3 => prop::collection::vec((keyword.clone(), inner.clone()), 0..6)
                .prop_map(|members| members.into_iter().map(|(key, value)| (key.to_owned(), fitting(key, value))).collect()),
            1 => prop::collection::vec(inner, 0..4).prop_map(Value::Array),
        ]
    })
}

/// The value, or one like it that may stand under `keyword`; what may not is refused as a whole.
fn fitting(keyword: &str, value: Value) -> Value {
    match (keyword, value) {
        ("properties", value) if !value.is_object() => serde_json::json!({ "a": value }),
        ("items", value @ (Value::String(_) | Value::Number(_))) => Value::from(vec![value]),
        (_, value) => value,
    }
}

/// Takes out of `completed` what may have been inserted and is not in `original`.
fn without_insertions(completed: &Value, original: &Value) -> Value {
    match (completed, original) {
        (Value::Object(completed), Value::Object(original)) => {
            let inserted = |key: &str, value: &Value| match key {
                "properties" | "items" => *value == serde_json::json!({}),
                "type" => value == "object",
                _ => false,
            };
            let kept = completed.iter().filter(|(key, value)| original.contains_key(*key) || !inserted(key, value));
            let kept = kept.map(|(key, value)| (key.clone(), without_insertions(value, &original[key])));
            Value::Object(kept.collect())
        }
        (Value::Array(completed), Value::Array(original)) if completed.len() == original.len() => completed
            .iter()
            .zip(original)
            .map(|(completed, original)| without_insertions(completed, original))
            .collect(),
        _ => completed.clone(),
    }
}

/// Whether a provider refuses the schema: an object without properties or an array without items, at any depth.
fn refused(schema: &Value) -> bool {
    let Some(members) = schema.as_object() else { return false };
    let says = |name: &str| match members.get("type") {
        Some(Value::Array(types)) => types.iter().any(|said| said == name),
        said => said.is_some_and(|said| said == name),
    };
    let lacks = |name: &str, keyword: &str| says(name) && !members.contains_key(keyword);
    let within = members.iter().any(|(keyword, value)| match (keyword.as_str(), value) {
        ("properties" | "$defs", Value::Object(named)) => named.values().any(refused),
        ("anyOf" | "items", Value::Array(listed)) => listed.iter().any(refused),
        ("not" | "items" | "additionalProperties", schema) => refused(schema),
        _ => false,
    });
    lacks("object", "properties") || lacks("array", "items") || within
}

proptest! {
    #[test]
    fn nothing_changes_but_the_insertions(members in prop::collection::vec(("[a-z]{1,3}|properties|items|anyOf", schemas()), 0..5)) {
        let members = members.into_iter().map(|(key, value)| (key.clone(), fitting(&key, value)));
        let root: serde_json::Map<String, Value> = members.collect();
        for text in [serde_json::to_string(&root).unwrap(), serde_json::to_string_pretty(&root).unwrap()] {
            let completed = completed(&text).unwrap();
            let mut left = completed.bytes();
            prop_assert!(text.bytes().all(|byte| left.any(|other| other == byte)), "bytes are missing: {completed}");
            let value: Value = serde_json::from_str(&completed).unwrap();
            prop_assert!(!refused(&value), "{completed}");
            let restored = without_insertions(&value, &Value::Object(root.clone()));
            prop_assert_eq!(serde_json::to_string(&restored).unwrap(), serde_json::to_string(&root).unwrap());
            prop_assert_eq!(&self::completed(&completed).unwrap(), &completed, "completing twice changes nothing");
        }
    }
}
