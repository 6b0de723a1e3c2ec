//! A good and a bad sample of each rule.
//!
//! Invariant: the last field holds the lines where the rule must find a fault, and no others.

/// The rule's name, the file's path, its text, and the lines with a fault.
pub(super) type Sample = (&'static str, &'static str, String, &'static [usize]);

pub(super) fn all() -> Vec<Sample> {
    let text = |(rule, path, text, lines): (_, _, &str, _)| (rule, path, text.to_owned(), lines);
    let long = |(rule, path, count, lines)| (rule, path, "//!\n".repeat(count), lines);
    let machine = |(rule, path, parts, lines): (_, _, [&str; 2], _)| (rule, path, parts.concat(), lines);
    let mut all: Vec<Sample> = TEXTS.iter().copied().map(text).collect();
    all.extend(LENGTHS.iter().copied().map(long));
    all.extend(MACHINE_PATHS.iter().copied().map(machine));
    all
}

const WIRE: &str = "gateway/src/wire.rs";
const LINK: &str = "gateway/src/shard/link.rs";
const MANIFEST: &str = "shard-template/Cargo.toml";

type Case<T> = (&'static str, &'static str, T, &'static [usize]);

const LENGTHS: &[Case<usize>] = &[
    ("length", WIRE, 400, &[]),
    ("length", WIRE, 401, &[401]),
    ("length", "shard-template/src/main.rs", 59, &[]),
    ("length", "shard-template/src/main.rs", 60, &[60]),
    ("length", "ARCHITECTURE.md", 200, &[]),
    ("length", "ARCHITECTURE.md", 201, &[201]),
    ("length", "Cargo.lock", 5000, &[]),
];

/// In two parts, so that this file does not hold what the rule looks for.
const MACHINE_PATHS: &[Case<[&str; 2]>] = &[
    ("machine-paths", "README.md", ["cd /ro", "ot/x"], &[1]),
    ("machine-paths", "a.yaml", ["a: 1\ncwd: /wo", "rk/x"], &[2]),
    ("machine-paths", WIRE, ["\"/tmp", "/wt/x\""], &[1]),
    ("machine-paths", "README.md", ["/srv/wo", "rk/x"], &[]),
    ("machine-paths", "README.md", ["./wo", "rk/x and /tmp/wild"], &[]),
];

const TEXTS: &[Case<&str>] = &[
    ("header", WIRE, "//! Owns it.\n", &[]),
    ("header", WIRE, "// Owns it.\n", &[1]),
    ("header", WIRE, "", &[1]),
    ("header", "README.md", "# Title\n", &[]),
    ("mod-rs", "gateway/src/wire/mod.rs", "", &[1]),
    ("mod-rs", "gateway/src/wire/tmod.rs", "", &[]),
    ("todo", WIRE, "//! a\n// TODO: more\n", &[2]),
    ("todo", WIRE, "a();\n/* FIXME */ b();\n//XXX\n", &[2, 3]),
    ("todo", WIRE, "// TODO https://example.org/issues/7\n", &[]),
    ("todo", WIRE, "let mark = \"TODO\";\n// TODOS\n", &[]),
    ("allow", WIRE, "//!\n#[allow(dead_code)]\n", &[2]),
    ("allow", WIRE, "#![allow(dead_code)]\n", &[1]),
    ("allow", WIRE, "#[cfg_attr(test, allow(dead_code))]\n", &[1]),
    ("allow", WIRE, "#[expect(dead_code, reason = \"\")]\n", &[]),
    ("allow", WIRE, "tools.allow(name); // #[allow(\n", &[]),
    ("layers", LINK, "use crate::wire::Id;\nuse crate::shard::A;\n", &[]),
    ("layers", LINK, "use crate::{config::B, tasks::Tasks, wire::{mux}};\n", &[]),
    ("layers", LINK, "use std::io;\nuse crate::mux::Call;\n", &[2]),
    ("layers", LINK, "use crate::{\n  wire::{Id, Message},\n  door,\n};\n", &[3]),
    ("layers", LINK, "fn f() { a();\n crate::app::run() }\n", &[2]),
    ("layers", LINK, "// crate::app\nlet a = \"crate::app\";\n", &[]),
    ("layers", LINK, "use mycrate::app;\nuse super::app;\n", &[]),
    ("layers", LINK, "use super::super::app;\n", &[1]),
    ("layers", WIRE, "use super::{tasks, mux::Call};\n", &[1]),
    ("layers", WIRE, "mod tests { use super::*; use super::line::Line; }\n", &[]),
    ("layers", LINK, "use crate::Shortcut;\n", &[1]),
    ("layers", "gateway/src/tasks.rs", "use crate::wire::Id;\n", &[1]),
    ("layers", "gateway/src/extra/a.rs", "", &[1]),
    ("layers", "gateway/src/lib.rs", "pub use crate::app::run;\n", &[]),
    ("layers", "shard-template/src/lib.rs", "use crate::app;\n", &[]),
    ("members", MANIFEST, "[dependencies]\nrmcp.workspace = true\n", &[]),
    ("members", MANIFEST, "[dependencies]\npath-slash = \"1\"\ngateway-api = \"1\"\n", &[]),
    ("members", MANIFEST, "[dependencies]\ngateway.workspace = true\n", &[2]),
    ("members", MANIFEST, "[dev-dependencies]\ng = { package = \"gateway\" }\n", &[2]),
    ("members", MANIFEST, "[dependencies]\na = { path = \"../a\" }\n", &[2]),
    ("members", MANIFEST, "[dependencies.gateway]\nversion = \"1\"\n", &[1]),
    ("members", "bench/Cargo.toml", "[dependencies]\ngateway = { path = \"../gateway\" }\n", &[]),
    ("members", MANIFEST, "[package]\nname = \"gateway\"\n[[bin]]\npath = \"a\"\n", &[]),
    ("members", "Cargo.toml", "[workspace]\nmembers = [\"gateway\"]\n", &[]),
    ("lints", MANIFEST, "[package]\n\n[lints]\nworkspace = true\n", &[]),
    ("lints", MANIFEST, "[package]\n[features]\nworkspace = true\n", &[1]),
    ("lints", "Cargo.toml", "[workspace]\n", &[]),
    ("names", WIRE, "//!\npub struct ShardManager;\n", &[2]),
    ("names", WIRE, "enum HelperKind {}\ntype Utils = u8;\n", &[1, 2]),
    ("names", WIRE, "pub(crate) mod utils;\nmod common {}\n", &[1, 2]),
    ("names", WIRE, "fn test_that_it_works() {}\n", &[1]),
    ("names", "gateway/src/wire/helpers.rs", "", &[1]),
    ("names", WIRE, "// struct Manager\nfn common() {}\nstruct Commons;\n", &[]),
];
