//! What is typed, and what is understood.

use std::path::PathBuf;
use std::time::Duration;

use clap::CommandFactory;

use super::*;
use crate::app::call::{Act, Progress};
use crate::app::check::{Form, Strictness};
use crate::app::drop_in::Run;
use crate::app::ps::{self, PsOptions};
use crate::app::{Door, HttpOptions, Settings};
use crate::config::schema;
use crate::door::clients::ClientKind;
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
    assert!(matches!(parse(words("mcp-gateway schema")).unwrap(), Wish::Print(text) if text == schema::text()));
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

#[test]
fn new_takes_only_what_can_be_a_crate_and_a_shard() {
    let Wish::New(options) = parse(words("mcp-gateway new dozzle --dir d --shards s")).unwrap() else {
        panic!("another wish");
    };
    assert_eq!((options.name.as_str(), options.dir, options.shards), ("dozzle", "d".into(), "s".into()));
    let told = parse(words("mcp-gateway new My_Shard")).unwrap_err().to_string();
    assert!(told.contains("try `my-shard`"), "{told}");
}

#[test]
fn what_is_written_for_a_person_is_understood_as_it_was_typed() {
    let line = "mcp-gateway add time --env TZ --env A=b=c --shards s -- uvx mcp-server-time --local-timezone UTC";
    let Wish::Add(options) = parse(words(line)).unwrap() else { panic!("{line}") };
    assert_eq!((options.name.as_str(), options.run), ("time", Run::Real));
    assert_eq!(options.draft.command, "uvx");
    assert_eq!(options.draft.args, ["mcp-server-time", "--local-timezone", "UTC"]);
    let env: Vec<_> = options.draft.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(env, ["A=b=c", "TZ=${TZ}"]);
    for bad in ["add", "add time", "add time --", "add ../x -- a", "add x --env =b -- a", "import", "completions"] {
        assert!(parse(words(&format!("mcp-gateway {bad}"))).is_err(), "{bad}");
    }
}

#[test]
fn each_client_is_known_by_the_word_that_its_snippets_use() {
    for kind in ClientKind::ALL {
        let line = format!("mcp-gateway client {} --url http://nas", kind.word());
        let Wish::Client(options) = parse(words(&line)).unwrap() else { panic!("{line}") };
        assert_eq!((options.kind, options.url.as_deref()), (kind, Some("http://nas/mcp")));
    }
    assert!(parse(words("mcp-gateway client cursor --url nas")).is_err());
}

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let Wish::Print(script) = parse(words(&format!("mcp-gateway completions {shell}"))).unwrap() else { panic!() };
        for command in CommandLine::command().get_subcommands() {
            assert!(script.contains(command.get_name()), "{shell}: {}", command.get_name());
        }
    }
}
