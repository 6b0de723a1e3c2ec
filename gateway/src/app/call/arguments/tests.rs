//! What is typed, and what the tool gets.

use serde_json::json;

use super::*;

fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "text": {"type": "string"}, "n": {"type": "number"}, "i": {"type": "integer"}, "on": {"type": "boolean"},
            "maybe": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "tags": {"type": "array", "items": {"type": "string"}},
            "sizes": {"type": ["array", "null"], "items": {"type": "integer"}},
            "rows": {"type": "array", "items": {"type": "object"}},
            "where": {"$ref": "#/$defs/where"},
            "a.b": {"type": "string"},
            "level": {"enum": ["low", "high"]},
            "picture": {"type": "string", "contentEncoding": "base64"},
            "free": {},
        },
        "$defs": {"where": {"type": "object", "properties": {
            "city": {"type": "string"}, "zip": {"type": "string"}, "near": {"$ref": "#/$defs/where"}, "km": {"type": "number"},
        }}},
    })
}

fn built(words: &[&str]) -> Result<String, String> {
    let words: Vec<String> = words.iter().map(ToString::to_string).collect();
    let built = gather(&words).and_then(|given| build(given, &schema()));
    built.map(|raw| raw.get().to_owned()).map_err(|error| format!("{error:#}"))
}

fn check(words: &[&str], expected: &Value) {
    let built = built(words).unwrap_or_else(|error| panic!("{words:?}: {error}"));
    assert_eq!(serde_json::from_str::<Value>(&built).unwrap(), *expected, "{words:?}");
}

fn refused(words: &[&str], part: &str) {
    let error = built(words).unwrap_err();
    assert!(error.contains(part), "{words:?}: {error}");
}

#[test]
fn a_value_has_the_type_that_the_schema_wants() {
    check(&[], &json!({}));
    check(&["text=5", "n=5", "i=-5", "on=true"], &json!({"text": "5", "n": 5, "i": -5, "on": true}));
    check(&["n=1.5e3", "text=", "level=high"], &json!({"n": 1500.0, "text": "", "level": "high"}));
    check(&["maybe=7"], &json!({"maybe": 7}));
    check(&["maybe=null"], &json!({"maybe": null}));
    check(&["text=a=b"], &json!({"text": "a=b"}));
    check(&["free=7"], &json!({"free": 7}));
    check(&["free=seven", "unknown=[1]"], &json!({"free": "seven", "unknown": [1]}));
    refused(&["n=five"], "`n` must be a number, and `five` is not");
    refused(&["i=1.5"], "`i` must be an integer");
    refused(&["on=yes"], "`on` must be a boolean");
    refused(&["maybe=x"], "`maybe` must be null or an integer");
}

#[test]
fn lists_grow_with_every_value_of_their_name() {
    check(&["tags=a,b"], &json!({"tags": ["a,b"]}));
    check(&["tags=a", "tags=b"], &json!({"tags": ["a", "b"]}));
    check(&[r#"tags=["a", "b"]"#, "tags=c"], &json!({"tags": ["a", "b", "c"]}));
    check(&["sizes=1", "sizes=2"], &json!({"sizes": [1, 2]}));
    check(&[r#"rows={"a":1}"#], &json!({"rows": [{"a": 1}]}));
    refused(&["sizes=one"], "`sizes` must be an integer");
    refused(&["text=a", "text=b"], "`text` is given twice");
}

#[test]
fn dots_lead_into_objects_and_a_name_with_dots_is_taken_first() {
    check(&["where.city=Ulm", "where.zip=89073"], &json!({"where": {"city": "Ulm", "zip": "89073"}}));
    check(&["where.near.near.km=3"], &json!({"where": {"near": {"near": {"km": 3}}}}));
    check(&["a.b=1"], &json!({"a.b": "1"}));
    check(&["free.x.y=1"], &json!({"free": {"x": {"y": 1}}}));
    refused(&["text=a", "text.b=1"], "`text` has a value already");
}

#[test]
fn json_is_taken_in_its_own_words() {
    let words = r#"{"n": 1.50, "big": 123456789012345678901}"#;
    assert_eq!(built(&[words]).unwrap(), words);
    check(&[r#"text:={"a":1}"#, r#"i:="5""#], &json!({"text": {"a": 1}, "i": "5"}));
    refused(&["i=123456789012345678901"], "too long for a number");
    refused(&["[1]"], "no JSON object");
    refused(&["{a: 1}"], "no JSON object");
    refused(&["i:=five"], "must be JSON");
    refused(&["hello"], "`hello` is no argument; write `key=value`");
    refused(&["=1"], "no argument");
}

#[test]
fn values_come_from_files_and_one_that_begins_with_an_at_is_doubled() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let (text, number, bytes) = (file("t", b"two\nlines\n"), file("n", b"42\n"), file("b", b"\xff\x00"));
    check(&[&format!("text=@{text}"), &format!("n=@{number}")], &json!({"text": "two\nlines\n", "n": 42}));
    check(&[&format!("picture=@{bytes}")], &json!({"picture": "/wA="}));
    check(&["text=@@me"], &json!({"text": "@me"}));
    check(&[&format!("@{}", file("j", br#"{"text": "x"}"#))], &json!({"text": "x"}));
    refused(&[&format!("text=@{bytes}")], "`text` must be a text, and the file is not UTF-8");
    refused(&["text=@/nowhere/at/all"], "`@@`");
    refused(&["text=@/dev/zero"], "larger than");
}
