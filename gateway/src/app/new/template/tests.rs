//! The template against the repository that it is taken from.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use toml::{Table, Value};

use super::*;
use crate::config::{Host, file};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn manifest(path: &str) -> Table {
    fs::read_to_string(root().join(path)).unwrap().parse().unwrap()
}

fn below(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            below(&path, found);
        } else {
            found.insert(path.strip_prefix(root().join(OWN)).unwrap().to_owned());
        }
    }
}

#[test]
fn every_source_of_the_template_is_in_it() {
    let mut sources = BTreeSet::new();
    below(&root().join(OWN).join("src"), &mut sources);
    below(&root().join(OWN).join("tests"), &mut sources);
    let held = FILES.iter().map(|(path, _)| PathBuf::from(path)).filter(|path| path.extension() == Some("rs".as_ref()));
    assert_eq!(held.collect::<BTreeSet<_>>(), sources);
}

#[test]
fn the_name_stands_wherever_the_template_has_its_own() {
    for (path, text) in files("dozzle") {
        assert!(!path.to_string_lossy().contains(OWN), "{}", path.display());
        if path != Path::new("Cargo.lock") {
            assert!(!text.contains(OWN) && !text.contains("shard_template"), "{}", path.display());
        }
    }
    let main = files("dozzle").into_iter().find(|(path, _)| path == Path::new("src/main.rs")).unwrap().1;
    assert!(main.starts_with("//! The `dozzle` binary"), "{main}");
}

/// A dependency: each key with its values, in which order ever.
type Dependency = BTreeMap<String, BTreeSet<String>>;

fn dependency(value: &Value) -> Dependency {
    let text = |value: &Value| serde_json::to_string(value).unwrap();
    let texts = |value: &Value| match value {
        Value::Array(list) => list.iter().map(text).collect(),
        one => BTreeSet::from([text(one)]),
    };
    match value {
        Value::Table(table) => table.iter().map(|(key, value)| (key.clone(), texts(value))).collect(),
        version => Dependency::from([("version".to_owned(), texts(version))]),
    }
}

/// What a member takes from the workspace, as it would be written in a crate that stands alone.
fn resolved(member: &Value, shared: &Value) -> Dependency {
    let (mut member, mut resolved) = (dependency(member), dependency(shared));
    assert_eq!(member.remove("workspace"), Some(BTreeSet::from(["true".to_owned()])));
    for (key, values) in member {
        resolved.entry(key).or_default().extend(values);
    }
    resolved
}

#[test]
fn a_crate_that_stands_alone_has_the_dependencies_of_the_member() {
    let (workspace, member) = (manifest("Cargo.toml"), manifest("shard-template/Cargo.toml"));
    let alone = manifest("shard-template/Cargo.toml.template");
    for kind in ["dependencies", "dev-dependencies"] {
        let (member, alone) = (member[kind].as_table().unwrap(), alone[kind].as_table().unwrap());
        let names = |table: &Table| table.keys().cloned().collect::<BTreeSet<_>>();
        assert_eq!(names(alone), names(member), "{kind}");
        for (name, written) in alone {
            let expected = resolved(&member[name], &workspace["workspace"]["dependencies"][name]);
            assert_eq!(dependency(written), expected, "{name} of {kind} in shard-template/Cargo.toml.template");
        }
    }
    let shared = &workspace["workspace"]["package"];
    for key in ["edition", "rust-version", "license"] {
        assert_eq!(alone["package"][key], shared[key], "{key}");
    }
    for profile in ["dev", "release"] {
        assert_eq!(alone["profile"][profile], workspace["profile"][profile], "{profile}");
    }
}

#[test]
fn the_shard_file_starts_the_program_wherever_it_lies() {
    let folder = tempfile::tempdir().unwrap();
    for awkward in ["plain", "with space", "a#b: c", "$HOME", "\"quoted\"", "-dash"] {
        let program = folder.path().join(awkward).join("dozzle");
        fs::create_dir(program.parent().unwrap()).unwrap();
        fs::copy("/bin/true", &program).unwrap();
        let (entries, problems) = file::parse(Path::new("dozzle.yaml"), &shard_file("dozzle", &program), &Host);
        assert!(problems.is_empty(), "{problems:?}");
        let spec = entries[0].spec.as_ref().unwrap();
        assert_eq!(spec.process.program, program, "{awkward}");
    }
}
