//! Reads one file: YAML or JSON with one shard, or Claude Desktop's JSON with many.
//!
//! Every problem of the file is found in one reading; only what is not YAML or JSON at all stops it.

mod process;
mod servers;
mod shard;

use std::path::Path;

use super::{
    environment::Environment,
    name::ShardName,
    node::{parse_json, parse_yaml},
    problem::{At, Problem, Report, quote},
    spec::ShardSpec,
};

/// A shard that a file describes, well or badly.
#[derive(Debug)]
pub struct Entry {
    /// What the shard is called.
    pub name: ShardName,
    /// `None`: the problems say why.
    pub spec: Option<ShardSpec>,
    /// Where to point at if its name or prefix is taken.
    pub(super) at: At,
}

/// How a file is written, by its extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grammar {
    Yaml,
    Json,
}

impl Grammar {
    /// `None`: a file of this name describes no shard.
    pub(super) fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "yaml" | "yml" => Some(Self::Yaml),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// Checks a file whose text is at hand. Pure, but for what it asks of `environment`.
/// A shard that has an error comes without a spec; no entries and an error: the whole file is unreadable.
pub fn parse(path: &Path, text: &str, environment: &dyn Environment) -> (Vec<Entry>, Vec<Problem>) {
    let mut report = Report::new(path);
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let entries = match Grammar::of(path) {
        Some(Grammar::Json) => json(path, text, environment, &mut report),
        _ => yaml(path, text, environment, &mut report),
    };
    (entries, report.finish())
}

/// The text of a file's bytes, or the place where it is none.
pub(super) fn decode<'a>(path: &Path, bytes: &'a [u8]) -> Result<&'a str, Vec<Problem>> {
    std::str::from_utf8(bytes).map_err(|error| {
        let good = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        let at = At {
            line: good.matches('\n').count() + 1,
            column: good.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1,
        };
        let mut report = Report::new(path);
        report.error(at, "not UTF-8; save the file with that encoding");
        report.finish()
    })
}

fn yaml(path: &Path, text: &str, environment: &dyn Environment, report: &mut Report) -> Vec<Entry> {
    let Some(name) = name(path, report) else {
        return Vec::new();
    };
    let root = parse_yaml(text, report);
    let Some(root) = root else {
        return vec![Entry { name, spec: None, at: At::FILE }];
    };
    vec![shard::read(name, &root, &shard::KEYS, path, environment, report)]
}

fn json(path: &Path, text: &str, environment: &dyn Environment, report: &mut Report) -> Vec<Entry> {
    let Some(root) = parse_json(text, report) else {
        return Vec::new();
    };
    if root.get(servers::KEY).is_some() {
        return servers::read(&root, path, environment, report);
    }
    let Some(name) = name(path, report) else {
        return Vec::new();
    };
    let known = [shard::KEYS.as_slice(), &[servers::KEY]].concat();
    vec![shard::read(name, &root, &known, path, environment, report)]
}

/// The name of the one shard that a file describes.
fn name(path: &Path, report: &mut Report) -> Option<ShardName> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    ShardName::parse(&stem)
        .map_err(|fault| {
            let stem = quote(&stem);
            report.error(At::FILE, format!("{stem} cannot name a shard: {fault}; rename the file"));
        })
        .ok()
}

#[cfg(test)]
mod tests;
