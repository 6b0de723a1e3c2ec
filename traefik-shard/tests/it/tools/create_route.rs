//! `create_route`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use super::{assert_unreachable, route, unreachable, with};
use crate::support::{Backend, Gateway, Reply};

#[tokio::test]
async fn a_request_through_traefik_reaches_the_backend_when_the_call_returns() {
    let (lab, gateway) = Gateway::and_lab().await;
    let (app, before, answers) = (Backend::start("app").await, lab.tree_bytes(), lab.answers().await);
    assert_eq!(lab.get("web", "app.lab.test", "/").await.status, 404);
    let created = gateway.call("create_route", route("app", &app.url())).await;
    assert_eq!(lab.get("web", "app.lab.test", "/x").await, Reply { status: 200, body: "app GET /x".into() });
    assert!(created.text.contains("`app`") && created.text.contains("http://app.lab.test"), "{}", created.text);
    let created = created.done();
    assert_eq!((&created["name"], &created["router"]), (&json!("app"), &json!("mcp-app@file")));
    assert_eq!((&created["applied"], &created["status"]), (&json!(true), &json!("enabled")));
    assert_eq!((&created["rolled_back"], &created["errors"]), (&json!(false), &json!([])));
    assert_eq!(created["file"], "mcp-managed/app.yml");

    let mut tree = lab.tree_bytes();
    let file = String::from_utf8(tree.remove("mcp-managed/app.yml").unwrap()).unwrap();
    assert!(tree == before, "another file was changed");
    assert!(file.contains(created["yaml"].as_str().unwrap().trim()), "{file}");
    assert!(file.starts_with("# managed-by: traefik-shard"), "{file}");
    let mode = fs::metadata(lab.dynamic_dir().join("mcp-managed/app.yml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
    let mut now = lab.answers().await;
    assert!(now.remove("mcp-app@file").is_some());
    assert_eq!(now, answers, "another route was changed");
    lab.assert_tidy();
}

#[tokio::test]
async fn tls_prefix_and_redirect_do_what_they_say() {
    let (lab, gateway) = Gateway::and_lab().await;
    let app = Backend::start("app").await;
    let secure = json!({
        "name": "app", "host": "app.lab.test", "backend_url": app.url(), "entry_points": ["websecure"],
        "tls": {"enabled": true}, "path_prefix": "/shop", "strip_prefix": true, "redirect_https": true,
    });
    gateway.call("create_route", secure).await.done();
    let shop = Reply { status: 200, body: "app GET /cart".into() };
    assert_eq!(lab.get("websecure", "app.lab.test", "/shop/cart").await, shop);
    assert_eq!(lab.get("websecure", "app.lab.test", "/office").await.status, 404);
    let plain = lab.get("web", "app.lab.test", "/shop/cart").await.status;
    assert!([301, 302, 307, 308].contains(&plain), "{plain}");
}

#[tokio::test]
async fn a_full_rule_several_backends_a_health_check_and_middlewares_are_taken() {
    let (lab, gateway) = Gateway::and_lab().await;
    let (one, two) = (Backend::start("one").await, Backend::start("two").await);
    let arguments = json!({
        "name": "app", "rule": "Host(`app.lab.test`) && (PathPrefix(`/a`) || PathPrefix(`/b`))",
        "backend_urls": [one.url(), two.url()], "entry_points": ["web"], "middlewares": ["stamp@file"], "priority": 77,
        "health_check": {"path": "/health", "interval": "300ms", "timeout": "200ms"},
    });
    gateway.call("create_route", arguments).await.done();
    let (mut bodies, mut asked) = (std::collections::BTreeSet::new(), 0);
    while bodies.len() < 2 && asked < 20 {
        bodies.insert(lab.get("web", "app.lab.test", "/a").await.body);
        asked += 1;
    }
    assert_eq!(bodies, ["one GET /a".to_owned(), "two GET /a".to_owned()].into());
    assert_eq!(lab.get("web", "app.lab.test", "/c").await.status, 404);
    let router = lab.api("/http/routers/mcp-app@file").await.unwrap();
    assert_eq!((&router["priority"], &router["middlewares"]), (&json!(77), &json!(["stamp@file"])));
    two.answer_with(503);
    lab.until("the sick backend is down", async |lab| {
        let service = lab.api("/http/services/mcp-app@file").await?;
        (service["serverStatus"][two.url()] == "DOWN").then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_update_needs_leave_and_takes_the_place_of_the_route() {
    let (lab, gateway) = Gateway::and_lab().await;
    let (old, new) = (Backend::start("old").await, Backend::start("new").await);
    let created = gateway.call("create_route", route("app", &old.url())).await.done();
    let update = route("app", &new.url());
    lab.refusal(gateway.call("create_route", update.clone())).await.failed("name_conflict");
    let stale = with(update.clone(), json!({"overwrite": true, "if_match": "0".repeat(64)}));
    lab.refusal(gateway.call("create_route", stale)).await.failed("precondition_failed");
    let right = with(update.clone(), json!({"overwrite": true, "if_match": created["sha256"]}));
    let updated = gateway.call("create_route", right.clone()).await.done();
    assert_ne!(updated["sha256"], created["sha256"]);
    assert_eq!(lab.get("web", "app.lab.test", "/").await.body, "new GET /");
    lab.refusal(gateway.call("create_route", right)).await.failed("precondition_failed");
    let missing = with(route("other", &new.url()), json!({"if_match": created["sha256"]}));
    lab.refusal(gateway.call("create_route", missing)).await.failed("precondition_failed");
    let again = gateway.call("create_route", with(update, json!({"overwrite": true}))).await.done();
    assert_eq!(
        (&again["applied"], &again["status"]),
        (&json!(true), &json!("enabled")),
        "the same once more is no failure"
    );
    let backups = fs::read_dir(lab.state_dir().join("backups")).unwrap().count();
    assert!(backups >= 1, "the old file was kept");
}

#[tokio::test]
async fn a_dry_run_shows_the_file_and_writes_nothing() {
    let (lab, gateway) = Gateway::and_lab().await;
    let (before, app) = (lab.tree_bytes(), Backend::start("app").await);
    let shown = gateway.call("create_route", with(route("app", &app.url()), json!({"dry_run": true}))).await.done();
    let yaml = shown["yaml"].as_str().unwrap();
    assert!(yaml.contains("Host(`app.lab.test`)") && yaml.contains(&app.url()), "{yaml}");
    assert_eq!((&shown["applied"], &shown["file"]), (&json!(false), &json!("mcp-managed/app.yml")));
    assert!(lab.tree_bytes() == before);
    assert_eq!(lab.api("/http/routers/mcp-app@file").await, None);
    lab.refusal(gateway.call("create_route", with(route("../app", &app.url()), json!({"dry_run": true})))).await;
}

#[tokio::test]
async fn references_that_traefik_does_not_have_are_refused_and_named() {
    let (lab, gateway) = Gateway::and_lab().await;
    let app = Backend::start("app").await;
    for (more, named) in [
        (json!({"entry_points": ["nowhere"]}), "nowhere"),
        (json!({"middlewares": ["nobody@file"]}), "nobody@file"),
        (json!({"middlewares": ["nobody"]}), "nobody"),
        (json!({"entry_points": ["udp"]}), "udp"),
    ] {
        let refused = lab.refusal(gateway.call("create_route", with(route("app", &app.url()), more))).await;
        assert!(refused.text.contains(named), "{}", refused.text);
        refused.failed("invalid_input");
    }
}

#[tokio::test]
async fn without_traefik_nothing_is_written_and_a_dry_run_still_works() {
    let (lab, gateway, nobody) = unreachable().await;
    let refused = lab.refusal(gateway.call("create_route", route("app", &lab.backend().url()))).await;
    assert_unreachable(refused, &nobody);
    let dry = with(route("app", &lab.backend().url()), json!({"dry_run": true}));
    let shown = gateway.call("create_route", dry).await.done();
    assert!(shown["yaml"].as_str().unwrap().contains("Host(`app.lab.test`)"), "{shown:#}");
    assert!(
        shown["warnings"].to_string().contains(&nobody.url()),
        "what could not be checked: {:#}",
        shown["warnings"]
    );
}
