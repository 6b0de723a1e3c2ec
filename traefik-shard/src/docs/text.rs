//! Text from the net, made safe to quote.
//!
//! What a person would not see does not reach a model either.

/// Drops control characters, except line breaks and tabs, and characters that hide or reorder text.
pub(crate) fn visible(text: &str) -> String {
    text.chars().filter(|&c| c == '\n' || c == '\t' || !hides(c)).collect()
}

/// One line of visible text.
pub(crate) fn plain(text: &str) -> String {
    visible(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn hides(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_dropped_and_layout_stays() {
        assert_eq!(visible("a\u{1b}[31mb\u{0}\r\n\tc"), "a[31mb\n\tc");
        assert_eq!(visible("x\u{202e}y\u{200b}z\u{e0041}\u{feff}"), "xyz");
        assert_eq!(visible("Ä → 日本 ½"), "Ä → 日本 ½");
        assert_eq!(plain("  a\n b\t c "), "a b c");
    }
}
