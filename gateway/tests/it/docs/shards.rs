//! Whether what a document shows as a shard file is one.
//!
//! Invariant: only the text is judged: each program, variable and secret that it names is taken to be there.

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
    let (entries, problems) = file::parse(Path::new(name), text, &Furnished);
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error);
    let mut faults: Vec<String> = errors.map(ToString::to_string).collect();
    if entries.iter().all(|entry| entry.spec.is_none()) {
        faults.push("it describes no shard".to_owned());
    }
    faults
}

/// A machine on which everything is there that a shard file can ask for.
struct Furnished;

impl Environment for Furnished {
    fn var(&self, _name: &str) -> Option<OsString> {
        Some("value".into())
    }

    fn vars(&self) -> Vec<(OsString, OsString)> {
        Vec::new()
    }

    fn read(&self, _path: &Path) -> io::Result<Vec<u8>> {
        Ok(b"content".to_vec())
    }

    fn kind(&self, _path: &Path) -> PathKind {
        PathKind::Program
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
    check("example.yaml", "comand: x\n", false);
    check("example.yaml", "args: []\n", false);
    check("example.json", "{\"mcpServers\": {\"a\": {\"command\": \"x\"}}}", true);
    check("example.json", "{\"mcpServers\": {}}", false);
}
