//! What is typed, and what is understood.

use std::path::PathBuf;

use clap::CommandFactory;

use super::*;
use crate::app::check::{Form, Strictness};
use crate::app::ps::{self, PsOptions};
use crate::app::{Door, HttpOptions, Settings};
use crate::door::stdio::StdioSettings;

fn words(line: &str) -> Vec<OsString> {
    line.split_whitespace().map(OsString::from).collect()
}

fn served(line: &str) -> Settings {
    match parse(words(line)).unwrap() {
        Wish::Serve(settings) => *settings,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_command_line_is_consistent() {
    CommandLine::command().debug_assert();
}

#[test]
fn serve_is_what_happens_without_a_command() {
    for line in ["mcp-gateway --listen 127.0.0.1:0 --shards a", "mcp-gateway serve --shards a --listen 127.0.0.1:0"] {
        let settings = served(line);
        assert_eq!(settings.shards, PathBuf::from("a"));
        assert!(matches!(settings.door, Door::Http(HttpOptions { listen, .. }) if listen == "127.0.0.1:0"), "{line}");
    }
    let stdio = served("mcp-gateway stdio --shards a --max-body 1000");
    assert!(matches!(stdio.door, Door::Stdio(StdioSettings { message: 1000, .. })));
}

#[test]
fn ps_asks_about_a_state_folder_and_starts_nothing() {
    let check = |line: &str, expected: PsOptions| {
        assert!(matches!(parse(words(line)).unwrap(), Wish::Ps(options) if options == expected), "{line}");
    };
    let state_dir = Some(PathBuf::from("s"));
    check("mcp-gateway ps --state-dir s", PsOptions { state_dir: state_dir.clone(), form: ps::Form::Table });
    check("mcp-gateway ps --json --state-dir s", PsOptions { state_dir, form: ps::Form::Json });
    assert!(parse(words("mcp-gateway ps --shards a")).is_err());
}

#[test]
fn check_reads_a_folder_or_files_and_can_be_strict() {
    let check = |line: &str, expected: (&str, &[&str], Form, Strictness)| {
        let Wish::Check(options) = parse(words(line)).unwrap() else { panic!("{line}") };
        let files: Vec<PathBuf> = expected.1.iter().map(PathBuf::from).collect();
        assert_eq!(
            (options.shards, options.files, options.form, options.strictness),
            (expected.0.into(), files, expected.2, expected.3)
        );
    };
    check("mcp-gateway check --shards s", ("s", &[], Form::Text, Strictness::Errors));
    check("mcp-gateway check --shards s --json a b", ("s", &["a", "b"], Form::Json, Strictness::Errors));
    check("mcp-gateway check --shards s --strict", ("s", &[], Form::Text, Strictness::Warnings));
    assert!(matches!(parse(words("mcp-gateway schema")).unwrap(), Wish::Schema));
}

#[test]
fn a_slip_is_told_with_the_way_out() {
    let told = |line: &str| parse(words(line)).unwrap_err().to_string();
    assert!(
        told("mcp-gateway --stop-grace 4").contains("write for instance 4s"),
        "{}",
        told("mcp-gateway --stop-grace 4")
    );
    assert!(told("mcp-gateway serv").contains("'serve'"), "{}", told("mcp-gateway serv"));
    assert!(told("mcp-gateway --shard a").contains("--shards"));
}
