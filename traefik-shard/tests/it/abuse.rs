//! What a malicious or clumsy caller tries, against the real Traefik.
//!
//! Each test is one thing that once went wrong.

use serde_json::json;

use crate::support::{Lab, LabOptions, Shard};

#[tokio::test]
async fn arguments_of_the_wrong_type_are_structured_refusals_and_null_is_not_given() {
    let lab = Lab::start(LabOptions::default()).await;
    let shard = Shard::start(&lab.shard()).await;
    let wrong = shard.call("create_route", json!({"name": "a", "hosts": "a.lab.test"})).await;
    wrong.failed("invalid_input");
    let backend = lab.backend().url();
    let null =
        json!({"name": "a", "host": "a.lab.test", "hosts": null, "backend_url": backend, "tls": null, "dry_run": true});
    assert!(!shard.call("create_route", null).await.is_error);
}

#[tokio::test]
async fn a_route_to_traefiks_own_api_is_warned_of() {
    let lab = Lab::start(LabOptions::default()).await;
    let shard = Shard::start(&lab.shard()).await;
    let api = lab.api_url();
    let route = json!({"name": "a", "host": "a.lab.test", "backend_url": api, "dry_run": true});
    let shown = shard.call("create_route", route).await;
    assert!(shown.structured["warnings"].to_string().contains("Traefik's own API"), "{:?}", shown.structured);
}

#[tokio::test]
async fn a_route_does_not_take_the_connections_of_a_tcp_router() {
    let lab = Lab::start(LabOptions::default()).await;
    let shard = Shard::start(&lab.shard()).await;
    let through = "tcp: {routers: {through: {rule: HostSNI(`db.lab.test`), entryPoints: [websecure], service: s, tls: {passthrough: true}}}, \
                   services: {s: {loadBalancer: {servers: [{address: '127.0.0.1:9'}]}}}}";
    lab.write("tcp.yml", through);
    lab.until("the TCP router is there", async |lab| lab.api("/tcp/routers/through@file").await).await;
    let before = lab.tree_bytes();
    let route = json!({"name": "a", "host": "db.lab.test", "backend_url": lab.backend().url(), "tls": {}});
    shard.call("create_route", route).await.failed("rule_conflict");
    assert_eq!(lab.tree_bytes(), before);
}
