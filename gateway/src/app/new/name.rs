//! A name that crate, program and shard can all have.
//!
//! Invariant: cargo takes it, the gateway takes it as shard and as prefix, and no dependency of the template has it.

use std::fmt;

use crate::config::ShardName;

/// The name of a crate that is a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrateName(String);

/// Why a text is not a [`CrateName`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCrateName {
    /// Something that one of the three cannot have.
    #[error(
        "a shard's crate is named with lower-case letters, digits and single dashes, begins with a letter, and has 32 \
         of them at most{}",
        .nearest.as_ref().map(|name| format!("; try `{name}`")).unwrap_or_default()
    )]
    Form {
        /// A name that is like it.
        nearest: Option<String>,
    },
    /// A crate cannot depend on one of its own name, nor be called like a word of Rust or a folder of cargo's.
    #[error("the name is taken: it is a word of Rust, of cargo, or a crate that the template uses; try `{0}-shard`")]
    Reserved(String),
}

/// Words of Rust, what cargo keeps for itself, and the dependencies of the template.
const RESERVED: &str = "
    abstract as async await become box break const continue crate do dyn else enum extern false final fn for gen if impl in
    let loop macro match mod move mut override priv pub ref return self static struct super trait true try type typeof
    unsafe unsized use virtual where while yield
    alloc build core deps examples incremental proc-macro std test
    anyhow rmcp rustix serde thiserror tokio tracing tracing-subscriber
    aux con nul prn";

impl CrateName {
    /// Checks `text`.
    ///
    /// # Errors
    /// It cannot be the name of a crate, of a program and of a shard.
    pub fn parse(text: &str) -> Result<Self, BadCrateName> {
        if !is_well_formed(text) {
            let nearest = nearest(text);
            return Err(BadCrateName::Form { nearest: is_well_formed(&nearest).then_some(nearest) });
        }
        if RESERVED.split_whitespace().any(|word| word == text) {
            return Err(BadCrateName::Reserved(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CrateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_well_formed(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.chars().all(is_plain)
        && !text.contains("--")
        && !text.ends_with('-')
        && ShardName::parse(text).is_ok()
}

/// The same letters and digits, in lower case, with a dash for all that stands between.
fn nearest(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let joined = words.collect::<Vec<_>>().join("-");
    joined.chars().take(32).collect::<String>().trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_for_cargo_and_for_the_gateway() {
        for good in ["dozzle", "a", "my-shard2", &"x".repeat(32)] {
            assert_eq!(CrateName::parse(good).map(|name| name.to_string()), Ok(good.to_owned()));
        }
    }

    #[test]
    fn a_bad_name_is_told_with_one_that_is_like_it() {
        let check = |text: &str, nearest: Option<&str>| {
            let nearest = nearest.map(ToOwned::to_owned);
            assert_eq!(CrateName::parse(text), Err(BadCrateName::Form { nearest }), "{text:?}");
        };
        check("My_Shard", Some("my-shard"));
        check("a--b-", Some("a-b"));
        check("../up", Some("up"));
        check("a b/c", Some("a-b-c"));
        check("é", None);
        check("9p", None);
        check("", None);
        check("-", None);
        check(&"x".repeat(33), Some(&"x".repeat(32)));
    }

    #[test]
    fn a_name_that_cargo_or_the_template_needs_is_refused() {
        for taken in ["fn", "test", "tokio", "serde", "build"] {
            assert_eq!(CrateName::parse(taken), Err(BadCrateName::Reserved(taken.to_owned())));
        }
    }
}
