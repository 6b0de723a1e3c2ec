//! Which of its tools a shard shows, and under which names.
//!
//! All rules match the shard's own names, whatever the tools are called outside.

use std::collections::BTreeMap;

use globset::{Glob, GlobSet, GlobSetBuilder};

/// The `tools:` key of a shard file. The default shows everything as it is.
#[derive(Clone, Debug)]
pub struct ToolRules {
    allow: Patterns,
    deny: Patterns,
    rename: BTreeMap<String, String>,
}

/// Glob patterns that are equal if their texts are.
#[derive(Clone, Debug)]
pub(super) struct Patterns {
    texts: Vec<String>,
    set: GlobSet,
}

impl ToolRules {
    pub(super) fn new(allow: Patterns, deny: Patterns, rename: BTreeMap<String, String>) -> Self {
        Self { allow, deny, rename }
    }

    /// True if clients may see and call the tool that the shard itself calls `own`.
    pub fn exposes(&self, own: &str) -> bool {
        self.allow.set.is_match(own) && !self.deny.set.is_match(own)
    }

    /// What `own` is called outside, before the prefix is put in front.
    pub fn renamed<'a>(&'a self, own: &'a str) -> &'a str {
        self.rename.get(own).map_or(own, String::as_str)
    }
}

impl Default for ToolRules {
    fn default() -> Self {
        Self::new(Patterns::everything(), Patterns::nothing(), BTreeMap::new())
    }
}

impl PartialEq for ToolRules {
    fn eq(&self, other: &Self) -> bool {
        self.allow.texts == other.allow.texts && self.deny.texts == other.deny.texts && self.rename == other.rename
    }
}

impl Eq for ToolRules {}

impl Patterns {
    /// Checks one pattern; `Err` says what is wrong with it.
    pub(super) fn check(text: &str) -> Result<Glob, String> {
        Glob::new(text).map_err(|error| error.kind().to_string())
    }

    /// Compiles checked patterns; `Err` says why they are too much together.
    pub(super) fn new(globs: &[Glob]) -> Result<Self, String> {
        let mut builder = GlobSetBuilder::new();
        for glob in globs {
            builder.add(glob.clone());
        }
        let texts = globs.iter().map(|glob| glob.glob().to_owned()).collect();
        let set = builder.build().map_err(|error| error.kind().to_string())?;
        Ok(Self { texts, set })
    }

    pub(super) fn everything() -> Self {
        let every = Glob::new("*").expect("a star is a pattern");
        Self::new(&[every]).expect("one star is not too much")
    }

    pub(super) fn nothing() -> Self {
        Self { texts: Vec::new(), set: GlobSet::empty() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(texts: &[&str]) -> Patterns {
        let globs: Vec<Glob> = texts.iter().map(|text| Patterns::check(text).unwrap()).collect();
        Patterns::new(&globs).unwrap()
    }

    fn rules(allow: &[&str], deny: &[&str]) -> ToolRules {
        let rename = BTreeMap::from([("old".to_owned(), "new".to_owned())]);
        ToolRules::new(patterns(allow), patterns(deny), rename)
    }

    #[test]
    fn a_tool_is_exposed_if_allowed_and_not_denied() {
        let check = |allow: &[&str], deny: &[&str], own: &str, expected: bool| {
            assert_eq!(rules(allow, deny).exposes(own), expected, "{allow:?} {deny:?} {own}");
        };
        check(&["*"], &[], "a/b.c d", true);
        check(&["*"], &["delete_*"], "delete_all", false);
        check(&["*"], &["delete_*"], "undelete_all", true);
        check(&["get_*", "list"], &[], "list", true);
        check(&["get_*", "list"], &[], "lists", false);
        check(&[], &[], "a", false);
        check(&["{get,put}_[ab]?"], &[], "put_bz", true);
    }

    #[test]
    fn rules_match_own_names_and_not_new_ones() {
        let rules = rules(&["old"], &["new"]);
        assert!(rules.exposes("old"));
        assert_eq!(rules.renamed("old"), "new");
        assert_eq!(rules.renamed("other"), "other");
    }

    #[test]
    fn no_rules_expose_everything_unchanged() {
        let rules = ToolRules::default();
        assert!(rules.exposes("any/thing.at-all"));
        assert_eq!(rules.renamed("a"), "a");
    }

    #[test]
    fn rules_are_equal_if_their_texts_are() {
        assert_eq!(rules(&["a*"], &[]), rules(&["a*"], &[]));
        assert_ne!(rules(&["a*"], &[]), rules(&["a?"], &[]));
    }

    #[test]
    fn bad_pattern_is_explained() {
        let fault = Patterns::check("a[").unwrap_err();
        assert_eq!(fault, "unclosed character class; missing ']'");
    }
}
