//! Values that nobody may see, and the mask that hides them in text.
//!
//! What a [`Mask`] knows never leaves [`Mask::apply`], not even in parts where two secrets overlap.

use std::{borrow::Cow, collections::BTreeSet, fmt, ops::Range, sync::Arc};

/// Shorter values would hide too much harmless text.
const SHORTEST: usize = 4;
/// What stands in place of a secret.
const HIDDEN: &str = "***";
/// A variable whose name contains one of these holds a secret.
const TELLING: [&str; 4] = ["pass", "token", "secret", "key"];

/// A value that may be secret: `Debug` does not print it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps `value`.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself, for handing it to the child.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

/// The secrets of one shard. Cheap to clone.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Mask(Arc<BTreeSet<String>>);

impl Mask {
    /// Knows `values` and each of their lines, because stderr is shown line by line. Values of less
    /// than four characters are left out, and so are `true` and `false`.
    pub fn new<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        let lines = values.into_iter().flat_map(|value| value.lines().chain([value]));
        let secrets = lines
            .map(str::trim)
            .filter(|line| line.chars().count() >= SHORTEST)
            .filter(|line| !matches!(*line, "true" | "false"));
        Self(Arc::new(secrets.map(str::to_owned).collect()))
    }

    /// Replaces all that belongs to a secret by `***`.
    pub fn apply<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let hidden = self.hidden(text);
        if hidden.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut masked = String::with_capacity(text.len());
        let mut shown = 0;
        for range in hidden {
            masked.push_str(&text[shown..range.start]);
            masked.push_str(HIDDEN);
            shown = range.end;
        }
        masked.push_str(&text[shown..]);
        Cow::Owned(masked)
    }

    /// The parts of `text` that must not be seen, in order; those that overlap are one.
    fn hidden(&self, text: &str) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        for secret in self.0.iter() {
            found.extend(text.match_indices(secret).map(|(at, _)| at..at + secret.len()));
        }
        found.sort_by_key(|range| range.start);
        let mut joined: Vec<Range<usize>> = Vec::new();
        for range in found {
            match joined.last_mut() {
                Some(last) if range.start < last.end => last.end = last.end.max(range.end),
                _ => joined.push(range),
            }
        }
        joined
    }
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mask({} secrets)", self.0.len())
    }
}

/// True if a variable of this name holds a secret.
pub(super) fn tells_a_secret(variable: &str) -> bool {
    let variable = variable.to_ascii_lowercase();
    TELLING.iter().any(|part| variable.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(secrets: &[&str], text: &str, expected: &str) {
        assert_eq!(Mask::new(secrets.iter().copied()).apply(text), expected);
    }

    #[test]
    fn every_occurrence_of_every_secret_is_hidden() {
        check(&[], "nothing to hide", "nothing to hide");
        check(&["hunter2"], "hunter2, hunter2", "***, ***");
        check(&["pass", "password"], "the password", "the ***");
        check(&["abcd", "cdef"], "xabcdefx", "x***x");
        check(&["geheim€"], "«geheim€»", "«***»");
    }

    #[test]
    fn short_and_common_values_are_not_secrets() {
        check(&["abc", "true", "", "\n"], "abc true", "abc true");
    }

    #[test]
    fn each_line_of_a_secret_is_hidden() {
        check(&["first line\nsecond\n"], "got `second`", "got `***`");
        check(&["first line\nsecond\n"], "first line\nsecond", "***");
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?} {:?}", Secret::new("hunter2"), Mask::new(["hunter2"]));
        assert_eq!(shown, "*** Mask(1 secrets)");
    }

    #[test]
    fn variables_tell_secrets_by_their_names() {
        for name in ["DB_PASSWORD", "GITHUB_TOKEN", "ApiKey", "client_secret"] {
            assert!(tells_a_secret(name), "{name}");
        }
        assert!(!tells_a_secret("TRAEFIK_API_URL"));
    }
}
