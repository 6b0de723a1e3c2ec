//! Fills in `${VAR}`, `${VAR:-default}` and `${file:/path}`; `$$` stands for one `$`.
//!
//! Messages name what is missing and never show a value.

use std::path::Path;

use super::{
    environment::{Environment, explain},
    problem::quote,
    secret::tells_a_secret,
};

/// A text whose `${}` are filled in.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Expanded {
    pub(super) text: String,
    /// The values in it that must be masked.
    pub(super) secrets: Vec<String>,
    /// What looks like a mistake.
    pub(super) doubts: Vec<String>,
}

/// Fills in `text`; files are looked for from `base`. `Err` holds everything that is wrong with it.
pub(super) fn expand(text: &str, base: &Path, environment: &dyn Environment) -> Result<Expanded, Vec<String>> {
    let mut expanded = Expanded::default();
    let mut faults = Vec::new();
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        expanded.text.push_str(&rest[..dollar]);
        let after = &rest[dollar + 1..];
        rest = if let Some(after) = after.strip_prefix('$') {
            expanded.text.push('$');
            after
        } else if let Some(after) = after.strip_prefix('{') {
            let Some(end) = after.find('}') else {
                faults.push("`${` has no `}`; write `$${` if it stands for itself".to_owned());
                break;
            };
            match value(&after[..end], base, environment) {
                Ok(value) => expanded.take(value),
                Err(fault) => faults.push(fault),
            }
            &after[end + 1..]
        } else {
            if after.starts_with(|next: char| next.is_ascii_alphabetic() || next == '_') {
                expanded.doubts.push(LONE_DOLLAR.to_owned());
            }
            expanded.text.push('$');
            after
        };
    }
    expanded.text.push_str(rest);
    if faults.is_empty() { Ok(expanded) } else { Err(faults) }
}

const LONE_DOLLAR: &str = "a `$` before a name stays as it is; write `${NAME}` to have a variable \
                           filled in, or `$$` for the character";

/// One filled-in `${}`.
struct Value {
    text: String,
    secret: bool,
}

impl Expanded {
    fn take(&mut self, value: Value) {
        self.text.push_str(&value.text);
        if value.secret {
            self.secrets.push(value.text);
        }
    }
}

fn value(inside: &str, base: &Path, environment: &dyn Environment) -> Result<Value, String> {
    if let Some(path) = inside.strip_prefix("file:") {
        return file(path, base, environment);
    }
    let (name, default) = match inside.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inside, None),
    };
    if default.is_some_and(|default| default.contains("${")) {
        return Err("a default cannot hold another `${}`".to_owned());
    }
    if !is_variable(name) {
        let written = quote(&format!("${{{inside}}}"));
        return Err(format!(
            "{written} is not understood; write `${{NAME}}`, `${{NAME:-default}}` or `${{file:/path}}`"
        ));
    }
    let text = match (environment.var(name), default) {
        (None, None) => {
            return Err(format!(
                "variable `{name}` is not set; set it for the gateway, or write `${{{name}:-default}}`"
            ));
        }
        (None, Some(default)) => default.to_owned(),
        (Some(set), default) => match (set.into_string(), default) {
            (Err(_), _) => return Err(format!("variable `{name}` is not UTF-8")),
            (Ok(set), Some(default)) if set.is_empty() => default.to_owned(),
            (Ok(set), _) => set,
        },
    };
    Ok(Value { text, secret: tells_a_secret(name) })
}

fn file(path: &str, base: &Path, environment: &dyn Environment) -> Result<Value, String> {
    let full = base.join(path);
    let shown = full.display();
    let content =
        environment.read(&full).map_err(|error| format!("`${{file:}}` cannot read `{shown}`: {}", explain(&error)))?;
    let mut text = String::from_utf8(content).map_err(|_| format!("`${{file:}}`: `{shown}` is not UTF-8"))?;
    if text.contains('\0') {
        return Err(format!("`${{file:}}`: `{shown}` holds a NUL byte"));
    }
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(Value { text, secret: true })
}

fn is_variable(name: &str) -> bool {
    !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|part| part.is_ascii_alphanumeric() || part == '_')
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsString, os::unix::ffi::OsStringExt};

    use super::*;
    use crate::config::fake::Fake;

    fn machine() -> Fake {
        Fake::default()
            .set("HOME", "/home/me")
            .set("EMPTY", "")
            .set("API_TOKEN", "hunter2")
            .set("ODD", OsString::from_vec(vec![0xff]))
            .file("/run/secret", "s3cret\n")
            .file("/conf/near", "near\r\n")
            .file("/bad", vec![0xff])
            .file("/nul", "a\0b")
    }

    fn filled(text: &str) -> Result<Expanded, Vec<String>> {
        expand(text, Path::new("/conf"), &machine())
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(filled(text).map(|expanded| expanded.text), Ok(expected.to_owned()));
    }

    #[track_caller]
    fn refuse(text: &str, expected: &[&str]) {
        assert_eq!(filled(text).unwrap_err(), expected);
    }

    #[test]
    fn variables_files_and_escapes_are_filled_in() {
        check("plain", "plain");
        check("${HOME}/x:${HOME}", "/home/me/x:/home/me");
        check("a${EMPTY}b", "ab");
        check("${EMPTY:-full} ${NONE:-} ${NONE:-a:-b}", "full  a:-b");
        check("${file:/run/secret}", "s3cret");
        check("${file:near}", "near");
        check("$$HOME $${HOME} 5$ $1", "$HOME ${HOME} 5$ $1");
    }

    #[test]
    fn values_are_not_filled_in_again() {
        let machine = Fake::default().set("A", "${B}").set("B", "b");
        let expanded = expand("${A}", Path::new("/"), &machine).unwrap();
        assert_eq!(expanded.text, "${B}");
    }

    #[test]
    fn every_fault_is_told_with_the_way_out() {
        refuse(
            "${NONE} and ${file:/none}",
            &[
                "variable `NONE` is not set; set it for the gateway, or write `${NONE:-default}`",
                "`${file:}` cannot read `/none`: it is not there; make it, or mend the path or link that leads to it",
            ],
        );
        refuse("${ODD}", &["variable `ODD` is not UTF-8"]);
        refuse("${file:/bad}", &["`${file:}`: `/bad` is not UTF-8"]);
        refuse("${file:/nul}", &["`${file:}`: `/nul` holds a NUL byte"]);
        refuse("${HOME", &["`${` has no `}`; write `$${` if it stands for itself"]);
        refuse("${A:-${B}}", &["a default cannot hold another `${}`"]);
        let forms = "write `${NAME}`, `${NAME:-default}` or `${file:/path}`";
        for odd in ["${}", "${1A}", "${A-b}", "${A B}"] {
            refuse(odd, &[&format!("`{odd}` is not understood; {forms}")]);
        }
    }

    #[test]
    fn values_of_files_and_of_telling_variables_are_secrets() {
        let expanded = filled("${file:/run/secret} ${API_TOKEN} ${HOME} ${MY_KEY:-fallback}");
        assert_eq!(expanded.unwrap().secrets, ["s3cret", "hunter2", "fallback"]);
    }

    #[test]
    fn a_lone_dollar_before_a_name_is_doubted() {
        assert_eq!(filled("$HOME").unwrap().doubts, [LONE_DOLLAR]);
        assert!(filled("$$HOME $5").unwrap().doubts.is_empty());
    }
}
