//! Real folders, read one after another as a gateway does.

use std::os::unix::fs::symlink;

use super::*;
use crate::config::Host;

const GOOD: &str = "command: /bin/sh\n";
const BROKEN: &str = "comand: /bin/sh\n";

/// A folder, and what held after it was read last.
struct World {
    folder: tempfile::TempDir,
    reading: Reading,
}

impl World {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut world = Self { folder, reading: Reading::default() };
        world.change(files);
        world
    }

    /// Writes files and reads the folder again.
    fn change(&mut self, files: &[(&str, &str)]) -> &Reading {
        for (name, text) in files {
            fs::write(self.folder.path().join(name), text).unwrap();
        }
        self.read()
    }

    fn remove(&mut self, name: &str) -> &Reading {
        fs::remove_file(self.folder.path().join(name)).unwrap();
        self.read()
    }

    fn read(&mut self) -> &Reading {
        self.reading = read(self.folder.path(), &Host, &self.reading.specs);
        &self.reading
    }

    /// The shards as `name=prefix`, the broken ones, and the problems without the folder.
    #[track_caller]
    fn check(&self, shards: &[&str], broken: &[&str], problems: &[&str]) {
        let specs = self.reading.specs.values();
        let shown: Vec<String> = specs.map(|spec| format!("{}={}", spec.name, spec.view.prefix)).collect();
        assert_eq!(shown, shards);
        let shown: Vec<&str> = self.reading.broken.iter().map(ShardName::as_str).collect();
        assert_eq!(shown, broken);
        let folder = format!("{}/", self.folder.path().display());
        let shown = self.reading.problems.iter().map(|problem| problem.to_string());
        let shown: Vec<String> = shown.map(|problem| problem.replace(&folder, "")).collect();
        assert_eq!(shown, problems);
    }
}

#[test]
fn only_shard_files_are_read() {
    let mut world = World::new(&[
        ("a.yaml", GOOD),
        ("b.YML", GOOD),
        ("c.json", r#"{"mcpServers": {"d": {"command": "/bin/sh"}, "e": {"command": "/bin/sh"}}}"#),
        ("README.md", "junk"),
        (".hidden.yaml", "junk"),
        (".a.yaml.swp", "junk"),
        ("a.yaml~", "junk"),
        ("#a.yaml#", "junk"),
        ("4913", "junk"),
        ("x.yaml.bak", "junk"),
    ]);
    fs::create_dir(world.folder.path().join("nested")).unwrap();
    fs::write(world.folder.path().join("nested/f.yaml"), GOOD).unwrap();
    symlink("nested/f.yaml", world.folder.path().join("link.yaml")).unwrap();
    world.read();
    world.check(&["a=a", "b=b", "d=d", "e=e", "link=link"], &[], &[]);
}

#[test]
fn broken_file_keeps_its_last_good_shard_and_harms_no_other() {
    let mut world = World::new(&[("a.yaml", GOOD), ("b.yaml", GOOD)]);
    world.change(&[("a.yaml", BROKEN), ("b.yaml", "command: /bin/sh\nprefix: new\n")]);
    let fault = "a.yaml:1:1: unknown key `comand`; did you mean `command`?";
    world.check(&["a=a", "b=new"], &["a"], &[fault]);
    world.read();
    world.check(&["a=a", "b=new"], &["a"], &[fault]);
    world.change(&[("a.yaml", GOOD)]);
    world.check(&["a=a", "b=new"], &[], &[]);
    world.remove("a.yaml");
    world.check(&["b=new"], &[], &[]);
}

#[test]
fn file_that_was_never_good_gives_no_shard() {
    let world = World::new(&[("a.yaml", BROKEN)]);
    world.check(&[], &["a"], &["a.yaml:1:1: unknown key `comand`; did you mean `command`?"]);
}

#[test]
fn unreadable_json_keeps_all_shards_that_it_described() {
    let both = r#"{"mcpServers": {"d": {"command": "/bin/sh"}, "e": {"command": "/bin/sh"}}}"#;
    let mut world = World::new(&[("c.json", both)]);
    world.change(&[("c.json", "{")]);
    let fault = "c.json:1:1: not valid JSON: EOF while parsing an object; the file ends too early: check for a missing `\"`, `]` or `}`";
    world.check(&["d=d", "e=e"], &["d", "e"], &[fault]);
    world.change(&[("c.json", r#"{"mcpServers": {"d": {"command": "/bin/sh"}}}"#)]);
    world.check(&["d=d"], &[], &[]);
}

#[test]
fn bytes_that_cannot_be_read_are_a_problem() {
    let mut world = World::new(&[("a.yaml", GOOD)]);
    fs::write(world.folder.path().join("a.yaml"), b"\xff").unwrap();
    fs::create_dir(world.folder.path().join("b.yaml")).unwrap();
    symlink("/dev/null", world.folder.path().join("c.yaml")).unwrap();
    fs::write(world.folder.path().join("d.yaml"), "#".repeat((1 << 20) + 1)).unwrap();
    symlink("gone", world.folder.path().join("e.yaml")).unwrap();
    world.read();
    let faults = [
        "a.yaml:1:1: not UTF-8; save the file with that encoding",
        "b.yaml: cannot be read: it is a folder; put a file there, or move it away",
        "c.yaml: cannot be read: it is a pipe, a socket or a device; put a plain file there, or move it away",
        "d.yaml: cannot be read: it is larger than 1 MiB; cut it down, or move it away",
        "e.yaml: cannot be read: it is not there; make it, or mend the path or link that leads to it",
    ];
    world.check(&["a=a"], &["a"], &faults);
}

#[test]
fn name_belongs_to_the_first_file_that_claims_it() {
    let entry = r#"{"mcpServers": {"b": {"command": "/bin/sh"}, "b!": {"command": "/bin/sh"}}}"#;
    let world = World::new(&[("a.json", entry), ("b.yaml", GOOD), ("b.yml", BROKEN)]);
    let fault = "there is a shard `b` already, in `a.json`; give this one another name";
    let faults = [
        &*format!("a.json:1:46: {fault}"),
        &format!("b.yaml:1:1: {fault}"),
        &format!("b.yml:1:1: {fault}"),
        "b.yml:1:1: unknown key `comand`; did you mean `command`?",
    ];
    world.check(&["b=b"], &[], &faults);
}

#[test]
fn prefix_belongs_to_the_first_and_then_to_its_holder() {
    let x = "command: /bin/sh\nprefix: x\n";
    let mut world = World::new(&[("b.yaml", x), ("c.yaml", x)]);
    let of = |file: &str, holder: &str| {
        format!("{file}.yaml:2:9: the prefix `x` belongs to shard `{holder}`; set another `prefix`")
    };
    world.check(&["b=x"], &["c"], &[&of("c", "b")]);
    // A newcomer does not take it from the holder, though its file comes first.
    world.change(&[("a.yaml", x), ("c.yaml", GOOD)]);
    world.check(&["b=x", "c=c"], &["a"], &[&of("a", "b")]);
    // Nor does a good shard that changes its mind; it goes on as it was.
    world.change(&[("c.yaml", x)]);
    world.check(&["b=x", "c=c"], &["a", "c"], &[&of("a", "b"), &of("c", "b")]);
    // A holder whose file is broken keeps it.
    world.change(&[("b.yaml", BROKEN)]);
    let broken = "b.yaml:1:1: unknown key `comand`; did you mean `command`?";
    world.check(&["b=x", "c=c"], &["a", "b", "c"], &[&of("a", "b"), broken, &of("c", "b")]);
    world.remove("b.yaml");
    world.check(&["a=x", "c=c"], &["c"], &[&of("c", "a")]);
}

#[test]
fn two_shards_may_swap_their_prefixes() {
    let with = |prefix: &str| format!("command: /bin/sh\nprefix: {prefix}\n");
    let mut world = World::new(&[("a.yaml", &with("x")), ("b.yaml", &with("y"))]);
    world.change(&[("a.yaml", &with("y")), ("b.yaml", &with("x"))]);
    world.check(&["a=y", "b=x"], &[], &[]);
}

#[test]
fn many_may_have_no_prefix_and_the_disabled_hold_none() {
    let none = "command: /bin/sh\nprefix: ''\n";
    let disabled = "command: /bin/sh\nprefix: c\nenabled: false\n";
    let world = World::new(&[("a.yaml", none), ("b.yaml", none), ("b2.yaml", disabled), ("c.yaml", GOOD)]);
    world.check(&["a=", "b=", "b2=c", "c=c"], &[], &[]);
}

#[test]
fn folder_that_is_gone_stops_nothing() {
    let mut world = World::new(&[("a.yaml", GOOD)]);
    let path = world.folder.path().to_owned();
    fs::remove_dir_all(&path).unwrap();
    world.read();
    let fault = format!(
        "{}: cannot read the folder of shard files: it is not there; \
         make it, or name another with `--shards`",
        path.display()
    );
    world.check(&["a=a"], &["a"], &[&fault]);
}

#[test]
fn a_thousand_files_are_read_and_the_rest_is_told() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..1002 {
        fs::write(folder.path().join(format!("s{number:04}.yaml")), GOOD).unwrap();
    }
    let reading = read(folder.path(), &Host, &Specs::new());
    assert_eq!((reading.specs.len(), reading.problems.len()), (1000, 1));
    let fault = "1002 shard files, and 1000 are read, by name; move some to another folder";
    assert_eq!(reading.problems[0].message, fault);
    assert!(!reading.specs.contains_key("s1000"));
}
