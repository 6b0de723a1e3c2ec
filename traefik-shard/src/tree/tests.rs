//! Trees on a real disk: what is read, in which order, and what breaks them.

use std::fs;
use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::*;

fn router(name: &str) -> String {
    format!("http:\n  routers:\n    {name}: {{rule: Path(`/`), service: s@docker}}\n")
}

/// A directory with these files.
pub(crate) fn watched<Text: AsRef<[u8]>>(files: &[(&str, Text)]) -> TempDir {
    let dir = TempDir::new().unwrap();
    for (path, text) in files {
        let place = dir.path().join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, text).unwrap();
    }
    dir
}

fn paths(tree: &Tree) -> Vec<&str> {
    tree.files.iter().map(|file| file.path.as_str()).collect()
}

#[test]
fn the_files_that_traefik_loads_are_read_in_its_order_and_no_others() {
    let loaded = [".hidden.yml", ".trash/x.toml", "B.YAML", "a.yml/in.yaml", "mcp-managed/deep/c.Toml", "z.yml"];
    let ignored = ["a.json", "b.yml.bak", "c.yml~", ".d.yml.tmp-1", "yml", "e"];
    let files: Vec<_> = loaded.into_iter().chain(ignored).map(|path| (path, String::new())).collect();
    let tree = read(watched(&files).path()).unwrap();
    assert_eq!(paths(&tree), loaded);
    assert_eq!(tree.breaking(), []);
}

#[test]
fn links_are_followed_to_files_and_not_to_directories_and_one_to_nowhere_freezes() {
    let dir = watched(&[("real/a.txt", router("a")), ("z.yml", router("z"))]);
    symlink(dir.path().join("real/a.txt"), dir.path().join("link.yml")).unwrap();
    symlink(dir.path().join("real"), dir.path().join("folder")).unwrap();
    assert_eq!(paths(&read(dir.path()).unwrap()), ["link.yml", "z.yml"]);
    symlink(dir.path().join("real"), dir.path().join("folder.yml")).unwrap();
    assert_eq!(read(dir.path()).unwrap().breaking()[0].code, "not_a_file");
    fs::remove_file(dir.path().join("folder.yml")).unwrap();
    symlink("nowhere", dir.path().join("dangling.yml")).unwrap();
    symlink("nowhere", dir.path().join("dangling.txt")).unwrap();
    let breaking = read(dir.path()).unwrap().breaking();
    assert_eq!(breaking.len(), 1, "{breaking:?}");
    assert_eq!((breaking[0].code.as_str(), breaking[0].file.as_deref()), ("dangling_link", Some("dangling.yml")));
}

#[test]
fn a_broken_file_is_named_with_its_line_and_a_template_may_break() {
    let bad = router("bad").replace("service", "servise");
    let template = router("t").replace("/`", "{{ env \"X\" }}`");
    let dir = watched(&[("a.yml", router("a")), ("sub/bad.yml", bad), ("t.yml", template), ("u.yml", "a: [".into())]);
    let breaking = read(dir.path()).unwrap().breaking();
    let found: Vec<_> =
        breaking.iter().map(|one| (one.file.as_deref().unwrap(), one.line.unwrap(), &*one.code)).collect();
    assert_eq!(found[..2], [("sub/bad.yml", 3, "unknown_field"), ("t.yml", 3, "template")]);
    assert_eq!((found.len(), found[2].0, found[2].2), (3, "u.yml", "syntax"));
}

#[test]
fn bad_values_break_nothing() {
    let dir = watched(&[("a.yml", router("a").replace("Path", "Nonsense"))]);
    let tree = read(dir.path()).unwrap();
    assert_eq!(tree.files[0].document.findings[0].code, "bad_rule");
    assert_eq!(tree.breaking(), []);
}

#[test]
fn of_two_definitions_the_first_wins_and_the_other_is_reported() {
    let dir = watched(&[("b.yml", router("r")), ("a/x.yml", format!("\n\n{}", router("r"))), ("c.yml", router("s"))]);
    let tree = read(dir.path()).unwrap();
    let found = tree.definitions(Kind::HttpRouter, "r");
    let found: Vec<_> = found.into_iter().map(|(file, line)| (file.path.as_str(), line)).collect();
    assert_eq!(found, [("a/x.yml", 5), ("b.yml", 3)]);
    let shadowed = shadowed(&tree);
    assert_eq!(shadowed.len(), 1);
    assert!(
        shadowed[0].sentence().starts_with("b.yml:3: http.routers.r: Traefik drops this router, because `a/x.yml`")
    );
}

#[test]
fn a_name_that_no_file_defines_is_missing() {
    let dir = watched(&[("a.yml", router("r").replace("s@docker", "ghost")), ("b.yml", router("q"))]);
    let tree = read(dir.path()).unwrap();
    let names = Names::of(None, Some(&tree));
    let missing: Vec<_> = tree.files.iter().flat_map(|file| names.missing(&file.document)).collect();
    assert_eq!(missing.len(), 1, "{missing:?}");
    assert_eq!(missing[0].path.as_deref(), Some("http.routers.r.service"));
}

#[test]
fn a_bound_that_is_hit_is_a_finding() {
    let deep = format!("{}x.yml", "d/".repeat(40));
    let dir = watched(&[("big.yml", "#".repeat(5 << 20)), (&deep, router("deep")), ("small.yml", router("small"))]);
    let tree = read(dir.path()).unwrap();
    assert_eq!(paths(&tree), ["small.yml"]);
    let codes: Vec<_> = tree.breaking().into_iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["too_large", "too_deep"]);
    let many: Vec<_> = (0..2_050).map(|number| (format!("{number:04}.yml"), String::new())).collect();
    let many: Vec<_> = many.iter().map(|(path, text)| (path.as_str(), text.clone())).collect();
    let tree = read(watched(&many).path()).unwrap();
    assert_eq!((tree.files.len(), tree.breaking()[0].code.as_str()), (2_000, "too_many_files"));
}

#[test]
fn a_pipe_with_a_configuration_s_name_is_not_opened() {
    let dir = watched(&[("a.yml", router("a"))]);
    let made = std::process::Command::new("mkfifo").arg(dir.path().join("pipe.yml")).status().unwrap();
    assert!(made.success());
    assert_eq!(read(dir.path()).unwrap().breaking()[0].code, "not_a_file");
}

#[test]
fn a_directory_that_is_not_there_is_a_failure() {
    assert_eq!(read(Path::new("/nowhere/at/all")).unwrap_err().code(), Code::IoError);
}
