//! What was measured of the real Traefik, against `validate_config` of the real child.
//!
//! The vectors lie outside the repository; without them these tests have nothing to say and pass.

#![expect(clippy::print_stdout, reason = "the figures are the result")]

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Launch, Shard};

/// Measured vectors, where they are.
fn vectors(name: &str) -> Option<Vec<Value>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/traefik").join(name);
    let text = fs::read(&path).inspect_err(|_| println!("no {}: nothing to compare with", path.display())).ok()?;
    Some(serde_json::from_slice(&text).unwrap())
}

#[tokio::test]
async fn no_document_that_traefik_refuses_is_said_to_load() {
    let Some(vectors) = vectors("file-provider-acceptance-vectors.json") else { return };
    let shard = Shard::start(&Launch::default()).await;
    let (mut refused, mut wrongly_accepted) = (0, Vec::new());
    let (mut originals, mut original_refused, mut mutants, mut mutants_refused) = (0, Vec::new(), 0, Vec::new());
    for vector in &vectors {
        let answer = shard.call("validate_config", json!({"content": vector["yaml"], "live": false})).await;
        let loads = answer.text.starts_with("Traefik would load this");
        let report = answer.done();
        assert_eq!(loads, report["would_load"] == "yes", "the text says the same: {report:#}");
        let what = format!("{} ({}): {}", vector["source"], vector["mutation"], report["summary"]);
        match (vector["traefik_accepts"] == true, vector["mutation"] == "orig") {
            (false, _) => {
                refused += 1;
                wrongly_accepted.extend(loads.then_some(what));
            }
            (true, true) => {
                originals += 1;
                original_refused.extend((!loads).then_some(what));
            }
            (true, false) => {
                mutants += 1;
                mutants_refused.extend((!loads).then_some(what));
            }
        }
    }
    shard.end().await;
    println!("{} vectors, {refused} refused by Traefik, {} false accepts", vectors.len(), wrongly_accepted.len());
    println!(
        "false refusals: {}/{originals} originals, {}/{mutants} mutants",
        original_refused.len(),
        mutants_refused.len()
    );
    println!("{}", [&original_refused[..], &mutants_refused[..]].concat().join("\n"));
    assert!(refused > 0 && originals > 0, "the vectors hold both");
    assert_eq!(wrongly_accepted, Vec::<String>::new());
    assert!(original_refused.len() * 10 <= originals, "at most a tenth: {original_refused:#?}");
}

#[tokio::test]
async fn every_measured_rule_is_judged_as_traefik_judges_it() {
    let Some(vectors) = vectors("rule-vectors.json") else { return };
    let shard = Shard::start(&Launch::default()).await;
    for vector in &vectors {
        let config = json!({"http": {
            "routers": {"r": {"rule": vector["rule"], "service": "s"}},
            "services": {"s": {"loadBalancer": {"servers": [{"url": "http://127.0.0.1:1"}]}}},
        }});
        let report = shard.call("validate_config", json!({"content": config.to_string(), "live": false})).await.done();
        assert_eq!(report["would_load"], "yes", "a bad rule freezes nothing: {vector} {report:#}");
        assert_eq!(report["valid"], vector["status"] == "enabled", "{vector} {report:#}");
    }
    println!("{} rules agree", vectors.len());
    shard.end().await;
}
