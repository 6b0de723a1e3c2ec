//! Each tool through the gateway: what it does, what it finds empty, what it refuses, and what it says without Traefik.
//!
//! Invariant: every answer has been judged by the tool's own output schema before it gets here.

mod backend_status;
mod create_route;
mod delete_route;
mod disabled;
mod list_routes;
mod parts;
mod promises;
mod reload_config;
mod resources;
mod ssl_status;
mod validate_config;

use serde_json::{Value, json};

use crate::support::{Closed, Gateway, Lab, LabOptions, Outcome};

/// A laboratory, and a gateway whose shard looks for Traefik where nobody listens.
async fn unreachable() -> (Lab, Gateway, Closed) {
    let (lab, nobody) = (Lab::start(LabOptions::default()).await, Closed::new());
    let gateway = Gateway::start(&lab.shard().variable("TRAEFIK_API_URL", nobody.url())).await;
    (lab, gateway, nobody)
}

/// Without a reachable Traefik the failure says which address failed and how to set it.
fn assert_unreachable(outcome: Outcome, nobody: &Closed) {
    let failure = outcome.failed("api_unreachable");
    let message = failure["message"].as_str().unwrap();
    assert!(message.contains(&nobody.url()), "{message}");
    assert!(failure["hint"].as_str().unwrap().contains("TRAEFIK_API_URL"), "{failure}");
}

/// The item of a list whose `key` is `value`.
fn find<'a>(list: &'a Value, key: &str, value: &str) -> &'a Value {
    let items = list.as_array().unwrap_or_else(|| panic!("no list but {list}"));
    items.iter().find(|item| item[key] == value).unwrap_or_else(|| panic!("no `{value}` in {list:#}"))
}

/// The codes of findings or warnings, in order.
fn codes(findings: &Value) -> Vec<&str> {
    let findings = findings.as_array().unwrap_or_else(|| panic!("no list but {findings}"));
    findings.iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}

/// The smallest arguments of `create_route`.
fn route(name: &str, backend: &str) -> Value {
    json!({"name": name, "host": format!("{name}.lab.test"), "backend_url": backend, "entry_points": ["web"]})
}

/// The same with more fields.
fn with(mut arguments: Value, mut more: Value) -> Value {
    arguments.as_object_mut().unwrap().append(more.as_object_mut().unwrap());
    arguments
}
