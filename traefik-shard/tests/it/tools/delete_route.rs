//! `delete_route`.

use std::fs;

use serde_json::json;

use super::{assert_unreachable, route, unreachable};
use crate::support::{Backend, Gateway};

#[tokio::test]
async fn a_deleted_route_answers_404_and_its_file_is_kept_as_a_backup_only() {
    let (lab, gateway) = Gateway::and_lab().await;
    let (app, before, answers) = (Backend::start("app").await, lab.tree_bytes(), lab.answers().await);
    gateway.call("create_route", route("app", &app.url())).await.done();
    let dry = gateway.call("delete_route", json!({"name": "app", "dry_run": true})).await.done();
    assert_eq!(dry["deleted"], false, "{dry:#}");
    assert_eq!(lab.get("web", "app.lab.test", "/").await.body, "app GET /");
    let deleted = gateway.call("delete_route", json!({"name": "app"})).await;
    assert!(deleted.text.contains("app"), "{}", deleted.text);
    let deleted = deleted.done();
    assert_eq!((&deleted["deleted"], &deleted["name"]), (&json!(true), &json!("app")));
    assert_eq!(lab.get("web", "app.lab.test", "/").await.status, 404);
    assert!(lab.tree_bytes() == before, "the tree is as it was");
    assert_eq!(lab.answers().await, answers);
    lab.assert_tidy();
    let backups = fs::read_dir(lab.state_dir().join("backups")).unwrap().flatten();
    assert!(backups.map(|entry| entry.file_name().into_string().unwrap()).any(|name| name.contains("-app-")));
}

#[tokio::test]
async fn what_is_not_there_or_not_ours_is_not_deleted() {
    let (lab, gateway) = Gateway::and_lab().await;
    let refused = lab.refusal(gateway.call("delete_route", json!({"name": "nobody"}))).await;
    refused.failed("not_found");
    lab.refusal(gateway.call("delete_route", json!({"name": "human"}))).await.failed("not_managed");
    let foreign = "http: {services: {foreign: {loadBalancer: {servers: [{url: 'http://127.0.0.1:9'}]}}}}";
    lab.write("mcp-managed/foreign.yml", foreign);
    lab.refusal(gateway.call("delete_route", json!({"name": "foreign"}))).await.failed("not_managed");
    for name in ["../human", "human.yml", "", "A", "mcp-managed/x", "a b", "..", "a@file"] {
        lab.refusal(gateway.call("delete_route", json!({"name": name}))).await.failed("invalid_input");
    }
}

#[tokio::test]
async fn a_route_that_has_changed_since_is_not_deleted() {
    let (lab, gateway) = Gateway::and_lab().await;
    let app = Backend::start("app").await;
    let created = gateway.call("create_route", route("app", &app.url())).await.done();
    let stale = json!({"name": "app", "if_match": "0".repeat(64)});
    lab.refusal(gateway.call("delete_route", stale)).await.failed("precondition_failed");
    gateway.call("delete_route", json!({"name": "app", "if_match": created["sha256"]})).await.done();
    assert_eq!(lab.get("web", "app.lab.test", "/").await.status, 404);
}

#[tokio::test]
async fn what_others_use_is_deleted_only_by_force() {
    let (lab, gateway) = Gateway::and_lab().await;
    let app = Backend::start("app").await;
    gateway.call("create_route", route("app", &app.url())).await.done();
    let user = "http: {routers: {user: {rule: Host(`user.lab.test`), entryPoints: [web], service: mcp-app}}}";
    lab.write("user.yml", user);
    lab.until("the user's route is there", async |lab| lab.api("/http/routers/user@file").await).await;
    let refused = lab.refusal(gateway.call("delete_route", json!({"name": "app"}))).await;
    assert!(refused.text.contains("user@file"), "{}", refused.text);
    refused.failed("in_use");
    gateway.call("delete_route", json!({"name": "app", "force": true})).await.done();
    assert_eq!(lab.get("web", "app.lab.test", "/").await.status, 404);
}

#[tokio::test]
async fn a_child_of_another_service_is_in_use_as_well() {
    let (lab, gateway) = Gateway::and_lab().await;
    let app = Backend::start("app").await;
    gateway.call("create_route", route("app", &app.url())).await.done();
    let split = json!({"http": {
        "routers": {"split": {"rule": "Host(`split.lab.test`)", "entryPoints": ["web"], "service": "split"}},
        "services": {"split": {"weighted": {"services": [{"name": "mcp-app", "weight": 1}]}}},
    }});
    lab.write("split.yml", split.to_string());
    lab.until("the split is there", async |lab| lab.api("/http/routers/split@file").await).await;
    let refused = lab.refusal(gateway.call("delete_route", json!({"name": "app"}))).await;
    assert!(refused.text.contains("split@file"), "{}", refused.text);
    refused.failed("in_use");
}

#[tokio::test]
async fn without_traefik_nothing_is_deleted() {
    let (lab, gateway, nobody) = unreachable().await;
    let other = Gateway::start(&lab.shard()).await;
    other.call("create_route", route("app", &lab.backend().url())).await.done();
    assert_unreachable(lab.refusal(gateway.call("delete_route", json!({"name": "app"}))).await, &nobody);
}
