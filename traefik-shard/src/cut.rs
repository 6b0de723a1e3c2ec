//! Text of others that may be too long to be shown.
//!
//! What is cut says so, and is never cut within a character.

/// The text, or its first `longest` characters and `…`.
pub(crate) fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_longer_is_cut() {
        assert_eq!((cut("äöü", 3), cut("äöü", 2), cut("", 0)), ("äöü".into(), "äö…".into(), String::new()));
    }
}
