//! What a proxy does to payloads that parses and writes them anew, for tests that must notice it.
//!
//! Text that cannot be spoiled in this way is kept as it is.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// What happens to arguments, to raw results, errors and notices, and to the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spoil {
    Nothing,
    /// A round trip through `serde_json::Value`.
    Values,
    /// The members of the outermost object in reverse order, each as it was.
    Order,
}

impl Spoil {
    pub(crate) fn apply(self, text: &str) -> String {
        let spoiled = match self {
            Self::Nothing => None,
            Self::Values => serde_json::from_str(text).ok().map(|value: Value| value.to_string()),
            Self::Order => serde_json::from_str(text).ok().map(|Members(members)| reversed(&members)),
        };
        spoiled.unwrap_or_else(|| text.to_owned())
    }
}

fn reversed(members: &[(&RawValue, &RawValue)]) -> String {
    let members: Vec<_> = members.iter().rev().map(|(key, value)| format!("{key}:{value}")).collect();
    format!("{{{}}}", members.join(","))
}

struct Members<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_spoils_what_it_says_and_no_more() {
        let text = r#"{"a\u0062":1e5,"c":{"d":-0,"c":2}}"#;
        assert_eq!(Spoil::Nothing.apply(text), text);
        assert_eq!(Spoil::Values.apply(text), r#"{"ab":100000.0,"c":{"d":-0.0,"c":2}}"#);
        assert_eq!(Spoil::Order.apply(text), r#"{"c":{"d":-0,"c":2},"a\u0062":1e5}"#);
    }
}
