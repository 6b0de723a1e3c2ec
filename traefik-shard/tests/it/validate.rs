//! `validate_config` beside the running Traefik.
//!
//! Invariant: nothing that it is asked changes a file.

use serde_json::{Value, json};

use crate::support::{Lab, LabOptions, Launch, Shard};

fn codes(report: &Value) -> Vec<(&str, &str)> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings.map(|finding| (finding["severity"].as_str().unwrap(), finding["code"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn what_only_the_running_traefik_knows_is_checked_too() {
    let lab = Lab::start(LabOptions::default()).await;
    let shard = Shard::start(&lab.shard()).await;
    let before = lab.tree_bytes();
    let content = json!({"http": {"routers": {
        "twin": {"rule": "Host(`human.lab.test`)", "entryPoints": ["web"], "service": "human"},
        "lost": {"rule": "Path(`/lost`)", "entryPoints": ["nowhere"], "service": "app@docker"},
        "half": {"rule": "Path(`/half`)", "entryPoints": ["web", "nowhere"], "service": "human@file"},
        "secure": {"rule": "Path(`/s`)", "service": "human", "tls": {"certResolver": "acme"}},
    }}});
    let report = shard.call("validate_config", json!({"content": content.to_string()})).await.done();
    assert_eq!(report["would_load"], "yes", "{report:#}");
    let expected = [
        ("error", "missing_reference"),
        ("error", "unknown_entry_point"),
        ("warning", "name_taken"),
        ("warning", "name_taken"),
        ("warning", "rule_conflict"),
        ("warning", "unknown_entry_point"),
        ("info", "unknown_resolver"),
    ];
    assert_eq!(codes(&report), expected, "{report:#}");
    let offline = json!({"content": content.to_string(), "live": false});
    let report = shard.call("validate_config", offline).await.done();
    assert_eq!(codes(&report), [("warning", "name_taken"); 2]);
    assert_eq!(lab.tree_bytes(), before);
    shard.end().await;
}

#[tokio::test]
async fn the_whole_directory_is_good_until_one_file_is_not() {
    let lab = Lab::start(LabOptions::default()).await;
    let shard = Shard::start(&lab.shard()).await;
    let report = shard.call("validate_config", json!({"all": true})).await.done();
    assert_eq!((&report["would_load"], &report["valid"]), (&json!("yes"), &json!(true)), "{report:#}");
    lab.write("sub/broken.yml", "http:\n  routers:\n    app:\n      rul: x\n");
    let outcome = shard.call("validate_config", json!({"all": true})).await;
    let start =
        "This would freeze the whole file provider: Traefik refuses it. sub/broken.yml:4: http.routers.app.rul:";
    assert!(outcome.text.starts_with(start), "{}", outcome.text);
    let report = outcome.done();
    assert_eq!((&report["would_load"], &report["files"]), (&json!("no"), &json!(["human.yml", "sub/broken.yml"])));
    shard.end().await;
}

#[tokio::test]
async fn without_traefik_everything_else_is_still_checked() {
    let shard = Shard::start(&Launch::default().variable("TRAEFIK_API_URL", "http://127.0.0.1:1/api")).await;
    let report = shard.call("validate_config", json!({"content": "http: {routers: {a: {rul: x}}}"})).await.done();
    assert_eq!(
        codes(&report),
        [("error", "unknown_field"), ("error", "no_service"), ("error", "no_rule"), ("info", "live_unchecked")]
    );
    assert_eq!(report["would_load"], "no");
    shard.call("validate_config", json!({"all": true})).await.failed("not_configured");
    shard.end().await;
}
