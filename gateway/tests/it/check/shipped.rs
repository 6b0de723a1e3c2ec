//! What ships holds: the shard files, the schema beside them, and every example of the documentation.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{Folder, text};
use crate::commands::command;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

#[test]
fn every_shipped_shard_file_passes_and_leads_editors_to_the_schema() {
    let mut files = 0;
    for entry in fs::read_dir(repository().join("shards.d")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "yaml") {
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.starts_with("# yaml-language-server: $schema=.schema.json\n"), "{}", path.display());
            files += 1;
        }
    }
    assert!(files >= 2);
    crate::support::built("shard-template");
    let home = TempDir::new().unwrap();
    let shards = repository().join("shards.d").display().to_string();
    let output = command(&["check", "--strict", "--shards", &shards], home.path()).as_std_mut().output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
}

#[test]
fn the_schema_command_prints_the_file_that_ships() {
    let output = command(&["schema"], Path::new("/")).as_std_mut().output().unwrap();
    let ships = fs::read(repository().join("shards.d/.schema.json")).unwrap();
    assert!(output.status.success() && output.stdout == ships, "run `mcp-gateway schema > shards.d/.schema.json`");
}

/// Each fenced block of YAML or JSON in the page is a whole shard file, and is checked as one.
#[test]
fn every_example_of_the_documentation_passes() {
    let page = fs::read_to_string(repository().join("docs/shard-files.md")).unwrap();
    let mut examples = 0;
    for block in page.split("\n```").skip(1).step_by(2) {
        let (language, example) = block.split_once('\n').unwrap();
        let ending = match language {
            "yaml" | "json" => language,
            _ => continue,
        };
        let folder = Folder::new();
        for name in ["server", "token"] {
            folder.write(name, "#!/bin/sh\n");
            fs::set_permissions(folder.path(name), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        }
        folder.write(&format!("example.{ending}"), example);
        let output = folder.check(&["--strict"]);
        assert!(output.status.success(), "{example}\n{}", text(&output));
        examples += 1;
    }
    assert!(examples >= 8, "{examples}");
}

#[test]
fn the_documentation_explains_every_key_of_the_schema() {
    let page = fs::read_to_string(repository().join("docs/shard-files.md")).unwrap();
    let schema = fs::read_to_string(repository().join("shards.d/.schema.json")).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    for (key, about) in schema["properties"].as_object().unwrap() {
        let inner: Vec<String> =
            about["properties"].as_object().into_iter().flatten().map(|(inner, _)| format!("{key}.{inner}")).collect();
        for key in if inner.is_empty() { vec![key.clone()] } else { inner } {
            assert!(page.contains(&format!("| `{key}` |")), "{key}");
        }
    }
}
