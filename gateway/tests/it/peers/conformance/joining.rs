//! The client scenarios of the suite to come: here it is the server, and its client reaches it by `stdio --connect`.
//!
//! Invariant: no check fails or warns, and as many succeed as with the SDK's client alone.

use super::outcome::{Outcome, program, successes};
use super::suite::NEXT;
use crate::peers::servers::{installed, source};
use crate::support::foreign_variables;

/// Run by a shell, which puts the server's address behind it.
const CLIENT: &str = r#""$NODE" "$JOINING""#;

/// All of the legacy era that are not about authorization, and the checks that succeed in each.
const LEGACY: [(&str, usize); 5] = [
    ("initialize", 1),
    ("tools_call", 2),
    ("elicitation-sep1034-client-defaults", 5),
    ("sse-retry", 3),
    ("json-schema-2020-12-preservation", 9),
];
/// The same of the modern era.
const MODERN: [(&str, usize); 8] = [
    ("tools_call", 2),
    ("request-metadata", 8),
    ("sep-2322-client-request-state", 5),
    ("http-standard-headers", 9),
    ("http-custom-headers", 18),
    ("http-invalid-tool-headers", 12),
    ("json-schema-ref-no-deref", 1),
    ("json-schema-2020-12-preservation", 9),
];

async fn run(scenario: &str, revision: &str) -> Outcome {
    let mut command = program(NEXT.package);
    command.args(["client", "--command", CLIENT, "--scenario", scenario, "--spec-version", revision]);
    for name in foreign_variables() {
        command.env_remove(name);
    }
    command.env("NODE", installed().join("bin/node")).env("JOINING", source("conformance/joining.mjs"));
    command.env("GATEWAY", env!("CARGO_BIN_EXE_mcp-gateway")).env("PEERS", installed());
    Outcome::of(command, "").await
}

async fn all_pass(scenarios: &[(&str, usize)], revision: &str) {
    let mut complaints = Vec::new();
    for &(scenario, expected) in scenarios {
        let outcome = run(scenario, revision).await;
        complaints.extend(outcome.failures(1));
        let checks = outcome.checks(scenario);
        let warnings = checks.iter().filter(|check| check.status == "WARNING");
        complaints.extend(warnings.map(|check| format!("{scenario}: {}: {}", check.id, check.message)));
        let succeeded = successes(checks, None);
        if succeeded != expected {
            complaints.push(format!("{scenario}: {succeeded} checks succeed, not {expected}"));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[tokio::test]
async fn the_client_scenarios_of_the_legacy_era_pass_through_the_gateway_that_joins() {
    all_pass(&LEGACY, "2025-11-25").await;
}

#[tokio::test]
async fn the_client_scenarios_of_the_modern_era_pass_through_the_gateway_that_joins() {
    all_pass(&MODERN, "2026-07-28").await;
}
