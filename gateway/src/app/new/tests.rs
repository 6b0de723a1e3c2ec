//! What `new` makes, and what it leaves alone.

use std::fs;

use tempfile::TempDir;

use super::*;

struct Lab(TempDir);

impl Lab {
    fn new() -> Self {
        let lab = Self(TempDir::new().unwrap());
        fs::create_dir(lab.0.path().join("shards.d")).unwrap();
        lab
    }

    fn options(&self, name: &str) -> NewOptions {
        let (dir, shards) = (self.0.path().to_owned(), self.0.path().join("shards.d"));
        NewOptions { name: CrateName::parse(name).unwrap(), dir, shards }
    }

    /// Every entry of the folder and of `shards.d`.
    fn entries(&self) -> Vec<String> {
        let names = |folder: &Path| {
            let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
            entries.collect::<Vec<_>>()
        };
        let mut found = [names(self.0.path()), names(&self.0.path().join("shards.d"))].concat();
        found.sort();
        found
    }
}

#[test]
fn crate_and_shard_file_are_made_once_and_never_overwritten() {
    let lab = Lab::new();
    make(&lab.options("dozzle")).unwrap();
    assert_eq!(lab.entries(), ["dozzle", "dozzle.yaml", "shards.d"]);
    let program = lab.0.path().canonicalize().unwrap().join("dozzle/target/release/dozzle");
    let shard_file = fs::read_to_string(lab.0.path().join("shards.d/dozzle.yaml")).unwrap();
    assert!(shard_file.contains(&format!("\ncommand: \"{}\"\n", program.display())), "{shard_file}");
    fs::write(lab.0.path().join("dozzle/src/server.rs"), "mine").unwrap();
    let refused = make(&lab.options("dozzle")).unwrap_err().to_string();
    assert!(refused.contains("dozzle` exists and stays as it is; take another name"), "{refused}");
    assert_eq!(fs::read_to_string(lab.0.path().join("dozzle/src/server.rs")).unwrap(), "mine");
    assert_eq!(lab.entries(), ["dozzle", "dozzle.yaml", "shards.d"]);
}

#[test]
fn a_shard_file_of_that_name_is_left_alone_and_no_crate_is_made() {
    let lab = Lab::new();
    fs::write(lab.0.path().join("shards.d/dozzle.json"), "{}").unwrap();
    let refused = make(&lab.options("dozzle")).unwrap_err().to_string();
    assert!(refused.contains("shards.d/dozzle.json` exists"), "{refused}");
    assert_eq!(lab.entries(), ["dozzle.json", "shards.d"]);
}

#[test]
fn nothing_is_left_where_the_shard_file_cannot_be_written() {
    let lab = Lab::new();
    // Nobody can make a file there, not even root.
    let options = NewOptions { shards: PathBuf::from("/proc/self/fd"), ..lab.options("dozzle") };
    let failed = format!("{:#}", make(&options).unwrap_err());
    assert!(failed.contains("cannot write `/proc/self/fd/dozzle.yaml`"), "{failed}");
    assert_eq!(lab.entries(), ["shards.d"]);
}

#[test]
fn without_a_folder_for_the_crate_the_way_out_is_told() {
    let lab = Lab::new();
    let options = NewOptions { dir: lab.0.path().join("none"), ..lab.options("dozzle") };
    let refused = make(&options).unwrap_err().to_string();
    assert!(refused.ends_with("none`; make it first, or give another with `--dir`"), "{refused}");
    assert_eq!(lab.entries(), ["shards.d"]);
}

#[test]
fn what_comes_next_is_told_in_commands_that_can_be_pasted() {
    let dir = Path::new("/srv/my shards");
    let told_with = |shards: Option<&PathBuf>| told(&Target::new(dir, "dozzle", shards), "dozzle", "TEXT\n", None);
    let with = told_with(Some(&PathBuf::from("/etc/shards.d")));
    let expected = "
Made `/srv/my shards/dozzle`, a shard with two tools, a resource and a prompt to start from.
Made `/etc/shards.d/dozzle.yaml`, its shard file.

Next:
  cd '/srv/my shards/dozzle'
  cargo test                                 # src/server.rs declares the tools
  cargo build --release
  touch /etc/shards.d/dozzle.yaml            # the gateway reads it again, and the tools are there
";
    assert_eq!(with, expected.trim_start());
    let without = told_with(None);
    assert!(without.contains("Save this as `dozzle.yaml` in the gateway's:\n\nTEXT\n\nNext:\n"), "{without}");
    assert!(!without.contains("touch"), "{without}");
}

#[test]
fn inside_a_workspace_the_way_to_become_a_member_is_told() {
    let lab = Lab::new();
    let (crates, manifest) = (lab.0.path().join("crates"), lab.0.path().join("Cargo.toml"));
    fs::create_dir(&crates).unwrap();
    fs::write(crates.join("Cargo.toml"), "[package]\nname = \"a\"\n").unwrap();
    assert_eq!(workspace(&crates), None);
    fs::write(&manifest, "[workspace]\nmembers = []\n").unwrap();
    assert_eq!(workspace(&crates), Some(manifest.clone()));
    let text = told(&Target::new(&crates, "dozzle", None), "dozzle", "", Some(&manifest));
    assert!(text.contains("add `\"dozzle\"` to `members`"), "{text}");
}
