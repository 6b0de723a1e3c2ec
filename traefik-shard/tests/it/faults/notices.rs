//! Writes that Traefik does not notice, or that it takes and cannot use.

use serde_json::json;

use super::{route, with};
use crate::support::{Gateway, Lab, LabOptions};

fn unwatched() -> LabOptions {
    LabOptions { watch: false, ..LabOptions::default() }
}

#[tokio::test]
async fn a_write_that_nobody_notices_is_taken_back_and_the_watch_is_blamed() {
    let lab = Lab::start(unwatched()).await;
    let gateway = Gateway::start(&lab.shard()).await;
    let arguments = with(route("app", &lab.backend().url()), json!({"wait_seconds": 1}));
    let failure = lab.refusal(gateway.call("create_route", arguments)).await.failed("not_applied");
    let said = failure.to_string();
    assert!(said.contains("network file system") && said.contains("watch"), "{said}");
    let reload = lab.refusal(gateway.call("reload_config", json!({"wait_seconds": 1}))).await;
    let said = reload.failed("not_applied").to_string();
    assert!(said.contains("watch") && said.contains("HUP"), "the manual way is told: {said}");
    lab.hang_up();
    lab.until("a reload would show what was left", async |lab| lab.api("/http/routers/human@file").await).await;
    assert_eq!(lab.api("/http/routers/mcp-app@file").await, None);
}

#[tokio::test]
async fn a_delete_that_nobody_notices_stays_deleted_and_is_reported() {
    let lab = Lab::start(unwatched()).await;
    let gateway = Gateway::start(&lab.shard()).await;
    let hanging_up = async {
        lab.until("the file is there", async |lab| lab.tree_bytes().contains_key("mcp-managed/app.yml").then_some(()))
            .await;
        lab.hang_up();
    };
    let (created, ()) = tokio::join!(gateway.call("create_route", route("app", &lab.backend().url())), hanging_up);
    assert_eq!(created.done()["applied"], true);
    let failure = gateway.call("delete_route", json!({"name": "app", "wait_seconds": 1})).await;
    let failure = failure.failed("deleted_but_still_live");
    assert!(failure.to_string().contains("watch"), "{failure}");
    assert_eq!(lab.tree_bytes().into_keys().collect::<Vec<_>>(), ["human.yml"]);
    assert_eq!(lab.get("web", "app.lab.test", "/").await.status, 200, "it is still live, as was said");
    lab.hang_up();
    lab.until("it is gone", async |lab| lab.api("/http/routers/mcp-app@file").await.is_none().then_some(())).await;
    lab.assert_tidy();
}

#[tokio::test]
async fn the_wrong_directory_is_found_out_and_left_as_it_was() {
    let lab = Lab::start(LabOptions::default()).await;
    let wrong = tempfile::TempDir::new().unwrap();
    let launch = lab.shard().variable("TRAEFIK_DYNAMIC_DIR", wrong.path().to_str().unwrap());
    let gateway = Gateway::start(&launch).await;
    let arguments = with(route("app", &lab.backend().url()), json!({"wait_seconds": 1}));
    let failure = lab.refusal(gateway.call("create_route", arguments)).await.failed("not_applied");
    assert!(failure.to_string().contains("TRAEFIK_DYNAMIC_DIR"), "{failure}");
    let left: Vec<_> = walk(wrong.path()).into_iter().filter(|path| path.ends_with(".yml")).collect();
    assert!(left.is_empty(), "{left:?}");
}

fn walk(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    entries
        .flat_map(|entry| {
            let path = entry.path();
            if path.is_dir() { walk(&path) } else { vec![path.to_str().unwrap().to_owned()] }
        })
        .collect()
}

/// A middleware whose value is wrong is found only when a router uses it.
const LURKING: &str = "http: {middlewares: {lurking: {ipAllowList: {sourceRange: [not-a-net]}}}}";

#[tokio::test]
async fn a_router_that_comes_up_disabled_is_taken_back_with_traefiks_own_words() {
    let (lab, gateway) = Gateway::and_lab().await;
    lab.write("lurking.yml", LURKING);
    lab.until("it is there", async |lab| lab.api("/http/middlewares/lurking@file").await).await;
    let arguments = with(route("app", &lab.backend().url()), json!({"middlewares": ["lurking@file"]}));
    let refused = lab.refusal(gateway.call("create_route", arguments.clone())).await;
    assert!(refused.text.contains("not-a-net"), "{}", refused.text);
    refused.failed("rejected_by_traefik");
    assert_eq!(lab.api("/http/routers/mcp-app@file").await, None);

    gateway.call("create_route", route("app", &lab.backend().url())).await.done();
    let refused = lab.refusal(gateway.call("create_route", with(arguments, json!({"overwrite": true})))).await;
    refused.failed("rejected_by_traefik");
    assert_eq!(lab.get("web", "app.lab.test", "/").await.body, "human GET /", "the route before it is back");
}
