//! The rules: a name, the way out, and a pure function from a file to its faults.
//!
//! Invariant: a rule reads one file and nothing else.

use super::layers;
use super::source::Source;

/// The line, counted from 1, and what is wrong there.
pub(super) type Fault = (usize, String);

/// One house rule.
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) way_out: &'static str,
    pub(super) faults: fn(&Source) -> Vec<Fault>,
}

pub(super) const RULES: &[Rule] = &[
    Rule { name: "length", way_out: "split it by idea", faults: length },
    Rule { name: "header", way_out: "say what the file owns and one invariant", faults: header },
    Rule { name: "mod-rs", way_out: "name it `foo.rs`, beside `foo/`", faults: mod_rs },
    Rule { name: "todo", way_out: "do it, or link the issue in the same line", faults: todo },
    Rule { name: "allow", way_out: "write `expect(lint, reason = \"…\")`", faults: allow },
    Rule {
        name: "layers",
        way_out: "see the order in ARCHITECTURE.md; move the code, or hand the value down",
        faults: layers::faults,
    },
    Rule {
        name: "members",
        way_out: "members meet on the wire: name no other member and no path as a dependency",
        faults: members,
    },
    Rule { name: "lints", way_out: "add `[lints]` with `workspace = true`", faults: lints },
    Rule { name: "names", way_out: "name the thing after what it does in the domain", faults: names },
    Rule {
        name: "machine-paths",
        way_out: "take the path from the caller or from the repository's root",
        faults: machine_paths,
    },
];

/// The line that holds byte `at`.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(at, line)| (at + 1, line))
}

fn length(source: &Source) -> Vec<Fault> {
    let limit = match source.path.as_str() {
        "ARCHITECTURE.md" => 200,
        path if path.ends_with("src/main.rs") => 59,
        _ if source.is_rust() => 400,
        _ => return Vec::new(),
    };
    let count = source.text.lines().count();
    let fault = format!("{count} lines, and {limit} is the limit");
    (count > limit).then_some((count, fault)).into_iter().collect()
}

fn header(source: &Source) -> Vec<Fault> {
    let missing = source.is_rust() && !source.text.starts_with("//!");
    let fault = (1, "the file does not start with `//!`".to_owned());
    missing.then_some(fault).into_iter().collect()
}

fn mod_rs(source: &Source) -> Vec<Fault> {
    let named_so = source.path.rsplit('/').next() == Some("mod.rs");
    let fault = (1, "a file named `mod.rs`".to_owned());
    named_so.then_some(fault).into_iter().collect()
}

fn todo(source: &Source) -> Vec<Fault> {
    let marked = |line: &str| ["TODO", "FIXME", "XXX"].into_iter().find(|mark| words(line).any(|word| word == *mark));
    lines(&source.comments)
        .filter(|(_, line)| !line.contains("https://"))
        .filter_map(|(at, line)| Some((at, format!("`{}` without an issue link", marked(line)?))))
        .collect()
}

fn allow(source: &Source) -> Vec<Fault> {
    let allows = |line: &str| {
        line.contains("#[allow(")
            || line.contains("#![allow(")
            || (line.contains("cfg_attr") && words(line).any(|word| word == "allow"))
    };
    lines(&source.code)
        .filter(|(_, line)| allows(line))
        .map(|(at, _)| (at, "an `allow` stays when its reason is gone".to_owned()))
        .collect()
}

fn members(source: &Source) -> Vec<Fault> {
    // It counts what the gateway allocates, which only the gateway's own process can tell; nothing ships of it.
    if source.path == "bench/Cargo.toml" {
        return Vec::new();
    }
    let mut in_dependencies = false;
    let mut found = Vec::new();
    for (at, line) in manifest(source) {
        let header = line.starts_with('[');
        if header {
            in_dependencies = line.contains("dependencies");
        }
        let name = line.trim_matches(['[', ']']).rsplit('.').next();
        let mut keys = line.split([' ', '.', ',', '=', '{']);
        let names_the_gateway = if header {
            name == Some("gateway")
        } else {
            keys.clone().next() == Some("gateway") || line.contains("package = \"gateway\"")
        };
        let has_a_path = keys.any(|key| key == "path");
        if in_dependencies && (names_the_gateway || has_a_path) {
            found.push((at, format!("`{line}` depends on another member")));
        }
    }
    found
}

fn lints(source: &Source) -> Vec<Fault> {
    let is_package = manifest(source).any(|(_, line)| line == "[package]");
    let mut lines = manifest(source).map(|(_, line)| line);
    let inherits = lines.any(|line| line == "[lints]") && lines.next() == Some("workspace = true");
    let fault = (1, "the package does not take the workspace's lints".to_owned());
    (is_package && !inherits).then_some(fault).into_iter().collect()
}

/// The lines of a Cargo.toml, and none of any other file.
fn manifest(source: &Source) -> impl Iterator<Item = (usize, &str)> {
    let is_manifest = source.path.rsplit('/').next() == Some("Cargo.toml");
    lines(&source.text).filter(move |_| is_manifest)
}

/// Judges the file's own name and every name that the code declares.
fn names(source: &Source) -> Vec<Fault> {
    let stem = source.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".rs");
    let own = (source.is_rust() && is_vague_module(stem)).then(|| (1, stem.to_owned()));
    let declared = lines(&source.code).flat_map(|(at, line)| {
        let bad = |(keyword, name): &(&str, &str)| match *keyword {
            "mod" => is_vague_module(name),
            "struct" | "enum" | "trait" | "type" | "union" => is_vague_type(name),
            "fn" => name.starts_with("test_"),
            _ => false,
        };
        let declarations = words(line).zip(words(line).skip(1));
        declarations.filter(bad).map(move |(_, name)| (at, name.to_owned())).collect::<Vec<_>>()
    });
    let fault = |(at, name)| (at, format!("`{name}` says nothing of what it is"));
    own.into_iter().chain(declared).map(fault).collect()
}

fn is_vague_module(name: &str) -> bool {
    ["common", "helper", "helpers", "manager", "util", "utils"].contains(&name)
}

fn is_vague_type(name: &str) -> bool {
    name.contains("Manager") || name.contains("Helper") || is_vague_module(&name.to_lowercase())
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// Put together here, so that this file does not hold what it looks for.
const MACHINE_PATHS: [&str; 3] = [concat!("/", "root/"), concat!("/", "work/"), concat!("/tmp", "/wt")];

fn machine_paths(source: &Source) -> Vec<Fault> {
    let goes_on = |before: &str| before.ends_with(|c: char| c.is_alphanumeric() || c == '.');
    let begins = |line: &str, path: &str| line.match_indices(path).any(|(at, _)| !goes_on(&line[..at]));
    let named = |line| MACHINE_PATHS.into_iter().find(|path| begins(line, path));
    lines(&source.text)
        .filter_map(|(at, line)| Some((at, format!("`{}` is a path of one machine", named(line)?))))
        .collect()
}
