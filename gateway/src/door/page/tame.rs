//! Text from shards and files, made fit to be shown.
//!
//! Invariant: what comes out has no character that nobody sees or that changes how others are seen, and is not longer than
//! what was granted. Markup is not a matter here: the templates escape everything.

use maud::{Markup, html};

/// How many marks one letter may carry; Vietnamese needs two, and phonetic script three.
const MARKS: usize = 4;

/// At most `most` characters of `text`, on one line. What cannot be seen becomes U+FFFD.
pub(super) fn tame(text: &str, most: usize) -> String {
    let words = text.split_whitespace();
    let mut tamed = String::new();
    let mut left = most;
    let mut marks = 0;
    for (at, word) in words.enumerate() {
        let space = (at > 0).then_some(' ');
        for character in space.into_iter().chain(word.chars()) {
            if left == 0 {
                tamed.push('…');
                return tamed;
            }
            marks = if is_mark(character) { marks + 1 } else { 0 };
            if marks > MARKS {
                continue;
            }
            left -= 1;
            tamed.push(if is_tricky(character) { char::REPLACEMENT_CHARACTER } else { character });
        }
    }
    tamed
}

/// Marks of the scripts that need few of them. Heaps of them would cover the lines above and below.
fn is_mark(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// Controls, and the marks by which text is reordered, hidden or joined. The joiners that Indic scripts and emoji need
/// stay: they show where they do anything.
fn is_tricky(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
            | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e000}'..='\u{f8ff}'
            | '\u{e0000}'..='\u{10ffff}')
}

/// Text whose `code` stands in backticks. One without a second is only a character.
pub(super) fn with_code(text: &str) -> Markup {
    let (paired, rest) = match text.rfind('`') {
        Some(last) if text.matches('`').count() % 2 == 1 => text.split_at(last),
        _ => (text, ""),
    };
    let parts = paired.split('`').enumerate();
    html! { @for (at, part) in parts { @if at % 2 == 1 { code { (part) } } @else { (part) } } (rest) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(tame(text, 12), expected);
    }

    #[test]
    fn text_is_cut_after_what_it_is_granted() {
        check("", "");
        check("a long word", "a long word");
        check("exactly  12\n\tc", "exactly 12 c");
        check("more than that", "more than th…");
        check(&"é".repeat(13), &format!("{}…", "é".repeat(12)));
        check(&" ".repeat(99), "");
    }

    #[test]
    fn code_stands_between_two_backticks() {
        let check = |text, expected: &str| assert_eq!(with_code(text).into_string(), expected);
        check("", "");
        check("a `b` c `d`", "a <code>b</code> c <code>d</code>");
        check("a `b` c ` <d", "a <code>b</code> c ` &lt;d");
        check("`", "`");
    }

    #[test]
    fn what_reorders_or_hides_text_is_replaced_and_scripts_stay_readable() {
        check("a\u{202e}b\u{2066}c", "a\u{fffd}b\u{fffd}c");
        check("\u{1b}[31mred", "\u{fffd}[31mred");
        check("zero\u{200b}width", "zero\u{fffd}width");
        check("tag\u{e0041}", "tag\u{fffd}");
        check("line\u{2028}break", "line break");
        check(&format!("a{}b", "\u{301}".repeat(99)), &format!("a{}b", "\u{301}".repeat(MARKS)));
        check("e\u{302}\u{301}e\u{302}\u{301}", "e\u{302}\u{301}e\u{302}\u{301}");
        check("שלום", "שלום");
        check("क्\u{200d}ष", "क्\u{200d}ष");
        check("👩\u{200d}💻", "👩\u{200d}💻");
    }
}
