//! `mcp-gateway import`: shard files from the configuration of a client.
//!
//! Invariant: the client's file is only read, no shard file is overwritten, and every entry is told of.

mod servers;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use jsonc_parser::{ParseOptions, parse_to_serde_value};
use serde_json::Value;

use self::servers::Found;
use super::drop_in::{self, Folder, Run};
use super::peer::Whereabouts;
use super::{output, taken, wish::Exit};
use crate::config::draft::Draft;
use crate::config::{Environment as _, Host, ShardName};

/// What is to be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportOptions {
    /// The client's file.
    pub file: PathBuf,
    /// The folder of shard files.
    pub shards: PathBuf,
    /// Whether files are written.
    pub run: Run,
    /// Where the gateway may run that shall have taken the files.
    pub whereabouts: Whereabouts,
}

const WRITER: &str = "mcp-gateway import";

/// Writes one shard file for each server that can be one.
///
/// # Errors
/// The client's file cannot be read, or the folder cannot be written to.
pub fn import(options: &ImportOptions) -> anyhow::Result<Exit> {
    let shown = options.file.display();
    let bytes = Host.read(&options.file).with_context(|| format!("cannot read `{shown}`"))?;
    let text = str::from_utf8(&bytes).with_context(|| format!("`{shown}` is not UTF-8"))?;
    let document = document(text).map_err(|fault| anyhow::anyhow!("{shown}:{fault}"))?;
    let found = servers::read(&document).with_context(|| format!("cannot import `{shown}`"))?;
    if options.run == Run::Dry {
        let (told, exit, _) = all(found, options)?;
        return output::print(&told).map(|()| exit);
    }
    let (mut told, mut exit) = (String::new(), Exit::Good);
    let followed = taken::follow(&options.whereabouts, || {
        let names;
        (told, exit, names) = all(found, options)?;
        Ok(names)
    })?;
    output::print(&format!("{told}{followed}"))?;
    Ok(exit)
}

/// Takes every server; gives what is to be told, how it ended, and the shards that a gateway starts now.
fn all(found: Found, options: &ImportOptions) -> anyhow::Result<(String, Exit, Vec<ShardName>)> {
    let mut folder = Folder::read(&options.shards);
    let (mut told, mut exit, mut names) = (String::new(), Exit::Good, Vec::new());
    for (key, server) in found {
        let outcome = server.and_then(|(name, draft)| {
            let file = folder.place(&name).map_err(|taken| format!("`{}` is there already", taken.display()))?;
            folder.take(&name, &file);
            Ok((name, draft, file))
        });
        match outcome {
            Ok((name, draft, file)) => {
                let (text, end) = one(&name, &draft, &file, options.run)?;
                told += &text;
                if end == Exit::Bad {
                    exit = end;
                } else if !draft.disabled {
                    names.push(name);
                }
            }
            Err(fault) => {
                let _ = writeln!(told, "`{key}`: left out: {fault}");
                exit = Exit::Bad;
            }
        }
    }
    Ok((told, exit, names))
}

/// Reads JSON as editors have it in their settings: with comments, and with a comma after the last item. A fault begins with
/// its line and column, and repeats nothing of the file.
fn document(text: &str) -> Result<Value, String> {
    let options = ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    parse_to_serde_value(text, &options).map_err(|error| {
        let kind = error.kind().to_string();
        format!("{}:{}: it is no JSON: {}", error.line_display(), error.column_display(), kind.to_lowercase())
    })
}

/// Writes one file, and tells of it.
fn one(name: &ShardName, draft: &Draft, file: &Path, run: Run) -> anyhow::Result<(String, Exit)> {
    let text = drop_in::text(file, name, draft, WRITER);
    let problems = drop_in::problems(file, &text);
    let mut told = String::new();
    match run {
        Run::Dry => {
            let _ = writeln!(
                told,
                "# {} would be:\n{}",
                file.display(),
                drop_in::text(file, name, &draft.masked(), WRITER)
            );
        }
        Run::Real => {
            drop_in::write(file, &text, draft)?;
            let _ = write!(told, "{}: written", file.display());
            let secrets = draft.secrets();
            if !secrets.is_empty() {
                let _ = write!(
                    told,
                    "; it holds `{}`, so only you can read it, and the gateway if it runs as you",
                    secrets.join("`, `")
                );
            }
            told += "\n";
        }
    }
    for problem in &problems {
        let _ = writeln!(told, "{problem}");
    }
    Ok((told, if drop_in::is_refused(&problems) { Exit::Bad } else { Exit::Good }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_settings_of_editors_are_read_with_their_comments_and_last_commas() {
        let text = "\u{feff}{\n  // mine\n  \"servers\": {\"a\": {\"args\": [1, /* two */ 2,],},},\n}\n";
        assert_eq!(document(text), Ok(json!({"servers": {"a": {"args": [1, 2]}}})));
        assert_eq!(document(r#"{"url": "https://x//y"}"#), Ok(json!({"url": "https://x//y"})));
    }

    #[test]
    fn a_fault_is_told_with_its_place_and_without_what_stands_there() {
        for (text, expected) in [
            ("{\n  \"a\": 1\n  \"TOKEN\": \"hush\"\n}", "2:9: it is no JSON: expected comma"),
            ("{'hush': 1}", "1:2: it is no JSON: single-quoted strings are not allowed"),
            ("{\"a\": hush}", "1:7: it is no JSON: unexpected token"),
            ("{\"a\": [1, 2}", "1:12: it is no JSON: unexpected close brace"),
            ("{} {}", "1:4: it is no JSON: text cannot contain more than one json value"),
            ("{\"a\": 0x10}", "1:7: it is no JSON: hexadecimal"),
            ("{\"hush", "1:2: it is no JSON: unterminated"),
        ] {
            let fault = document(text).unwrap_err();
            assert!(fault.starts_with(expected) && !fault.contains("hush"), "{fault}");
        }
        assert!(document(&"[".repeat(100_000)).unwrap_err().contains("nesting depth"));
        assert_eq!(document(""), Ok(Value::Null));
    }
}
