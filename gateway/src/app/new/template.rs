//! The template, which is part of the program: `new` needs no copy of the repository.
//!
//! Pure: a name in, files out. Invariant: the name stands wherever the template has its own.

use std::path::{Path, PathBuf};

/// What the template is called, in every one of its files.
const OWN: &str = "shard-template";

/// Each file of a new crate, by its path in it.
const FILES: &[(&str, &str)] = &[
    (".gitignore", "/target/\n"),
    ("Cargo.lock", include_str!("../../../../Cargo.lock")),
    ("Cargo.toml", include_str!("../../../../shard-template/Cargo.toml.template")),
    ("Dockerfile", include_str!("../../../../shard-template/Dockerfile.template")),
    (".dockerignore", "/target/\n"),
    ("README.md", include_str!("../../../../shard-template/README.md.template")),
    ("compose.yaml", include_str!("../../../../shard-template/compose.yaml.template")),
    ("rustfmt.toml", include_str!("../../../../rustfmt.toml")),
    ("shards.d/shard-template.yaml", include_str!("../../../../shard-template/container.yaml.template")),
    ("src/disk.rs", include_str!("../../../../shard-template/src/disk.rs")),
    ("src/host.rs", include_str!("../../../../shard-template/src/host.rs")),
    ("src/main.rs", include_str!("../../../../shard-template/src/main.rs")),
    ("src/server.rs", include_str!("../../../../shard-template/src/server.rs")),
    ("src/subnet.rs", include_str!("../../../../shard-template/src/subnet.rs")),
    ("tests/it/main.rs", include_str!("../../../../shard-template/tests/it/main.rs")),
];

/// What stands in the shards folder.
const SHARD_FILE: &str = include_str!("../../../../shard-template/shard.yaml.template");

/// The files of a crate with this name.
pub(super) fn files(name: &str) -> Vec<(PathBuf, String)> {
    let named = |(path, text): &(&str, &str)| {
        // The lock file names the template as a member; cargo takes out what the new crate does not use.
        let text = if *path == "Cargo.lock" { (*text).to_owned() } else { text.replace(OWN, name) };
        (PathBuf::from(path.replace(OWN, name)), text)
    };
    FILES.iter().map(named).collect()
}

/// The text of the shard file, which starts `program`.
pub(super) fn shard_file(name: &str, program: &Path) -> String {
    // A path may hold what YAML takes for more than text, and a dollar is written twice in a shard file.
    let quoted = serde_json::to_string(&program.to_string_lossy()).expect("a text is always written");
    SHARD_FILE.replace(OWN, name).replace("{program}", &quoted.replace('$', "$$"))
}

#[cfg(test)]
mod tests;
