//! House rules that no lint can state, checked over every file of the repository.
//!
//! Invariant: each rule finds its own bad sample, so that no rule can fall silent.

mod layers;
mod rules;
mod samples;
mod source;

use std::path::Path;
use std::process::Command;

use rules::{RULES, Rule};
use source::Source;

/// Every file that git tracks or would track, by its path from the repository's root.
fn repository() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is a folder of the workspace");
    let listing = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .expect("git runs");
    assert!(listing.status.success(), "git ls-files: {listing:?}");
    String::from_utf8(listing.stdout)
        .expect("paths are UTF-8")
        .split_terminator('\0')
        // A file that is deleted but not yet committed is listed; one that is not text has no lines.
        .filter_map(|path| Some((path, std::fs::read_to_string(root.join(path)).ok()?)))
        .map(|(path, text)| Source::new(path, text))
        .collect()
}

/// What a person reads who broke a rule: where, which rule, and the way out.
fn complaints(rule: &Rule, source: &Source) -> Vec<String> {
    (rule.faults)(source)
        .into_iter()
        .map(|(line, fault)| {
            let Rule { name, way_out, .. } = rule;
            format!("{}:{line}: {name}: {fault}; {way_out}", source.path)
        })
        .collect()
}

#[test]
fn every_file_keeps_the_house_rules() {
    let files = repository();
    for known in ["Cargo.toml", "gateway/Cargo.toml", "gateway/src/lib.rs"] {
        assert!(files.iter().any(|file| file.path == known), "the listing misses `{known}`");
    }
    let found: Vec<String> =
        RULES.iter().flat_map(|rule| files.iter().flat_map(|file| complaints(rule, file))).collect();
    assert!(found.is_empty(), "{} broken rules:\n{}", found.len(), found.join("\n"));
}

#[test]
fn each_rule_finds_its_bad_samples_and_passes_its_good_ones() {
    for (name, path, text, lines) in samples::all() {
        let rule = RULES.iter().find(|rule| rule.name == name);
        let faults = (rule.expect(name).faults)(&Source::new(path, text.clone()));
        let found: Vec<usize> = faults.iter().map(|(line, _)| *line).collect();
        assert_eq!(found, lines, "{name} on {path}: {faults:?}\n{text}");
    }
}

#[test]
fn each_rule_has_a_bad_and_a_good_sample() {
    for Rule { name, .. } in RULES {
        let of_this = || samples::all().into_iter().filter(|sample| sample.0 == *name);
        assert!(of_this().any(|sample| !sample.3.is_empty()), "{name}: bad");
        assert!(of_this().any(|sample| sample.3.is_empty()), "{name}: good");
    }
}

#[test]
fn a_complaint_names_file_line_rule_and_way_out() {
    let source = Source::new("gateway/src/wire.rs", "fn read() {}\n".to_owned());
    let rule = RULES.iter().find(|rule| rule.name == "header");
    assert_eq!(
        complaints(rule.expect("the rule exists"), &source),
        ["gateway/src/wire.rs:1: header: the file does not start with `//!`; say what the file \
             owns and one invariant"]
    );
}
