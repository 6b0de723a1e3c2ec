//! What the operator sets, as the program reads it and as it speaks of it.
//!
//! Invariant: what may be a secret is shown nowhere, neither in the help nor in an error.

use std::process::{Command, Output};

use serde_json::json;

use crate::support::{Api, Lab, LabOptions, PASSWORD, Shard};

/// The program with these variables, until it ends by itself.
fn run(flags: &[&str], variables: &[(&str, &str)]) -> (Output, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_traefik-shard"));
    let ended = command.args(flags).envs(variables.iter().copied()).output().unwrap();
    let text = [&ended.stdout[..], &ended.stderr[..]].concat();
    (ended, String::from_utf8(text).unwrap())
}

#[test]
fn the_help_names_the_variables_and_shows_no_value_that_may_be_secret() {
    let secrets = [
        ("TRAEFIK_API_URL", "http://u:geheim@127.0.0.1:1/api"),
        ("TRAEFIK_API_PASSWORD", "geheim"),
        ("TRAEFIK_DOCS_URL", "http://h/geheim"),
        ("TRAEFIK_RELOAD_COMMAND", "reload --token geheim"),
    ];
    for flag in ["-h", "--help"] {
        let (ended, text) = run(&[flag], &secrets);
        assert!(ended.status.success() && text.contains("TRAEFIK_API_URL"), "{text}");
        assert!(!text.contains("geheim"), "{text}");
    }
}

#[test]
fn a_setting_that_cannot_be_right_ends_the_program_and_is_named() {
    for (variable, value, flag) in [
        ("TRAEFIK_API_URL", "u:geheim@h", "--api-url"),
        ("NAME_PREFIX", "mcp", "--name-prefix"),
        ("TRAEFIK_MANAGED_FOLDER", "../up", "--managed-folder"),
        ("TRAEFIK_APPLY_TIMEOUT", "0s", "--apply-timeout"),
        ("TRAEFIK_DOCS_TTL", "99d", "--docs-ttl"),
    ] {
        let (ended, text) = run(&[], &[(variable, value)]);
        assert!(!ended.status.success() && ended.stdout.is_empty(), "{text}");
        assert!(text.contains(variable) && text.contains(flag) && !text.contains("geheim"), "{text}");
    }
}

#[tokio::test]
async fn an_account_in_the_url_is_used_and_never_shown() {
    let lab = Lab::start(LabOptions { api: Api::Guarded, ..LabOptions::default() }).await;
    let port = lab.port("traefik");
    let url = |password: &str| format!("http://lab:{password}@127.0.0.1:{port}/api");
    let shard = Shard::start(&lab.shard().variable("TRAEFIK_API_URL", url(PASSWORD))).await;
    let listed = shard.call("list_routes", json!({})).await;
    assert!(!listed.text.contains(PASSWORD) && !listed.structured.to_string().contains(PASSWORD), "{}", listed.text);
    listed.done();
    shard.end().await;
    let wrong = Shard::start(&lab.shard().variable("TRAEFIK_API_URL", url("geheim"))).await;
    let refused = wrong.call("list_routes", json!({})).await;
    assert!(!refused.text.contains("geheim") && !refused.structured.to_string().contains("geheim"), "{}", refused.text);
    refused.failed("api_unauthorized");
    wrong.end().await;
}
