//! Which certificate clients get, host by host, and what is wrong with it.
//!
//! Nothing here trusts a peer: what a certificate says is cut to size and freed of control
//! characters before anybody reads it, and a handshake never waits longer than its limits.

pub(crate) mod address;
pub(crate) mod handshake;
pub(crate) mod host;
pub(crate) mod leaf;
pub(crate) mod report;
pub(crate) mod serving;
pub(crate) mod survey;
pub(crate) mod verdict;

use crate::cut::cut;

/// The longest text of a certificate that is shown, in characters.
const SHOWN: usize = 200;

/// Text of a stranger, fit for a line of output: one line, no control or invisible characters, bounded.
pub(crate) fn shown(text: &str) -> String {
    let clean = |c: char| if c.is_control() || invisible(c) { '\u{fffd}' } else { c };
    cut(text, SHOWN).chars().map(clean).collect()
}

/// Line separators, joiners and marks that change the direction of what follows them.
fn invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_becomes_one_short_line() {
        assert_eq!(shown("a\r\nb\u{1b}[31m\u{202e}c"), "a\u{fffd}\u{fffd}b\u{fffd}[31m\u{fffd}c");
        assert_eq!(shown(&"x".repeat(5 << 20)).chars().count(), SHOWN + 1);
        assert_eq!(shown("Lab CA – Zürich"), "Lab CA – Zürich");
    }
}
