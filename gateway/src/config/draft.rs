//! A shard file that a command writes for a person.
//!
//! Invariant: what [`Draft::yaml`] gives is read back as exactly what the draft says.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{name::ShardName, secret::tells_a_secret};

/// What stands in place of a secret that is shown.
const HIDDEN: &str = "***";

/// The keys of a shard file that begins its life. `${NAME}` and `$$` are written as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// The program.
    pub command: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its variables.
    pub env: BTreeMap<String, String>,
    /// Its working directory.
    pub cwd: Option<String>,
    /// True if the file only keeps what it says for later.
    pub disabled: bool,
}

impl Draft {
    /// The file's text, with comments for the one who edits it next. `writer` is the command that made it.
    pub fn yaml(&self, name: &ShardName, writer: &str) -> String {
        let mut text = format!(
            "# Written by `{writer}`. This file's stem, `{name}`, is the shard's name: its tools appear as `{name}__…`.\n\
             # The running gateway follows the folder: save this file and the change is there.\n\
             command: {}\n",
            scalar(&self.command),
            name = name.as_str(),
        );
        if !self.args.is_empty() {
            let args: Vec<String> = self.args.iter().map(|arg| quoted(arg)).collect();
            let _ = writeln!(text, "args: [{}]", args.join(", "));
        }
        text += "# The program inherits PATH, HOME, the locale, TMPDIR and the proxy variables; what else it needs is named here.\n\
                 # ${NAME} and ${file:/path/of/a/secret} are filled in; a `$` itself is written `$$`.\n";
        if self.env.is_empty() {
            text += "# env:\n#   NAME: value\n";
        } else {
            text += "env:\n";
            for (variable, value) in &self.env {
                let _ = writeln!(text, "  {}: {}", scalar(variable), quoted(value));
            }
        }
        if let Some(cwd) = &self.cwd {
            let _ = writeln!(text, "cwd: {}", quoted(cwd));
        }
        text += if self.disabled { "enabled: false\n" } else { "# enabled: false\n" };
        text += "# tools: { allow: [\"*\"], deny: [\"delete_*\"] }\n";
        text
    }

    /// The variables and flags whose values are secrets that the file itself holds.
    pub fn secrets(&self) -> Vec<&str> {
        let held = self.env.iter().filter(|(name, value)| tells_a_secret(name) && !is_filled_in(value));
        held.map(|(name, _)| name.as_str()).chain(self.secret_args().into_iter().map(|(_, flag, _)| flag)).collect()
    }

    /// The same without the values of secrets, to be shown.
    pub fn masked(&self) -> Self {
        let mut shown = self.clone();
        for (name, value) in &mut shown.env {
            if tells_a_secret(name) && !is_filled_in(value) {
                HIDDEN.clone_into(value);
            }
        }
        for (at, _, kept) in self.secret_args() {
            shown.args[at].replace_range(kept.., HIDDEN);
        }
        shown
    }

    /// The arguments that hold a secret, as in `--api-key VALUE` and `--api-key=VALUE`: where each stands, its flag, and how
    /// many bytes of it are none of the secret.
    fn secret_args(&self) -> Vec<(usize, &str, usize)> {
        let mut found = Vec::new();
        let mut before = None;
        for (at, arg) in self.args.iter().enumerate() {
            let is_flag = arg.starts_with('-');
            let (flag, value) = match (arg.split_once('='), before) {
                (Some((flag, value)), _) if is_flag => (flag, value),
                (_, Some(flag)) if !is_flag => (flag, arg.as_str()),
                _ => ("", ""),
            };
            if tells_a_secret(flag) && !is_filled_in(value) {
                found.push((at, flag, arg.len() - value.len()));
            }
            before = is_flag.then_some(arg.as_str());
        }
        found
    }
}

/// True if the value is one variable or file that is named, and no text of its own.
fn is_filled_in(value: &str) -> bool {
    value.is_empty() || (value.starts_with("${") && value.find('}') == Some(value.len() - 1) && !value.contains(":-"))
}

/// Plain where that is clear, else in double quotes.
fn scalar(text: &str) -> String {
    let begins = text.starts_with(|first: char| first.is_ascii_alphabetic() || matches!(first, '/' | '_'));
    let clear = begins && text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-@".contains(c));
    let word = text.to_ascii_lowercase();
    let means_more = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&word.as_str());
    if clear && !means_more { text.to_owned() } else { quoted(text) }
}

/// A YAML text in double quotes: JSON's, with every other control character escaped too.
fn quoted(text: &str) -> String {
    let json = serde_json::to_string(text).expect("a text can always be written");
    let mut quoted = String::with_capacity(json.len());
    for character in json.chars() {
        // JSON leaves these as they are; YAML takes them for line breaks, or for nothing printable.
        if matches!(character, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') {
            let _ = write!(quoted, "\\u{:04x}", u32::from(character));
        } else {
            quoted.push(character);
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::config::environment::PathKind;
    use crate::config::fake::Fake;
    use crate::config::file;

    fn doubled(text: &str) -> String {
        text.replace('$', "$$")
    }

    #[test]
    fn secrets_are_known_by_the_variable_or_flag_before_them_and_not_shown() {
        let args = [
            "--api-key",
            "k1",
            "--token=t1",
            "--token=${TOKEN}",
            "--keyboard-shortcuts",
            "-v",
            "--password",
            "-x",
            "p",
        ];
        let draft = Draft {
            command: "server".into(),
            args: args.map(str::to_owned).into(),
            env: [("A_TOKEN", "e1"), ("B_TOKEN", "${B}"), ("TZ", "UTC")].map(|(n, v)| (n.into(), v.into())).into(),
            ..Draft::default()
        };
        assert_eq!(draft.secrets(), ["A_TOKEN", "--api-key", "--token"]);
        let shown = draft.masked();
        let expected = [
            "--api-key",
            "***",
            "--token=***",
            "--token=${TOKEN}",
            "--keyboard-shortcuts",
            "-v",
            "--password",
            "-x",
            "p",
        ];
        assert_eq!(shown.args, expected);
        assert_eq!(shown.env.values().collect::<Vec<_>>(), ["***", "${B}", "UTC"]);
    }

    proptest! {
        #[test]
        fn any_draft_is_read_back_as_it_was(
            args in prop::collection::vec(any::<String>(), 0..4),
            env in prop::collection::btree_map("[A-Za-z_][A-Za-z0-9_ .:#-]{0,8}", any::<String>(), 0..4),
        ) {
            let draft = Draft {
                command: "/bin/server".into(),
                args: args.iter().map(|arg| doubled(arg)).collect(),
                env: env.iter().map(|(name, value)| (name.clone(), doubled(value))).collect(),
                ..Draft::default()
            };
            let machine = Fake::default().put("/bin/server", PathKind::Program);
            let name = ShardName::parse("server").unwrap();
            let text = draft.yaml(&name, "mcp-gateway add");
            let (entries, problems) = file::parse(Path::new("server.yaml"), &text, &machine);
            let spec = entries.into_iter().next().and_then(|entry| entry.spec);
            let spec = spec.ok_or_else(|| TestCaseError::fail(format!("{problems:?} in {text}")))?;
            let read: Vec<&str> = spec.process.args.iter().map(|arg| arg.expose()).collect();
            prop_assert_eq!(read, args.iter().map(String::as_str).collect::<Vec<_>>());
            let read: BTreeMap<_, _> =
                spec.process.env.iter().map(|(name, value)| (name.clone(), value.expose().to_owned())).collect();
            prop_assert_eq!(read, env);
        }
    }

    #[test]
    fn a_secret_that_the_file_holds_is_told_from_one_that_is_filled_in() {
        let env =
            [("API_KEY", "abc"), ("DB_PASSWORD", "${file:/run/secrets/db}"), ("TOKEN", "${TOKEN}"), ("HOST", "nas")];
        let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let draft = Draft { command: "a".into(), env, ..Draft::default() };
        assert_eq!(draft.secrets(), ["API_KEY"]);
        let shown = draft.masked().yaml(&ShardName::parse("a").unwrap(), "w");
        assert!(shown.contains("API_KEY: \"***\"") && !shown.contains("abc"), "{shown}");
        assert!(shown.contains("TOKEN: \"${TOKEN}\""), "{shown}");
    }

    #[test]
    fn a_default_inside_a_reference_is_a_secret_too() {
        let env = [("TOKEN".to_owned(), "${TOKEN:-abc}".to_owned())].into();
        assert_eq!(Draft { env, ..Draft::default() }.secrets(), ["TOKEN"]);
    }
}
