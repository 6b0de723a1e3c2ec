//! Finds what must not be shown of a line, by its words alone.
//!
//! Invariant: rather too much is hidden than too little, since the file may be broken in any way.

use std::ops::Range;

use crate::config::secret::tells_a_secret;

/// The parts of line `index` of `text` that must not be shown, in order.
pub(super) fn hidden(text: &str, index: usize, line: &str) -> Vec<Range<usize>> {
    let begin = line.len() - line.trim_start().len();
    if continues_a_secret(text, index, line) && begin < line.len() {
        let whole = begin..line.len();
        return vec![whole];
    }
    let mut hidden = Vec::new();
    let mut from = 0;
    while let Some(value) = next_value(line, from) {
        from = value.end.max(value.start);
        hidden.push(value);
    }
    for found in credentials(line) {
        if !hidden.iter().any(|known: &Range<usize>| known.contains(&found.start)) {
            hidden.push(found);
        }
    }
    hidden.sort_by_key(|range| range.start);
    hidden.retain(|range| !range.is_empty());
    hidden
}

/// The value after the first secret-telling word that a `:` or `=` follows, from byte `from` on.
fn next_value(line: &str, from: usize) -> Option<Range<usize>> {
    let separators = line[from..].match_indices([':', '=']).map(|(at, _)| from + at);
    for separator in separators {
        let before = line[..separator].trim_end().trim_end_matches(['"', '\'']);
        let name = before.rsplit(|part: char| !is_of_a_name(part)).next().unwrap_or_default();
        let start = separator + 1;
        let gap = line[start..].len() - line[start..].trim_start().len();
        let address = line[start..].starts_with("//");
        if tells_a_secret(name) && !address && start + gap < line.len() {
            let start = start + gap;
            return Some(start..start + value(&line[start..]));
        }
    }
    None
}

fn is_of_a_name(part: char) -> bool {
    part.is_alphanumeric() || matches!(part, '_' | '-' | '.')
}

/// How long the value is that begins `rest`. A `${…}` is no secret, since only its name is written.
fn value(rest: &str) -> usize {
    let first = rest.chars().next();
    match first {
        Some('"' | '\'') if is_a_reference(rest.trim_matches(['"', '\'', ' ', '}'])) => 0,
        Some(quote @ ('"' | '\'')) => closing(rest, quote).unwrap_or(rest.len()),
        Some('#') => 0,
        Some('$') if is_a_reference(rest.trim_end_matches([' ', '}'])) => 0,
        Some('$' | '[' | '{' | '|' | '>' | '&' | '!' | '*') => rest.len(),
        _ => {
            let comment = rest.find(" #").unwrap_or(rest.len());
            let end = rest[..comment].find([',', '}']).unwrap_or(comment);
            rest[..end].trim_end().len()
        }
    }
}

/// True for one `${…}`, whose closing braces are cut off; what is within is a name or path, and not a default.
fn is_a_reference(text: &str) -> bool {
    let inside = text.strip_prefix("${").unwrap_or_default();
    !inside.is_empty()
        && !inside.contains(":-")
        && inside.chars().all(|part| is_of_a_name(part) || matches!(part, '/' | ':'))
}

/// The end of a quoted text, past the quotes; a quote after a backslash, or doubled, is part of it.
fn closing(rest: &str, quote: char) -> Option<usize> {
    let mut characters = rest.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if character == '\\' && quote == '"' {
            characters.next();
        } else if character == quote {
            if quote == '\'' && characters.peek().is_some_and(|(_, next)| *next == '\'') {
                characters.next();
            } else {
                return Some(at + 1);
            }
        }
    }
    None
}

/// What stands between `://` and `@`.
fn credentials(line: &str) -> impl Iterator<Item = Range<usize>> {
    line.match_indices("://").filter_map(|(at, slashes)| {
        let start = at + slashes.len();
        let end = line[start..].find(|part: char| part.is_whitespace() || matches!(part, '/' | '"' | '\'' | ','));
        let host = &line[start..end.map_or(line.len(), |end| start + end)];
        Some(start..start + host.rfind('@')?)
    })
}

/// True if the line is a part of the value of a key on an earlier line, as with `|`, `>`, or a value on a line of its own.
fn continues_a_secret(text: &str, index: usize, line: &str) -> bool {
    let depth = |line: &str| line.len() - line.trim_start().len();
    let mut least = depth(line);
    let before: Vec<&str> = text.split('\n').take(index).collect();
    for earlier in before.iter().rev().filter(|earlier| !earlier.trim().is_empty()) {
        // In JSON, and in a list, a value may stand as deep as its key.
        let opens = depth(earlier) <= least && ends_in_a_secret_key(earlier);
        if opens && (depth(earlier) < depth(line) || !line.trim_start().contains(':')) {
            return true;
        }
        least = least.min(depth(earlier));
        if least == 0 && depth(earlier) == 0 {
            return false;
        }
    }
    false
}

fn ends_in_a_secret_key(line: &str) -> bool {
    let line = line.split(" #").next().unwrap_or(line).trim_end();
    let marks = |part: char| matches!(part, '|' | '>' | '+' | '-' | '[' | '{') || part.is_ascii_digit();
    let Some(before) = line.trim_end_matches(marks).trim_end().strip_suffix(':') else { return false };
    let before = before.trim_end().trim_end_matches(['"', '\'']);
    tells_a_secret(before.rsplit(|part: char| !is_of_a_name(part)).next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks that a line is shown so, the last of `text`.
    fn check(text: &str, expected: &str) {
        let line = text.rsplit('\n').next().unwrap();
        let mut shown = line.to_owned();
        for range in hidden(text, text.matches('\n').count(), line).into_iter().rev() {
            shown.replace_range(range, "***");
        }
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn what_a_secret_telling_name_stands_before_is_hidden() {
        check("  API_TOKEN: hunter2", "  API_TOKEN: ***");
        check("  API_TOKEN: hunter2 # why", "  API_TOKEN: *** # why");
        check("  API_TOKEN : 'hun''ter: 2' x", "  API_TOKEN : *** x");
        check(r#"  "apiKey": "a\"b, c", "n": 1"#, r#"  "apiKey": ***, "n": 1"#);
        check("env: { A: x, TOKEN: hunter2, SECRET: y }", "env: { A: x, TOKEN: ***, SECRET: *** }");
        check("args: [--api-key=hunter2, --port=80]", "args: [--api-key=***, --port=80]");
        check("PASSWORD: \"unclosed", "PASSWORD: ***");
        check("TOKEN: [a, b]", "TOKEN: ***");
        check("TOKEN: ${TOKEN:-hunter2}", "TOKEN: ***");
        check("TOKEN: ${TOKEN}hunter2", "TOKEN: ***");
        check("TOKEN:hunter2", "TOKEN:***");
        check("url: https://me:hunter2@host/x", "url: https://***@host/x");
    }

    #[test]
    fn what_is_no_secret_stays() {
        check("comand: npx", "comand: npx");
        check("TOKEN: ${TOKEN}", "TOKEN: ${TOKEN}");
        check("TOKEN: ${file:/run/secrets/token}", "TOKEN: ${file:/run/secrets/token}");
        check("env: { TOKEN: \"${file:token}\" }", "env: { TOKEN: \"${file:token}\" }");
        check("TOKEN:", "TOKEN:");
        check("url: http://host:80/a@b", "url: http://host:80/a@b");
        check("tools: { allow: [list_tokens] }", "tools: { allow: [list_tokens] }");
        check("env:\n  TOKEN: a\nargs: [x]", "args: [x]");
        check("env:\n  TOKEN: a\n  PORT: 80", "  PORT: 80");
    }

    #[test]
    fn a_secret_on_lines_of_its_own_is_hidden() {
        check("env:\n  TOKEN: |\n    hunter2", "    ***");
        check("env:\n  TOKEN: |\n    one\n\n    hunter2: x", "    ***");
        check("env:\n  TOKEN: >-\n    hunter2", "    ***");
        check("env:\n  TOKEN:\n    hunter2", "    ***");
        check("env:\n  TOKENS:\n  - hunter2", "  ***");
        check("{\"env\": {\"TOKEN\":\n\"hunter2\"", "***");
        check("env:\n  TOKEN:\n  PORT: 80", "  PORT: 80");
    }
}
