//! Known words, and what was probably meant by an unknown one.
//!
//! A guess is only ever made in a message.

/// Nobody means a known word by anything longer.
const LONGEST_SLIP: usize = 40;

/// The known word that `written` was probably meant to be.
pub(super) fn nearest<'k>(written: &str, known: &[&'k str]) -> Option<&'k str> {
    if written.len() > LONGEST_SLIP {
        return None;
    }
    let written = written.to_lowercase();
    let distance = |word: &str| strsim::damerau_levenshtein(&written, &word.to_lowercase());
    let near = known.iter().map(|word| (distance(word), *word)).min()?;
    let close = near.0 <= 1 + near.1.len() / 4 && near.0 < near.1.len();
    // `environment` is far from `env` and yet meant.
    let longer = || known.iter().find(|word| written.starts_with(**word)).copied();
    if close { Some(near.1) } else { longer() }
}

/// The words as a message names them.
pub(super) fn enumerate(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_word_is_one_that_a_slip_away() {
        let known = ["command", "args", "env", "enabled"];
        let check = |written: &str, expected: Option<&str>| {
            assert_eq!(nearest(written, &known), expected, "{written:?}");
        };
        check("comand", Some("command"));
        check("Command", Some("command"));
        check("arg", Some("args"));
        check("environment", Some("env"));
        check("evn", Some("env"));
        check("banana", None);
        check("", None);
    }
}
