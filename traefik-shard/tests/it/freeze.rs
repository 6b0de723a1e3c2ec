//! One broken file of a human freezes Traefik's whole file provider: the shard says so before it writes.
//!
//! Invariant: what is named here is broken for the real Traefik too, which the tests check first.

use std::os::unix::fs::symlink;

use serde_json::{Value, json};

use crate::support::{Gateway, Lab, LabOptions, Outcome};

/// A file that Traefik refuses, and the line of the fault.
const BROKEN: [(&str, u32); 7] = [
    ("http:\n  routers:\n    x: y: z\n", 3),
    ("http:\n  routers:\n    x:\n      rule: Host(`x`)\n      servise: human\n", 5),
    ("http:\n  routers: {}\n", 2),
    ("http:\n  routers:\n    x:\n      rule: Host(`x`)\n      priority: high\n", 5),
    ("http:\n  routers:\n    x:\n      rule: a\n    x:\n      rule: b\n", 5),
    ("http:\n  services:\n    x:\n      loadBalancer: {}\n", 4),
    ("http:\n  routers:\n  services:\n", 2),
];

/// Files that no strict schema would take, and that Traefik takes all the same.
const SLOPPY: [&str; 5] = [
    "http: {routers: null, services: null, middlewares: {idle: {stripPrefix: {prefixes: [/a]}}}}",
    "http:\n",
    "HTTP: {Routers: {sloppy: {Rule: Host(`sloppy.lab.test`), entrypoints: web, SERVICE: human}}}",
    "entryPoints:\n  web:\n    address: :80\n",
    "http: {routers: {sloppy: {rule: Host(`sloppy.lab.test`), service: human, priority: \"42\", middlewares: null}}}",
];

const MARK: &str = "http: {middlewares: {mark: {headers: {customRequestHeaders: {A: b}}}}}";

fn route(lab: &Lab) -> Value {
    let backend = lab.backend().url();
    json!({"name": "app", "host": "app.lab.test", "backend_url": backend, "entry_points": ["web"]})
}

/// A route that will be refused, without the usual patience of the probe.
fn refused_route(lab: &Lab) -> Value {
    let mut route = route(lab);
    route["wait_seconds"] = json!(1);
    route
}

fn assert_named(outcome: Outcome, file: &str, line: u32) {
    assert!(outcome.text.contains(&format!("{file}:{line}")), "{file}:{line} is not in: {}", outcome.text);
    let failure = outcome.failed("tree_broken");
    let findings = failure["details"]["findings"].as_array().unwrap_or_else(|| panic!("{failure:#}"));
    assert!(findings.iter().any(|finding| finding["file"] == file && finding["line"] == line), "{failure:#}");
}

/// Waits until Traefik has read the tree with all that lies in it: what is new in it comes up.
async fn taken_by_traefik(lab: &Lab) {
    lab.write("mark.yml", MARK);
    lab.until("Traefik takes the tree", async |lab| lab.api("/http/middlewares/mark@file").await).await;
    lab.remove("mark.yml");
    let gone = async |lab: &Lab| lab.api("/http/middlewares/mark@file").await.is_none().then_some(());
    lab.until("the mark is gone", gone).await;
}

/// Waits until Traefik has refused the tree because of this file, and checks that nothing new comes up.
async fn refused_by_traefik(lab: &Lab, file: &str) {
    let complaints = |lab: &Lab| lab.log().lines().filter(|line| line.contains("ERR") && line.contains(file)).count();
    let before = complaints(lab);
    lab.write("mark.yml", MARK);
    lab.until("Traefik refuses the tree", async |lab| (complaints(lab) > before).then_some(())).await;
    assert_eq!(lab.api("/http/middlewares/mark@file").await, None);
    lab.remove("mark.yml");
}

/// Each of these is named by both tools, nothing is written, and when it is gone all goes on.
async fn all_are_named(broken: &[(&str, u32)]) {
    let (lab, gateway) = Gateway::and_lab().await;
    for (text, line) in broken {
        lab.write("theirs/broken.yml", text);
        refused_by_traefik(&lab, "theirs/broken.yml").await;
        let refused = lab.refusal(gateway.call("create_route", refused_route(&lab))).await;
        assert_named(refused, "theirs/broken.yml", *line);
        let reload = lab.unchanged(gateway.call("reload_config", json!({"wait_seconds": 1}))).await;
        assert!(reload.text.contains(&format!("theirs/broken.yml:{line}")), "{}", reload.text);
        assert_eq!(reload.done()["reloaded"], false);
    }
    lab.remove("theirs/broken.yml");
    let healed = gateway.call("create_route", route(&lab)).await.done();
    assert_eq!(healed["applied"], true);
    assert_eq!(lab.get("web", "app.lab.test", "/").await.body, "human GET /");
}

#[tokio::test]
async fn a_file_with_a_slip_is_named_with_its_line_before_anything_is_written() {
    all_are_named(&BROKEN[..3]).await;
}

#[tokio::test]
async fn a_file_with_a_value_that_cannot_be_is_named_with_its_line_before_anything_is_written() {
    all_are_named(&BROKEN[3..]).await;
}

#[tokio::test]
async fn a_route_is_not_deleted_from_a_frozen_tree_without_a_word() {
    let (lab, gateway) = Gateway::and_lab().await;
    gateway.call("create_route", route(&lab)).await.done();
    let (text, line) = BROKEN[1];
    lab.write("broken.yml", text);
    let outcome = gateway.call("delete_route", json!({"name": "app", "wait_seconds": 1})).await;
    assert!(outcome.is_error, "{}", outcome.text);
    assert!(outcome.text.contains(&format!("broken.yml:{line}")), "{}", outcome.text);
}

#[tokio::test]
async fn a_dangling_link_freezes_the_tree_and_is_named() {
    let (lab, gateway) = Gateway::and_lab().await;
    symlink("nowhere", lab.dynamic_dir().join("link.yml")).unwrap();
    refused_by_traefik(&lab, "link.yml").await;
    let refused = lab.refusal(gateway.call("create_route", refused_route(&lab))).await;
    assert!(refused.text.contains("link.yml"), "{}", refused.text);
    refused.failed("tree_broken");
}

#[tokio::test]
async fn a_sloppy_file_that_traefik_takes_does_not_block() {
    let (lab, gateway) = Gateway::and_lab().await;
    for (at, text) in SLOPPY.into_iter().enumerate() {
        lab.write("sloppy.yml", text);
        taken_by_traefik(&lab).await;
        let mut route = route(&lab);
        route["name"] = json!(format!("app-{at}"));
        route["host"] = json!(format!("app-{at}.lab.test"));
        assert_eq!(gateway.call("create_route", route).await.done()["applied"], true, "{text}");
        assert_eq!(gateway.call("reload_config", json!({})).await.done()["reloaded"], true, "{text}");
    }
}

fn template(inside: &str) -> String {
    format!("http: {{routers: {{t: {{rule: 'Host(`{inside}.lab.test`)', service: human}}}}}}")
}

#[tokio::test]
async fn a_template_that_works_does_not_block_and_one_that_fails_is_named() {
    let (lab, gateway) = Gateway::and_lab().await;
    lab.write("template.yml", template("{{ \"t\" }}"));
    taken_by_traefik(&lab).await;
    assert_eq!(gateway.call("create_route", route(&lab)).await.done()["applied"], true);
    lab.write("template.yml", template("{{ nosuchfunction }}"));
    refused_by_traefik(&lab, "template.yml").await;
    let mut other = refused_route(&lab);
    other["name"] = json!("other");
    other["host"] = json!("other.lab.test");
    let refused = lab.refusal(gateway.call("create_route", other)).await;
    assert!(refused.text.contains("template.yml"), "{}", refused.text);
    refused.failed("tree_broken");
}

#[tokio::test]
async fn traefik_started_on_a_broken_tree_is_told_apart_from_one_that_has_no_routes() {
    let mut lab = Lab::start(LabOptions::default()).await;
    let gateway = Gateway::start(&lab.shard()).await;
    let (text, line) = BROKEN[1];
    lab.write("broken.yml", text);
    lab.restart().await;
    assert_named(lab.refusal(gateway.call("create_route", refused_route(&lab))).await, "broken.yml", line);
    lab.remove("broken.yml");
    lab.until("the human's routes are back", async |lab| lab.api("/http/routers/human@file").await).await;
    assert_eq!(gateway.call("create_route", route(&lab)).await.done()["applied"], true);
}
