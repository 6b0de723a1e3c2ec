//! Which marks count, and what they find in a call's arguments.

use serde_json::{Value, json};

use super::*;

fn read(schema: &Value) -> Result<Option<Mirrored>, BadMark> {
    let text = schema.to_string();
    Mirrored::read(Raw::parse(text.as_bytes()).unwrap())
}

/// The schema of a tool with these arguments.
fn tool(properties: Value) -> Value {
    let mut schema = json!({"type": "object"});
    schema["properties"] = properties;
    schema
}

/// The header, the argument and its value in `arguments`, of each mark.
#[track_caller]
fn values(schema: &str, arguments: &str) -> Result<Vec<String>, Ambiguous> {
    let mirrored = Mirrored::read(Raw::parse(schema.as_bytes()).unwrap()).unwrap().unwrap();
    let arguments = Raw::parse(arguments.as_bytes()).unwrap();
    let shown = mirrored.values(Some(arguments)).map(|found| {
        let (place, value) = found?;
        Ok(format!("{} {} {}", place.header, place.argument(), value.map_or("-", Raw::as_str)))
    });
    shown.collect()
}

#[test]
fn a_tool_without_marks_mirrors_nothing() {
    for schema in [
        json!({"type": "object"}),
        tool(json!({"a": {"type": "string", "description": "not \u{1} x-mcp-header"}})),
        tool(json!({"a": {"type": "object", "default": {"x-mcp-header": ""}, "examples": [{"x-mcp-header": 7}]}})),
        tool(json!({"x-mcp-header": {"type": "string"}})),
        json!(true),
    ] {
        assert_eq!(read(&schema), Ok(None), "{schema}");
    }
}

#[test]
fn marked_arguments_are_found_at_any_depth() {
    let schema = tool(json!({
        "region": {"type": "string", "x-mcp-header": "Region"},
        "query": {"type": "string"},
        "deep": {"type": "object", "properties": {"n": {"type": "integer", "x-mcp-header": "X-N!"}}},
        "a.b": {"type": "boolean", "x-mcp-header": "flag"},
    }));
    let check = |arguments: &str, expected: &[&str]| {
        assert_eq!(values(&schema.to_string(), arguments).unwrap(), expected, "{arguments}");
    };
    let none = ["mcp-param-region region -", "mcp-param-x-n! deep.n -", "mcp-param-flag a.b -"];
    let all = ["mcp-param-region region \"a\"", "mcp-param-x-n! deep.n 1.0", "mcp-param-flag a.b false"];
    check(r#"{"reg\u0069on":"a","query":"b","deep":{"n":1.0,"N2":2},"a.b":false}"#, &all);
    check("{}", &none);
    check(r#"{"region":null,"deep":{"n":null}}"#, &none);
    check(r#"{"deep":7,"a":{"b":true}}"#, &none);
    check("null", &none);
}

#[test]
fn an_argument_that_can_be_read_in_two_ways_is_refused_unless_the_schema_has_both() {
    let one = r#"{"properties":{"region":{"type":"string","x-mcp-header":"R"}}}"#;
    let both = r#"{"properties":{"Region":{"type":"string"},"region":{"type":"string","x-mcp-header":"R"}}}"#;
    let error = |schema: &str, arguments: &str| values(schema, arguments).unwrap_err().to_string();
    assert_eq!(error(one, r#"{"region":"a","reg\u0069on":"b"}"#), "duplicate key `region`");
    assert_eq!(error(one, r#"{"region":"a","Region":"b"}"#), "key `Region` differs from `region` in case only");
    assert_eq!(values(both, r#"{"Region":"b","region":"a"}"#).unwrap(), ["mcp-param-r region \"a\""]);
    assert_eq!(error(both, r#"{"region":"a","REGION":"b"}"#), "key `REGION` differs from `region` in case only");
    assert!(values(one, r#"{"other":1,"other":2,"Other":3,"region":"a"}"#).is_ok(), "only marked keys are read");
}

#[test]
fn a_bad_mark_is_told_with_its_place() {
    let marked = |kind: Value, mark: Value| tool(json!({"a": {"type": kind, "x-mcp-header": mark}}));
    let name = |mark: Value| marked(json!("string"), mark);
    let inner = json!({"type": "string", "x-mcp-header": "A"});
    let twice =
        |other: &str| tool(json!({"a": inner, "b": {"properties": {"c": {"type": "string", "x-mcp-header": other}}}}));
    let cases = [
        (name(json!("")), "`x-mcp-header` of `a` is \"\", which is not the name"),
        (name(json!("A B")), "is \"A B\", which is not the name"),
        (name(json!("A:B")), "is \"A:B\", which"),
        (name(json!("é")), "is \"é\", which"),
        (name(json!("a\r\nb")), r#"is "a\r\nb", which"#),
        (name(json!("a".repeat(129))), "which is not the name of a header of at most 128 characters"),
        (name(json!(7)), "is 7, which"),
        (marked(json!("number"), json!("A")), "`a` has `x-mcp-header`, and its `type` is \"number\""),
        (marked(json!("object"), json!("A")), "its `type` is \"object\""),
        (marked(json!(["string", "null"]), json!("A")), "its `type` is [\"string\",\"null\"]"),
        (tool(json!({"a": {"x-mcp-header": "A"}})), "its `type` is missing"),
        (twice("A"), "`b.c` has the `x-mcp-header` \"A\", which another argument has too"),
        (twice("a"), "`b.c` has the `x-mcp-header` \"a\", which another argument has too"),
        (json!({"type": "string", "x-mcp-header": "A"}), "`inputSchema` has `x-mcp-header`, which only arguments"),
        (tool(json!({"a": {"items": inner}})), "`a.<items>` has `x-mcp-header`, which only"),
        (tool(json!({"a": {"items": [{"properties": {"b": inner}}]}})), "`a.<items>.b` has"),
        (json!({"anyOf": [{"properties": {"b": inner}}]}), "`<anyOf>.b` has"),
        (json!({"then": {"properties": {"b": inner}}}), "`<then>.b` has"),
        (json!({"$defs": {"x": inner}, "properties": {"a": {"$ref": "#/$defs/x"}}}), "`<$defs>` has"),
        (json!({"additionalProperties": inner}), "`<additionalProperties>` has"),
    ];
    for (schema, words) in cases {
        let error = read(&schema).unwrap_err().to_string();
        assert!(error.contains(words), "{schema}: {error}");
    }
}

#[test]
fn a_schema_that_can_be_read_in_two_ways_has_no_marks_that_count() {
    let read = |text: &str| Mirrored::read(Raw::parse(text.as_bytes()).unwrap());
    let twice = r#"{"properties":{"a":{"type":"string","x-mcp-header":"A","x-mcp-head\u0065r":"B"}}}"#;
    assert_eq!(read(twice).unwrap_err().to_string(), "`a` has a duplicate key `x-mcp-header`");
    let hidden = r#"{"properties":{"a":{"type":"string","x-mcp-header":"A"}},"properties":{}}"#;
    assert_eq!(read(hidden).unwrap_err().to_string(), "`inputSchema` has a duplicate key `properties`");
    let no_mark = r#"{"description":"\u00e9","properties":{},"properties":{}}"#;
    assert_eq!(read(no_mark), Ok(None));
}

#[test]
fn of_very_many_arguments_each_is_looked_at_and_at_most_64_are_repeated() {
    let marked = |count: usize| {
        let properties: serde_json::Map<_, _> = (0..count)
            .map(|at| (format!("a{at:05}"), json!({"type": "string", "x-mcp-header": format!("A{at}")})))
            .collect();
        tool(properties.into())
    };
    let arguments: serde_json::Map<_, _> = (0..64).map(|at| (format!("a{at:05}"), json!(at))).collect();
    let values = values(&marked(64).to_string(), &Value::from(arguments).to_string()).unwrap();
    assert_eq!((values.len(), &*values[63]), (64, "mcp-param-a63 a00063 63"));
    for count in [65, 10_000] {
        let error = read(&marked(count)).unwrap_err().to_string();
        let expected = "`a00064` is one argument with `x-mcp-header` too many: at most 64 of a tool can be repeated";
        assert!(error.starts_with(expected), "{error}");
    }
}
