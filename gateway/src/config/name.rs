//! The two names that a shard has: its own and its prefix.
//!
//! Both are checked when they are made, so that `prefix__tool` can be taken apart in one way only.

use std::{borrow::Borrow, fmt, sync::Arc};

/// The most characters that a shard's name or prefix has.
const LONGEST: usize = 32;

/// The name of a shard: the stem of its file, or the key of its `mcpServers` entry.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardName(Arc<str>);

/// What stands before `__` in the names that a shard's items are exposed by; may be empty.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix(Arc<str>);

/// Why a text is not a [`ShardName`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a shard's name has letters, digits, `-` and `_`, at most 32 of them, and begins with a letter or digit")]
pub struct BadName;

/// Why a text is not a [`Prefix`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPrefix {
    /// A character that a tool's name cannot have, or too many of them.
    #[error("a prefix has letters, digits, `-` and `_`, at most 32 of them")]
    Characters,
    /// The separator inside the prefix.
    #[error("a prefix cannot hold `__`, which separates it from the tool's name")]
    Separator,
    /// An underscore that would run into the separator.
    #[error("a prefix cannot end in `_`, because `__` follows it")]
    Underscore,
}

impl ShardName {
    /// Checks `text`.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        let begins_well = text.starts_with(|first: char| first.is_ascii_alphanumeric());
        if begins_well && text.len() <= LONGEST && text.chars().all(is_plain) {
            Ok(Self(text.into()))
        } else {
            Err(BadName)
        }
    }

    /// Makes the nearest name of any text: other characters become `-`. The result can always serve
    /// as a prefix too. `None` if `text` holds no letter and no digit.
    pub fn slug(text: &str) -> Option<Self> {
        let mut slug = String::new();
        for character in text.trim().chars() {
            let plain = if is_plain(character) { character } else { '-' };
            let begins = !slug.is_empty() || plain.is_ascii_alphanumeric();
            let doubles = plain == '_' && slug.ends_with('_');
            if begins && !doubles && slug.len() < LONGEST {
                slug.push(plain);
            }
        }
        Self::parse(slug.trim_end_matches(['_', '-'])).ok()
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Prefix {
    /// Checks `text`.
    pub fn parse(text: &str) -> Result<Self, BadPrefix> {
        if text.len() > LONGEST || !text.chars().all(is_plain) {
            Err(BadPrefix::Characters)
        } else if text.contains("__") {
            Err(BadPrefix::Separator)
        } else if text.ends_with('_') {
            Err(BadPrefix::Underscore)
        } else {
            Ok(Self(text.into()))
        }
    }

    /// The prefix as text, without the separator.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True if items are exposed by their own names.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn is_plain(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_')
}

impl fmt::Display for ShardName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ShardName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Borrow<str> for ShardName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_and_begin_with_a_letter_or_digit() {
        for good in ["a", "9p", "my-shard_2", "a__b", &"x".repeat(32)] {
            assert_eq!(ShardName::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "-a", "_a", "a b", "a.b", "é", &"x".repeat(33)] {
            assert_eq!(ShardName::parse(bad), Err(BadName), "{bad:?}");
        }
    }

    #[test]
    fn prefixes_leave_one_way_to_split_an_exposed_name() {
        let check = |text: &str, expected: Result<(), BadPrefix>| {
            assert_eq!(Prefix::parse(text).map(|_| ()), expected, "{text:?}");
        };
        check("", Ok(()));
        check("_a-b", Ok(()));
        check("a.b", Err(BadPrefix::Characters));
        check(&"x".repeat(33), Err(BadPrefix::Characters));
        check("a__b", Err(BadPrefix::Separator));
        check("a_", Err(BadPrefix::Underscore));
    }

    #[test]
    fn slugs_are_names_that_can_serve_as_prefixes() {
        let check = |text: &str, expected: Option<&str>| {
            let slug = ShardName::slug(text);
            assert_eq!(slug.as_ref().map(ShardName::as_str), expected, "{text:?}");
        };
        check("github", Some("github"));
        check("My Server (2)", Some("My-Server--2"));
        check("@scope/name", Some("scope-name"));
        check("a__b_", Some("a_b"));
        check("日本", None);
        check(&"long ".repeat(20), Some("long-long-long-long-long-long-lo"));
    }
}
