//! The arguments of a call, as they are typed: one JSON object, or `key=value` by `key=value`.
//!
//! Invariant: all reading of files and of stdin happens in [`gather`], before anybody is asked; what it reads is bounded.

use std::fs::File;
use std::io::{Read, stdin};

use anyhow::{Context as _, bail};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::typed::{Place, typed};
use crate::app::output;

/// One argument that is read from a file or from stdin, or all of them.
const LONGEST: u64 = 16 << 20;

/// What was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Given {
    /// One JSON object, in its own words.
    Whole(String),
    /// Values to be read as the tool's schema says.
    Pairs(Vec<(String, Said)>),
}

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// To be read by the type that the schema wants.
    Text(String),
    /// After `:=`, as it is.
    Json(String),
    /// From a file.
    Content(Vec<u8>),
}

/// Reads the words of the command line, and the files that they name.
///
/// # Errors
/// A word is neither JSON nor `key=value`, or a file cannot be read.
pub(super) fn gather(words: &[String]) -> anyhow::Result<Given> {
    let whole = match words {
        [word] if word == "-" => Some(text(read(word)?, "stdin")?),
        [word] if word.trim_start().starts_with(['{', '[']) => Some(word.clone()),
        [word] => match word.strip_prefix('@') {
            Some(path) => Some(text(read(if path == "-" { "-" } else { path })?, path)?),
            None => None,
        },
        _ => None,
    };
    match whole {
        Some(whole) => Ok(Given::Whole(whole)),
        None => Ok(Given::Pairs(words.iter().map(|word| pair(word)).collect::<anyhow::Result<_>>()?)),
    }
}

fn pair(word: &str) -> anyhow::Result<(String, Said)> {
    let Some((key, value)) = word.split_once('=').filter(|(key, _)| !key.is_empty()) else {
        bail!("`{}` is no argument; write `key=value`, or all arguments as one JSON object", output::short(word));
    };
    if let Some(key) = key.strip_suffix(':') {
        return Ok((key.to_owned(), Said::Json(value.to_owned())));
    }
    let said = match value.strip_prefix('@') {
        Some(literal) if literal.starts_with('@') => Said::Text(literal.to_owned()),
        Some(path) => Said::Content(read(path).with_context(|| format!("cannot read the value of `{key}`"))?),
        None => Said::Text(value.to_owned()),
    };
    Ok((key.to_owned(), said))
}

/// A file, or stdin for `-`.
fn read(path: &str) -> anyhow::Result<Vec<u8>> {
    let mut content = Vec::new();
    let read = if path == "-" {
        stdin().lock().take(LONGEST + 1).read_to_end(&mut content)
    } else {
        let file = File::open(path)
            .with_context(|| format!("cannot open `{path}`; a value that begins with `@` is written `@@`"))?;
        file.take(LONGEST + 1).read_to_end(&mut content)
    };
    read.with_context(|| format!("cannot read `{path}`"))?;
    if content.len() as u64 > LONGEST {
        bail!("`{path}` is larger than {LONGEST} bytes");
    }
    Ok(content)
}

fn text(content: Vec<u8>, name: &str) -> anyhow::Result<String> {
    String::from_utf8(content).with_context(|| format!("`{name}` is not UTF-8"))
}

/// The arguments as the tool gets them: what was typed as JSON keeps its own words, numbers of any length included.
///
/// # Errors
/// A value is not what the schema wants in its place, or the text is no JSON object.
pub(super) fn build(given: Given, schema: &Value) -> anyhow::Result<Box<RawValue>> {
    let text = match given {
        Given::Whole(text) => {
            let read: Map<String, Value> = serde_json::from_str(&text).context("the arguments are no JSON object")?;
            drop(read);
            text
        }
        Given::Pairs(pairs) => {
            let mut arguments = Map::new();
            for (key, said) in pairs {
                put(&mut arguments, &key, &key, said, Place::root(schema))?;
            }
            Value::Object(arguments).to_string()
        }
    };
    RawValue::from_string(text).context("the arguments are no JSON object")
}

/// Puts a value where the dots in its key lead to. A name that has dots itself is taken before one that leads further.
fn put(object: &mut Map<String, Value>, key: &str, whole: &str, said: Said, schema: Place<'_>) -> anyhow::Result<()> {
    if !schema.has(key)
        && let Some((first, rest)) = key.split_once('.').filter(|(first, rest)| !first.is_empty() && !rest.is_empty())
    {
        let inner = object.entry(first).or_insert_with(|| Value::Object(Map::new()));
        let Value::Object(inner) = inner else { bail!("`{whole}`: `{first}` has a value already that is no object") };
        return put(inner, rest, whole, said, schema.property(first));
    }
    let place = schema.property(key);
    match object.get_mut(key) {
        None => {
            let value = value(said, place).map_err(|fault| anyhow::anyhow!("`{whole}` {fault}"))?;
            object.insert(key.to_owned(), value);
        }
        Some(Value::Array(items)) if place.is_list() => {
            let item = value(said, place.items()).map_err(|fault| anyhow::anyhow!("`{whole}` {fault}"))?;
            items.push(item);
        }
        Some(_) => bail!("`{whole}` is given twice, and takes one value"),
    }
    Ok(())
}

fn value(said: Said, place: Place<'_>) -> Result<Value, String> {
    match said {
        Said::Text(text) => typed(&text, place),
        Said::Json(text) => serde_json::from_str(&text).map_err(|error| format!("must be JSON after `:=`: {error}")),
        Said::Content(bytes) if place.is_base64() => {
            use base64::Engine as _;
            Ok(base64::engine::general_purpose::STANDARD.encode(bytes).into())
        }
        Said::Content(bytes) => match String::from_utf8(bytes) {
            // A text keeps its last line break; a number is read without it.
            Ok(text) if place.takes_text() => Ok(text.into()),
            Ok(text) => typed(text.trim(), place),
            Err(_) => Err("must be a text, and the file is not UTF-8".to_owned()),
        },
    }
}

#[cfg(test)]
mod tests;
