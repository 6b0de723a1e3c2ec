//! The schema and the reader say the same of every text, but for what only the reader can see.

use jsonschema::Validator;
use serde_json::{Value, json};

use super::{good::FULL, *};
use crate::config::schema;

/// What a schema cannot say: it sees neither the machine nor two values at once, and reads no pattern.
const ONLY_THE_READER: [&str; 14] = [
    "nor on PATH",
    "there is no `",
    "is a directory",
    "is not a directory",
    "is not set",
    "cannot read `",
    "has no `}`",
    "is not a pattern",
    "is the new name of",
    "is longer than `max`",
    "duplicate key",
    "is too short",
    "is too long",
    "is out of range",
];

fn validator() -> Validator {
    jsonschema::draft7::new(&serde_json::from_str(&schema::text()).unwrap()).unwrap()
}

/// What is to be told if one of the two takes what the other refuses.
fn disagree(validator: &Validator, file: &str, text: &str, value: &Value) -> Option<String> {
    let (problems, taken) = read(file, text);
    let fits = validator.is_valid(value);
    let beyond = problems.iter().all(|problem| ONLY_THE_READER.iter().any(|words| problem.contains(words)));
    let agreed = taken == fits || (fits && beyond);
    (!agreed).then(|| format!("{text}: the schema says {fits}, the reader {problems:?}"))
}

#[test]
fn the_schema_that_ships_is_the_one_of_the_types() {
    let ships = concat!(env!("CARGO_MANIFEST_DIR"), "/../shards.d/.schema.json");
    let ships = std::fs::read_to_string(ships).unwrap_or_default();
    assert!(ships == schema::text(), "run `mcp-gateway schema > shards.d/.schema.json`");
}

#[test]
fn the_schema_has_the_keys_of_the_reader() {
    let schema: Value = serde_json::from_str(&schema::text()).unwrap();
    let mut keys: Vec<&str> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    let mut known = shard::KEYS;
    keys.sort_unstable();
    known.sort_unstable();
    assert_eq!(keys, known);
    for (key, about) in schema["properties"].as_object().unwrap() {
        assert!(about["description"].is_string() || about["oneOf"].is_array(), "nothing explains `{key}`: {about}");
    }
}

#[test]
fn schema_and_reader_agree_on_every_vector() {
    let validator = validator();
    let mut compared = 0;
    let broken = include_str!("broken_yaml.txt").split_terminator("====\n");
    for text in broken.map(|case| case.split_once(">>>\n").unwrap().0).chain([FULL, "command: npx"]) {
        // What is no YAML, or more than one document, reaches no schema.
        let Ok(value) = serde_yaml::from_str::<serde_yaml::Value>(text) else { continue };
        let Ok(value) = serde_json::to_value(value) else { continue };
        assert_eq!(disagree(&validator, "x.yaml", text, &value), None);
        compared += 1;
    }
    assert!(compared > 30, "{compared}");
}

/// Every key with every kind of value.
#[test]
fn schema_and_reader_agree_on_every_key_and_kind_of_value() {
    const INNER: [&str; 15] = [
        "banana",
        "tools.allow",
        "tools.deny",
        "tools.rename",
        "tools.banana",
        "timeouts.start",
        "timeouts.call",
        "timeouts.max",
        "timeouts.drain",
        "timeouts.stop",
        "timeouts.banana",
        "limits.in_flight",
        "limits.message",
        "env.A",
        "env.A=B",
    ];
    let validator = validator();
    let mut disagreements = Vec::new();
    for key in shard::KEYS.iter().chain(&INNER) {
        for value in values() {
            let mut file = json!({ "command": "npx" });
            match key.split_once('.') {
                Some((outer, inner)) => file[outer] = json!({ inner: value }),
                None => file[key] = value,
            }
            disagreements.extend(disagree(&validator, "x.json", &file.to_string(), &file));
        }
    }
    assert!(disagreements.is_empty(), "{disagreements:#?}");
}

fn values() -> Vec<Value> {
    // Divided by bars; the last one is empty.
    const TEXTS: &str = "npx|~/x|/srv|/bin/npx|file:///a|file:/a|relative|never|auto|legacy|modern|shared|exclusive|\
per_session|per-session|swap|restart|eager|lazy|sampling|0|0s|30|30s| 1 h 30min|1.5h|1.s|2H|1month|\
1µs|16MiB|4 kib|5000b|16MX|1.5MiB|-1|a__b|a_|_a|a.b|a23456789012345678901234567890123|a\u{0}b|é|\
two words|";
    let single = TEXTS.split('|').map(Value::from).chain([
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(1),
        json!(-1),
        json!(1.5),
        json!(4096),
        json!(4097),
        json!(268_435_456),
        json!(268_435_457),
        json!(99),
    ]);
    let single: Vec<Value> = single.collect();
    let lists = single.iter().map(|value| json!([value]));
    let maps = single.iter().map(|value| json!({ "a": value }));
    let odd = [
        json!([]),
        json!({}),
        json!([[]]),
        json!([{}]),
        json!({ "": "x" }),
        json!({ "a": [] }),
        json!(["sampling", "sampling"]),
    ];
    lists.chain(maps).chain(odd).chain(single.iter().cloned()).collect()
}
