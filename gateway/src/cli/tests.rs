//! What is typed, and what is understood.

use std::path::PathBuf;
use std::time::Duration;

use clap::CommandFactory;

use super::*;
use crate::app::call::{Act, Progress};
use crate::app::ps::{Form, PsOptions};
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
    check("mcp-gateway ps --state-dir s", PsOptions { state_dir: state_dir.clone(), form: Form::Table });
    check("mcp-gateway ps --json --state-dir s", PsOptions { state_dir, form: Form::Json });
    assert!(parse(words("mcp-gateway ps --shards a")).is_err());
}

#[test]
fn call_takes_words_after_the_tool_and_flags_anywhere() {
    let called = |line: &str| match parse(words(line)).unwrap() {
        Wish::Call(options) => *options,
        other => panic!("{other:?}"),
    };
    let options = called("mcp-gateway call t a=1 b=-2 --own --timeout 5s -");
    assert_eq!((options.tool.as_str(), &options.words[..]), ("t", &["a=1".to_owned(), "b=-2".into(), "-".into()][..]));
    assert_eq!((options.company.running, options.company.timeout), (None, Duration::from_secs(5)));
    assert_eq!((options.act, options.progress), (Act::Call, Progress::Bar));
    let url = called("mcp-gateway call t --url http://h:1 --describe").company.running.unwrap().url.unwrap();
    assert_eq!(url.endpoint().as_str(), "http://h:1/mcp");
    for wrong in ["call", "call t a=1 --describe", "list everything", "status --live --json"] {
        assert!(parse(words(&format!("mcp-gateway {wrong}"))).is_err(), "{wrong}");
    }
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
