//! The answers of the tool over documents and small trees; no Traefik is asked.

use std::fs;

use clap::Parser;

use super::*;
use crate::tree::tests::watched;

const GOOD: &str = "http:\n  routers:\n    r: {rule: Path(`/`), service: s}\n  services:\n    s: {loadBalancer: {servers: [{url: http://h}]}}\n";

fn arguments(value: &serde_json::Value) -> Arguments {
    serde_json::from_value(value.clone()).unwrap()
}

fn settings(dir: Option<&Path>) -> Settings {
    let dir = dir.map(|dir| format!("--dynamic-dir={}", dir.display()));
    Settings::parse_from(["traefik-shard".to_owned()].into_iter().chain(dir))
}

fn run(dir: Option<&Path>, value: &serde_json::Value) -> Result<Answer<Report>, Failure> {
    subject(&settings(dir), arguments(value)).map(|subject| answer(subject, None))
}

#[test]
fn exactly_one_thing_is_checked() {
    for value in
        [serde_json::json!({}), serde_json::json!({"all": true, "name": "a"}), serde_json::json!({"name": "../a"})]
    {
        let dir = watched::<&str>(&[]);
        assert_eq!(run(Some(dir.path()), &value).unwrap_err().code(), Code::InvalidInput, "{value}");
    }
    let without = serde_json::json!({"all": true});
    assert_eq!(run(None, &without).unwrap_err().code(), Code::NotConfigured);
}

#[test]
fn a_freeze_is_the_first_thing_that_is_said() {
    let report = run(None, &serde_json::json!({"content": GOOD.replace("rule", "rul")})).unwrap();
    assert!(
        report
            .text
            .starts_with("This would freeze the whole file provider: Traefik refuses it. line 3: http.routers.r.rul:")
    );
    assert_eq!((report.body.would_load, report.body.valid), (Loads::No, false));
    let report = run(None, &serde_json::json!({"content": GOOD})).unwrap();
    assert!(report.text.starts_with("Traefik would load this, and nothing is wrong with it"), "{}", report.text);
    assert_eq!((report.body.would_load, report.body.valid), (Loads::Yes, true));
}

#[test]
fn a_document_is_compared_with_the_files_beside_it() {
    let dir = watched(&[("a.yml", GOOD), ("broken.yml", "http: [")]);
    let content =
        "http:\n  routers:\n    r: {rule: Path(`/`), service: s}\n    q: {rule: Path(`/q`), service: ghost}\n";
    let report = run(Some(dir.path()), &serde_json::json!({"content": content})).unwrap();
    let codes: Vec<_> = report.body.findings.iter().map(|finding| (finding.code.as_str(), finding.line)).collect();
    assert_eq!(codes, [("missing_reference", Some(4)), ("name_taken", Some(3))]);
    assert_eq!(report.body.would_load, Loads::Yes);
    assert!(report.body.summary.contains("may be frozen already: broken.yml:"), "{}", report.body.summary);
}

#[test]
fn a_managed_file_is_checked_by_its_name_and_strictly() {
    let sloppy = GOOD.replace("rule:", "Rule:");
    let dir = watched(&[("mcp-managed/good.yml", GOOD), ("mcp-managed/sloppy.yml", &sloppy)]);
    let report = run(Some(dir.path()), &serde_json::json!({"name": "good"})).unwrap();
    assert_eq!(
        (report.body.would_load, &report.body.files[..]),
        (Loads::Yes, &["mcp-managed/good.yml".to_owned()][..])
    );
    let report = run(Some(dir.path()), &serde_json::json!({"name": "sloppy"})).unwrap();
    assert_eq!(report.body.would_load, Loads::No);
    let missing = run(Some(dir.path()), &serde_json::json!({"name": "none"})).unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
}

#[test]
fn a_managed_file_in_the_top_layout_goes_by_its_own_prefix_and_not_by_that_of_names() {
    let dir = watched(&[("mcp-good.yml", GOOD), ("lab-good.yml", "http: [")]);
    let root = format!("--dynamic-dir={}", dir.path().display());
    let settings = Settings::parse_from(["traefik-shard", &root, "--layout=top", "--name-prefix=lab-"]);
    let subject = subject(&settings, arguments(&serde_json::json!({"name": "good"}))).unwrap();
    assert_eq!(answer(subject, None).body.files, ["mcp-good.yml"]);
}

#[test]
fn the_whole_tree_fails_by_one_file_and_nothing_is_written() {
    let dir = watched(&[("a.yml", GOOD), ("b/bad.toml", "x = 1\ny ="), ("c.yml", GOOD)]);
    let before: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let report = run(Some(dir.path()), &serde_json::json!({"all": true})).unwrap().body;
    assert_eq!(
        (report.would_load, &report.files[..]),
        (Loads::No, &["a.yml", "b/bad.toml", "c.yml"].map(String::from)[..])
    );
    assert_eq!((report.findings[0].file.as_deref(), report.findings[0].line), (Some("b/bad.toml"), Some(2)));
    assert!(report.findings.iter().any(|finding| finding.code == "shadowed"));
    let after: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(before, after);
}

#[test]
fn a_report_is_bounded() {
    let routers: String = (0..1_000).map(|number| format!("    r{number}: {{rule: Nonsense, service: s}}\n")).collect();
    let content = GOOD.replace("  services:", &format!("{routers}  services:"));
    let report = run(None, &serde_json::json!({"content": content})).unwrap();
    assert_eq!((report.body.findings.len(), report.body.left_out), (200, 800));
    assert!(report.text.ends_with("… and 980 more findings") && report.text.len() < 8_000);
    let long = serde_json::json!({"content": "#".repeat((1 << 20) + 1)});
    assert_eq!(run(None, &long).unwrap_err().code(), Code::InvalidInput);
}

#[test]
fn what_was_too_large_to_check_is_not_said_to_be_refused() {
    let large = "#".repeat(5 << 20);
    let dir = watched(&[("big.yml", large.as_str()), ("good.yml", GOOD)]);
    let report = run(Some(dir.path()), &serde_json::json!({"all": true})).unwrap();
    assert_eq!((report.body.would_load, report.body.valid), (Loads::Unknown, false));
    assert!(
        report.text.contains("may freeze") && report.text.contains("big.yml: this file is larger"),
        "{}",
        report.text
    );
    let dir = watched(&[("big.yml", large.as_str()), ("worse.yml", "http: {routers: {}}")]);
    let report = run(Some(dir.path()), &serde_json::json!({"all": true})).unwrap();
    assert_eq!(report.body.would_load, Loads::No);
    assert!(report.body.summary.contains("Traefik refuses it. worse.yml"), "{}", report.body.summary);
}

#[test]
fn a_managed_file_beside_the_others_is_found_whatever_the_prefix() {
    let dir = watched(&[("mcp-a.yml", GOOD)]);
    let flags = ["traefik-shard", "--layout=top", "--name-prefix=z-", "--dynamic-dir"].map(str::to_owned);
    let settings = Settings::parse_from(flags.into_iter().chain([dir.path().display().to_string()]));
    let report = answer(subject(&settings, arguments(&serde_json::json!({"name": "a"}))).unwrap(), None);
    assert_eq!(report.body.files, ["mcp-a.yml"]);
}
