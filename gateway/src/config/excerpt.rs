//! The line of a shard file at which a problem is, as it may be shown.
//!
//! Invariant: what a secret-telling name stands before is never shown, even in a file that cannot be parsed.

mod veil;

use std::ops::Range;

use super::problem::{Problem, steers};

/// One line, and the part of it that is at fault.
#[derive(Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The line, without its end, with `***` for secrets and no character that steers a terminal.
    pub line: String,
    /// The bytes of it that are at fault; empty at a place where something is missing.
    pub fault: Range<usize>,
}

/// The line of `text` that `problem` names; `None` if it names none.
pub fn excerpt(text: &str, problem: &Problem) -> Option<Excerpt> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let index = problem.line.checked_sub(1)?;
    let line = text.split('\n').nth(index)?;
    let line = line.strip_suffix('\r').unwrap_or(line);
    let start = at_column(line, problem.column)?;
    let fault = start..start + word(&line[start..]);
    let hidden = veil::hidden(text, index, line);
    Some(show(line, &fault, &hidden))
}

/// The byte at which the column begins; the one after the last is where something is missing.
fn at_column(line: &str, column: usize) -> Option<usize> {
    let mut places = line.char_indices().map(|(at, _)| at).chain([line.len()]);
    places.nth(column.checked_sub(1)?)
}

/// How much of `rest` belongs to the key or value that begins it.
fn word(rest: &str) -> usize {
    let Some(first) = rest.chars().next() else { return 0 };
    if let quote @ ('"' | '\'') = first {
        let end = rest[1..].find(quote).map(|end| end + 2);
        return end.unwrap_or(rest.len());
    }
    if first.is_whitespace() || matches!(first, '[' | ']' | '{' | '}' | ',' | '\0'..='\x1f') {
        return first.len_utf8();
    }
    let ends = |(at, here): (usize, char)| {
        let next = rest[at + here.len_utf8()..].chars().next();
        let ended = matches!(here, ',' | ']' | '}')
            || (here == ':' && next.is_none_or(char::is_whitespace))
            || (here == ' ' && next == Some('#'));
        ended.then_some(at)
    };
    let end = rest.char_indices().skip(1).find_map(ends).unwrap_or(rest.len());
    rest[..end].trim_end().len()
}

/// The line with what is hidden replaced; `fault` moves along.
fn show(line: &str, fault: &Range<usize>, hidden: &[Range<usize>]) -> Excerpt {
    let mut shown = String::new();
    let mut moved = [None, None];
    for (at, character) in line.char_indices().map(|(at, character)| (at, Some(character))).chain([(line.len(), None)])
    {
        let veil = hidden.iter().find(|range| range.contains(&at));
        if veil.is_some_and(|range| range.start == at) {
            shown.push_str("***");
        }
        for (place, wanted) in moved.iter_mut().zip([fault.start, fault.end]) {
            if at >= wanted && place.is_none() {
                // A fault that begins inside of what is hidden begins with it.
                *place =
                    Some(if veil.is_some() && wanted == fault.start { shown.len() - "***".len() } else { shown.len() });
            }
        }
        if let (None, Some(character)) = (veil, character) {
            shown.push(if steers(character) && character != '\t' { '\u{fffd}' } else { character });
        }
    }
    let start = moved[0].unwrap_or(shown.len());
    let end = moved[1].unwrap_or(shown.len()).max(start);
    Excerpt { line: shown, fault: start..end }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Severity;

    /// The excerpt as a person sees it, the fault underlined.
    fn shown(text: &str, line: usize, column: usize) -> String {
        let problem =
            Problem { file: "x.yaml".into(), line, column, severity: Severity::Error, message: String::new() };
        let Some(Excerpt { line, fault }) = excerpt(text, &problem) else { return "nothing".to_owned() };
        let (before, marked) = (line[..fault.start].chars().count(), line[fault].chars().count());
        format!("{line}\n{}{}", " ".repeat(before), "^".repeat(marked.max(1)))
    }

    #[test]
    fn the_whole_word_is_marked() {
        let check = |line: &str, column: usize, expected: &str| assert_eq!(shown(line, 1, column), expected);
        check("comand: npx", 1, "comand: npx\n^^^^^^");
        check("command: npx -y x # why", 10, "command: npx -y x # why\n         ^^^^^^^^");
        check("a: { b: http://x:1, c: d }", 9, "a: { b: http://x:1, c: d }\n        ^^^^^^^^^^");
        check("a: \"b c\" d", 4, "a: \"b c\" d\n   ^^^^^");
        check("a: [b]", 4, "a: [b]\n   ^");
        check("command:", 9, "command:\n        ^");
        check("größe: x", 8, "größe: x\n       ^");
        check("a: b", 7, "nothing");
        assert_eq!(shown("\u{feff}a: b\r\nc: d\r\n", 1, 1), "a: b\n^");
        assert_eq!(shown("a: b\r\nc: d\r\n", 2, 4), "c: d\n   ^");
        assert_eq!(shown("a: b", 0, 0), "nothing");
        assert_eq!(shown("a: b", 7, 1), "nothing");
    }

    #[test]
    fn nothing_in_a_line_steers_the_terminal() {
        assert_eq!(shown("a: \u{1b}[2J\u{9b}\u{202e}b", 1, 1), "a: \u{fffd}[2J\u{fffd}\u{fffd}b\n^");
    }

    #[test]
    fn secrets_are_hidden_and_the_mark_stays_where_it_belongs() {
        let line = "env: { API_TOKEN: hunter2, sotp: 1 }";
        assert_eq!(shown(line, 1, 28), "env: { API_TOKEN: ***, sotp: 1 }\n                       ^^^^");
        assert_eq!(shown(line, 1, 19), "env: { API_TOKEN: ***, sotp: 1 }\n                  ^^^");
        assert_eq!(shown("TOKEN: [hunter2]", 1, 8), "TOKEN: ***\n       ^^^");
    }
}
