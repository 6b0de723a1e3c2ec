//! Random changes to a document: of its structure before it is written, or of the text.
//!
//! The same seed makes the same mutants.

use serde_json::{Value, json};

use super::write::{self, Style};

/// A scalar with this text is replaced by bare text once the document is written.
const BARE: &str = "BARE_SCALAR";

/// Scalars that mean different things to different parsers.
const SCALARS: [&str; 40] = [
    "yes",
    "no",
    "on",
    "True",
    "TRUE",
    "~",
    "null",
    "0x1F",
    "0o17",
    "017",
    "1_000",
    "1e3",
    "4.0",
    "4.5",
    ".5",
    "+7",
    "-3",
    "\"8\"",
    "\" 8\"",
    "\"true\"",
    "'t'",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    ".inf",
    "2001-12-14",
    "10s",
    "\"10\"",
    "1h5m",
    "1d",
    "9999999h",
    "-5s",
    "!!str 5",
    "!!int \"5\"",
    "[a, b]",
    "[]",
    "{}",
    "\"\"",
    "{a: b}",
    "|\n  text",
];

/// One changed document.
pub(super) struct Mutant {
    pub(super) style: Style,
    pub(super) text: String,
    /// What was done, for people.
    pub(super) change: String,
    /// Where, if it was one place of the structure.
    pub(super) path: Vec<String>,
}

/// Changes a document once.
pub(super) fn mutate(rng: &mut fastrand::Rng, document: &Value) -> Mutant {
    let style = *rng.choice([Style::Block, Style::Block, Style::Flow, Style::Toml].iter()).unwrap();
    if rng.u8(..100) < 22 {
        let text = write::write(document, style);
        let (change, text) = break_text(rng, &text);
        return Mutant { style, text, change, path: Vec::new() };
    }
    let mut changed = document.clone();
    let mut places = Vec::new();
    collect(document, &mut Vec::new(), &mut places);
    let path = places[rng.usize(..places.len())].clone();
    let (change, bare) = change_place(rng, &mut changed, &path);
    let mut text = write::write(&changed, style);
    if let Some(bare) = bare {
        text = text.replace(&format!("\"{BARE}\""), BARE).replace(BARE, bare);
    }
    Mutant { style, text, change: format!("{change} at {}", path.join("/")), path }
}

/// Every place but the root.
fn collect(value: &Value, path: &mut Vec<String>, places: &mut Vec<Vec<String>>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, child)| (key.clone(), child)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(index, child)| (index.to_string(), child)).collect(),
        _ => Vec::new(),
    };
    for (key, child) in children {
        path.push(key);
        places.push(path.clone());
        collect(child, path, places);
        path.pop();
    }
}

fn change_place(rng: &mut fastrand::Rng, document: &mut Value, path: &[String]) -> (String, Option<&'static str>) {
    let (parent, key) = (document.pointer_mut(&pointer(&path[..path.len() - 1])).unwrap(), path.last().unwrap());
    let kind = rng.u8(..13);
    if kind < 8 {
        let place = at(parent, key);
        let (name, value) = match kind {
            0 => ("null", Value::Null),
            1 => ("empty map", json!({})),
            2 => ("empty list", json!([])),
            3 => ("number", json!(rng.i32(-3..2000))),
            4 => ("boolean", json!(rng.bool())),
            5 => ("string", json!(*rng.choice(["x", "", "42", "true", "a, b", "5s", "http://y"].iter()).unwrap())),
            6 => ("wrapped in a list", json!([place.clone()])),
            _ => {
                let bare = *rng.choice(SCALARS.iter()).unwrap();
                *place = json!(BARE);
                return (format!("scalar {bare:?}"), Some(bare));
            }
        };
        *place = value;
        return (name.into(), None);
    }
    let Some(map) = parent.as_object_mut() else {
        parent.as_array_mut().unwrap().clear();
        return ("emptied the list".into(), None);
    };
    let value = map.shift_remove(key).unwrap();
    let renamed = match kind {
        8 => return ("removed".into(), None),
        9 => format!("{key}s"),
        10 => swap_case(rng, key),
        11 => {
            map.insert(key.clone(), value.clone());
            swap_case(rng, key)
        }
        _ => {
            map.insert("nested".into(), json!({key: value}));
            return ("nested deeper".into(), None);
        }
    };
    map.insert(renamed.clone(), value);
    (format!("renamed to {renamed}"), None)
}

fn at<'a>(parent: &'a mut Value, key: &str) -> &'a mut Value {
    match parent {
        Value::Array(items) => &mut items[key.parse::<usize>().unwrap()],
        map => &mut map[key],
    }
}

fn swap_case(rng: &mut fastrand::Rng, key: &str) -> String {
    match rng.u8(..3) {
        0 => key.to_lowercase(),
        1 => key.to_uppercase(),
        _ => key[..1].to_uppercase() + &key[1..],
    }
}

fn pointer(path: &[String]) -> String {
    path.iter().map(|part| format!("/{}", part.replace('~', "~0").replace('/', "~1"))).collect()
}

fn break_text(rng: &mut fastrand::Rng, text: &str) -> (String, String) {
    let lines: Vec<&str> = text.lines().collect();
    let line = rng.usize(..lines.len());
    let with_line = |new: String| {
        let changed =
            lines.iter().enumerate().map(|(index, old)| if index == line { new.clone() } else { (*old).to_owned() });
        changed.collect::<Vec<_>>().join("\n") + "\n"
    };
    let place = (0..=rng.usize(..text.len())).rev().find(|place| text.is_char_boundary(*place)).unwrap_or(0);
    let (before, after) = text.split_at(place);
    match rng.u8(..15) {
        0 => ("removed a character".into(), before.to_owned() + after.get(1..).unwrap_or_default()),
        1 | 2 => {
            let sign = *rng
                .choice("{}[]:,\"'\t#&*!|>%@`-?=.~\\ \u{e9}\u{85}\u{7f}".chars().collect::<Vec<_>>().iter())
                .unwrap();
            (format!("inserted {sign:?}"), format!("{before}{sign}{after}"))
        }
        3 => ("doubled a line".into(), with_line(format!("{0}\n{0}", lines[line]))),
        4 => ("indented a line".into(), with_line(format!(" {}", lines[line]))),
        5 => ("indented with a tab".into(), with_line(format!("\t{}", lines[line].trim_start()))),
        6 => ("dedented a line".into(), with_line(lines[line].trim_start().to_owned())),
        7 => ("cut off".into(), before.to_owned()),
        8 => ("a second document".into(), format!("{text}---\nbroken: [\n")),
        9 => ("windows line ends".into(), text.replace('\n', "\r\n")),
        10 => ("a byte order mark".into(), format!("\u{feff}{text}")),
        11 => ("a comment".into(), with_line(format!("{} # note: [", lines[line]))),
        12 => ("an unknown section".into(), format!("x-shared: &a {{b: [1, {{c: d}}]}}\nother: *a\n{text}")),
        13 => (
            "a merge".into(),
            format!("x-base: &base {{tls: {{}}}}\n{text}tls:\n  options:\n    merged:\n      <<: *base\n"),
        ),
        _ => ("a template".into(), with_line(format!("{} # {{{{ env \"HOME\" }}}}", lines[line]))),
    }
}
