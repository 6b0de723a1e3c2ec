//! Whether what a document shows as a shard file is one.
//!
//! Invariant: only the text is judged: each program, folder, variable and secret that it names is taken to be there.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use gateway::config::{Environment, PathKind, Severity, file};

use super::blocks::Block;

/// # Panics
/// Where the gateway would refuse one of them.
pub(super) fn check(document: &str, blocks: &[Block]) {
    for block in blocks {
        let faults = block.shard_file().map(|name| faults(name, &block.text)).unwrap_or_default();
        assert!(faults.is_empty(), "{document}:{}: no good shard file: {faults:#?}", block.line);
    }
}

fn faults(name: &str, text: &str) -> Vec<String> {
    let (entries, problems) = file::parse(Path::new(name), text, &Furnished { text });
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error);
    let mut faults: Vec<String> = errors.map(ToString::to_string).collect();
    if entries.iter().all(|entry| entry.spec.is_none()) {
        faults.push("it describes no shard".to_owned());
    }
    faults
}

/// A machine on which everything is there that a shard file can ask for.
struct Furnished<'a> {
    /// The file that asks.
    text: &'a str,
}

impl Environment for Furnished<'_> {
    fn var(&self, _name: &str) -> Option<OsString> {
        Some("value".into())
    }

    fn vars(&self) -> Vec<(OsString, OsString)> {
        Vec::new()
    }

    fn read(&self, _path: &Path) -> io::Result<Vec<u8>> {
        Ok(b"content".to_vec())
    }

    fn kind(&self, path: &Path) -> PathKind {
        let word = |line: &str| line.split_once("cwd:")?.1.split_whitespace().next().map(ToOwned::to_owned);
        let is_folder = self.text.lines().filter_map(word).any(|cwd| path == self.absolute(Path::new(&cwd)));
        if is_folder { PathKind::Directory } else { PathKind::Program }
    }

    fn absolute(&self, path: &Path) -> PathBuf {
        Path::new("/").join(path)
    }

    fn own_directory(&self) -> Option<PathBuf> {
        Some("/".into())
    }
}

#[test]
fn a_good_example_passes_and_a_bad_one_is_told() {
    let check = |name: &str, text: &str, expected: bool| assert_eq!(faults(name, text).is_empty(), expected, "{text}");
    check("example.yaml", "command: x\nenv: { A: \"${B}\", C: \"${file:/d}\" }\n", true);
    check("example.yaml", "command: x\ncwd: /srv/time   # its folder\n", true);
    check("example.yaml", "comand: x\n", false);
    check("example.yaml", "args: []\n", false);
    check("example.json", "{\"mcpServers\": {\"a\": {\"command\": \"x\"}}}", true);
    check("example.json", "{\"mcpServers\": {}}", false);
}
