//! Routers that Traefik splits, because their entry points have settings of their own.
//!
//! Invariant: whatever is called `NAME@file` in a file is called so in every answer, though Traefik
//! may have nothing of that name.

use serde_json::{Value, json};

use super::{codes, find, route, with};
use crate::support::{Backend, Lab, LabOptions, Shard};

/// Both entry points for HTTP have settings, so that of a router on both nothing has the plain name.
async fn split() -> (Lab, Shard) {
    let stamp = json!({"middlewares": ["stamp@file"]});
    let entry_points = vec![("web", stamp), ("websecure", json!({"tls": {}}))];
    let router = json!({"rule": "Host(`twin.lab.test`)", "entryPoints": ["web", "websecure"], "service": "human"});
    let lone = json!({"rule": "Host(`lone.lab.test`)", "entryPoints": ["web"], "service": "human"});
    let twin = json!({"http": {"routers": {"twin": router, "web-lone": lone}}}).to_string();
    let files = vec![("twin.yml".to_owned(), twin)];
    let lab = Lab::start(LabOptions { entry_points, files, ..LabOptions::default() }).await;
    lab.until("the parts are there", async |lab| lab.api("/http/routers/websecure-twin@file").await).await;
    assert!(lab.api("/http/routers/web-twin@file").await.is_some());
    assert_eq!(lab.api("/http/routers/twin@file").await, None);
    let shard = Shard::start(&lab.shard()).await;
    (lab, shard)
}

fn on_both(name: &str, backend: &Backend) -> Value {
    with(route(name, &backend.url()), json!({"entry_points": ["web", "websecure"], "tls": {"enabled": false}}))
}

#[tokio::test]
async fn parts_of_a_managed_router_are_listed_as_managed_and_are_no_drift() {
    let (_lab, shard) = split().await;
    let app = Backend::start("app").await;
    let made = shard.call("create_route", on_both("app", &app)).await.done();
    assert_eq!(made["applied"], true, "{made:#}");
    let listed = shard.call("list_routes", json!({})).await.done();
    assert_eq!(codes(&listed["warnings"]), [""; 0], "{:#}", listed["warnings"]);
    for full in ["web-mcp-app@file", "websecure-mcp-app@file"] {
        let part = find(&listed["routes"], "name", full);
        let told = (&part["part_of"], &part["managed_name"], &part["file"]);
        assert_eq!(told, (&json!("mcp-app@file"), &json!("app"), &json!("mcp-managed/app.yml")), "{part:#}");
    }
    let lone = find(&listed["routes"], "name", "web-lone@file");
    assert_eq!((&lone["part_of"], &lone["file"]), (&Value::Null, &json!("twin.yml")));
    shard.call("delete_route", json!({"name": "app"})).await.done();
    let listed = shard.call("list_routes", json!({})).await.done();
    assert_eq!(codes(&listed["warnings"]), [""; 0], "{:#}", listed["warnings"]);
    shard.end().await;
}

#[tokio::test]
async fn a_route_meets_no_parts_of_its_own_and_names_those_of_others_once() {
    let (lab, shard) = split().await;
    let app = Backend::start("app").await;
    let made = shard.call("create_route", on_both("app", &app)).await.done();
    let wider = with(on_both("app", &app), json!({"if_match": made["sha256"], "path_prefix": "/"}));
    let changed = shard.call("create_route", wider).await.done();
    assert!(!changed["warnings"].to_string().contains("mcp-app"), "{:#}", changed["warnings"]);

    let rival = with(on_both("rival", &app), json!({"host": "twin.lab.test"}));
    let refused = lab.refusal(shard.call("create_route", rival)).await.failed("rule_conflict");
    let conflicts = &refused["details"]["conflicts"];
    assert_eq!(conflicts.as_array().map(Vec::len), Some(1), "{conflicts:#}");
    assert_eq!(conflicts[0]["route"], "twin@file");
    assert_eq!(conflicts[0]["entry_points"], json!(["web", "websecure"]));

    // The file is gone, and Traefik has not noticed.
    std::fs::remove_file(lab.dynamic_dir().join("mcp-managed/app.yml")).unwrap();
    let again = shard.call("create_route", on_both("app", &app)).await.failed("name_conflict");
    assert_eq!(again["details"]["conflicts"][0]["route"], "mcp-app@file", "{again:#}");
    shard.end().await;
}

#[tokio::test]
async fn a_split_route_is_known_by_its_name_to_the_other_tools() {
    let (lab, shard) = split().await;
    for name in ["twin", "twin@file", "websecure-twin@file"] {
        let status = shard.call("get_backend_status", json!({"route": name})).await.done();
        assert_eq!((&status["total"], &status["services"][0]["name"]), (&json!(1), &json!("human@file")), "{name}");
    }
    let address = format!("127.0.0.1:{}", lab.port("websecure"));
    for arguments in [json!({"domain": "twin.lab.test"}), json!({"domain": "twin.lab.test", "address": address})] {
        let checked = shard.call("check_ssl_status", arguments).await.done();
        let routers = &checked["hosts"][0]["routers"];
        assert_eq!(routers.as_array().map(Vec::len), Some(1), "{checked:#}");
        assert_eq!(routers[0]["name"], "twin@file");
    }
    let content = std::fs::read_to_string(lab.dynamic_dir().join("twin.yml")).unwrap();
    let valid = shard.call("validate_config", json!({"content": content})).await.done();
    assert!(!codes(&valid["findings"]).contains(&"rule_conflict"), "{valid:#}");
    shard.end().await;
}
