//! The regular expression of a term: compiled when it is first asked, and then kept for all clones of the rule.
//!
//! Two terms with the same text are equal, whether or not anybody asked them.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use regex::Regex;

use super::pattern;

/// What became of an expression; empty until somebody asks.
#[derive(Clone, Default)]
pub(crate) struct Compiled(Arc<OnceLock<Option<Regex>>>);

impl Compiled {
    /// Whether the expression, which is always the same one, matches the text; `None` where we cannot tell.
    pub(super) fn matches(&self, expression: &str, text: &str) -> Option<bool> {
        let compiled = self.0.get_or_init(|| pattern::compile(expression));
        compiled.as_ref().map(|regex| regex.is_match(text))
    }

    /// Whether somebody has asked.
    #[cfg(test)]
    pub(super) fn is_ready(&self) -> bool {
        self.0.get().is_some()
    }
}

impl PartialEq for Compiled {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Compiled {}

impl Hash for Compiled {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl fmt::Debug for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Compiled")
    }
}
