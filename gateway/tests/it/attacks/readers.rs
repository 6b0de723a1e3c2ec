//! Every way in which a server might read what it was sent.
//!
//! Invariant: a superset of all readers. A line may end where any language ends one, keys are folded, and of duplicates
//! each is taken.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// An object's members as they stand, duplicates included.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Collect)
    }
}

struct Collect;

impl<'de> Visitor<'de> for Collect {
    type Value = Members;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Members, M::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

/// The lines that some reader takes for a message whose `params.name` holds `denied`.
pub(super) fn denied_calls(journal: &[u8], denied: &str) -> Vec<String> {
    let text = String::from_utf8_lossy(journal);
    let lines = text.split('\n').chain(text.split(ends_a_line));
    lines.filter(|line| calls(line.trim_matches('\u{feff}'), denied)).map(ToOwned::to_owned).collect()
}

/// What ends a line for Python's `splitlines`, and so for Node's `readline`, Java and C.
fn ends_a_line(letter: char) -> bool {
    matches!(letter, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}' | '\0')
}

fn calls(text: &str, denied: &str) -> bool {
    if let Ok(batch) = serde_json::from_str::<Vec<Box<RawValue>>>(text) {
        return batch.iter().any(|message| calls(message.get(), denied));
    }
    let names = values(text, "params").flat_map(|params| values(params.get(), "name").collect::<Vec<_>>());
    names.into_iter().any(|name| {
        let name = serde_json::from_str::<String>(name.get()).unwrap_or_else(|_| name.get().to_owned());
        folded(&name).contains(denied)
    })
}

fn values(object: &str, key: &'static str) -> impl Iterator<Item = Box<RawValue>> {
    let members = serde_json::from_str(object).map_or_else(|_| Vec::new(), |Members(members)| members);
    members.into_iter().filter(move |(name, _)| folded(name) == key).map(|(_, value)| value)
}

/// The long s and the Kelvin sign fold to ASCII letters.
fn folded(text: &str) -> String {
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

#[test]
fn a_call_is_found_however_it_is_hidden() {
    let found = |text: &str| denied_calls(text.as_bytes(), "bad").len();
    let inner = r#"{"method":"tools/call","params":{"name":"bad"}}"#;
    assert_eq!(found(&format!("{inner}\n")), 2, "by both ways of splitting");
    for separator in ["\n", "\r", "\r\n", "\u{2028}", "\u{85}", "\u{c}", "\0"] {
        assert!(found(&format!("{{\"x\":{separator}{inner}{separator}}}")) > 0, "{separator:?}");
    }
    for hidden in [
        r#"{"params":{"name":"good","name":"bad"}}"#,
        r#"{"params":{"name":"bad","name":"good"}}"#,
        r#"{"params":{"n\u0061me":"b\u0061d"}}"#,
        r#"{"params":{"name":"good","NAME":"bad"}}"#,
        r#"{"params":{"name":"good"},"params":{"name":"bad"}}"#,
        r#"{"params":{"name":"good"},"Param\u017f":{"name":"bad"}}"#,
        r#"[{"params":{"name":"good"}},{"params":{"name":"bad"}}]"#,
        r#"{"params":{"name":["bad"]}}"#,
    ] {
        assert!(found(hidden) > 0, "{hidden}");
    }
    for harmless in [
        r#"{"params":{"name":"good","arguments":{"name":"bad"}}}"#,
        r#"{"name":"bad"}"#,
        r#"{"params":{"name":"good","arguments":"\u000a{\"params\":{\"name\":\"bad\"}}\u000a"}}"#,
    ] {
        assert_eq!(found(harmless), 0, "{harmless}");
    }
}
