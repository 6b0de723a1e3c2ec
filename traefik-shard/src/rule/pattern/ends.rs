//! The plain text that everything matched by an expression begins or ends with.
//!
//! Only what is certain is told; `None` says nothing.

/// What follows `^`, as far as it is plain text.
pub(in crate::rule) fn beginning(expression: &str) -> Option<String> {
    let mut rest = expression.strip_prefix('^').filter(|_| is_one_alternative(expression))?;
    let mut found = String::new();
    loop {
        let escaped = rest.strip_prefix('\\').and_then(|rest| rest.chars().next()).filter(char::is_ascii_punctuation);
        let plain = rest.chars().next().filter(|&character| is_plain(character));
        let Some(character) = escaped.or(plain) else { break };
        rest = &rest[usize::from(escaped.is_some()) + character.len_utf8()..];
        found.push(character);
    }
    if rest.starts_with(['*', '?', '+', '{']) {
        found.pop();
    }
    (!found.is_empty()).then_some(found)
}

/// What stands before `$`, as far as it is plain text.
pub(in crate::rule) fn ending(expression: &str) -> Option<String> {
    let mut rest = expression.strip_suffix('$').filter(|_| is_one_alternative(expression))?;
    let mut found = String::new();
    loop {
        if let Some(shorter) = rest.strip_suffix("\\.").filter(|shorter| !shorter.ends_with('\\')) {
            (rest, found) = (shorter, format!(".{found}"));
        } else if let Some(last) = rest.chars().next_back().filter(|&character| is_plain(character)) {
            let shorter = &rest[..rest.len() - last.len_utf8()];
            if shorter.ends_with('\\') {
                break;
            }
            (rest, found) = (shorter, format!("{last}{found}"));
        } else {
            break;
        }
    }
    (!found.is_empty()).then_some(found)
}

fn is_plain(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-_/".contains(character)
}

/// No `|` outside of groups, and nothing that changes the meaning of what follows.
fn is_one_alternative(expression: &str) -> bool {
    let mut depth = 0_usize;
    let mut characters = expression.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('Q') => return false,
                _ => {}
            },
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '|' if depth == 0 => return false,
            // Rare here, and a bracket could hold any of the above.
            '[' => match characters.by_ref().find(|&character| matches!(character, ']' | '\\' | '[' | '(' | '|')) {
                Some(']') => {}
                _ => return false,
            },
            _ => {}
        }
    }
    !expression.contains("(?")
}
