//! `reload_config`.

use serde_json::json;

use super::{assert_unreachable, unreachable};
use crate::support::{Gateway, Lab, LabOptions};

#[tokio::test]
async fn a_reload_is_proved_and_leaves_nothing() {
    let (lab, gateway) = Gateway::and_lab().await;
    let (before, answers) = (lab.tree_bytes(), lab.answers().await);
    lab.write(
        "theirs/deep.yml",
        "http:\n  routers:\n    deep:\n      rule: Host(`deep.lab.test`)\n      service: human\n",
    );
    assert_eq!(lab.api("/http/routers/deep@file").await, None, "nobody watches the folder");
    let reloaded = gateway.call("reload_config", json!({})).await.done();
    assert_eq!(reloaded["reloaded"], true, "{reloaded:#}");
    assert_eq!(lab.get("web", "deep.lab.test", "/").await.body, "human GET /", "the call returns after the reload");
    lab.remove("theirs/deep.yml");
    assert_eq!(
        gateway.call("reload_config", json!({})).await.done()["reloaded"],
        true,
        "again, though a nonce was there"
    );
    assert!(lab.tree_bytes() == before, "{:?}", lab.all_files());
    assert_eq!(lab.answers().await, answers);
    lab.assert_tidy();
    lab.until("the probe is gone", async |lab| {
        lab.api("/http/middlewares/mcp-probe@file").await.is_none().then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_empty_directory_reloads_as_well() {
    let (lab, gateway) = Gateway::and_lab().await;
    lab.remove("human.yml");
    assert_eq!(gateway.call("reload_config", json!({})).await.done()["reloaded"], true);
    assert_eq!(lab.tree_bytes().len(), 0);
}

#[tokio::test]
async fn a_read_only_shard_refuses_to_write_anything() {
    let lab = Lab::start(LabOptions::default()).await;
    let gateway = Gateway::start(&lab.shard().flags(&["--read-only"])).await;
    lab.refusal(gateway.call("reload_config", json!({}))).await.failed("read_only");
    let route = super::route("app", &lab.backend().url());
    lab.refusal(gateway.call("create_route", route.clone())).await.failed("read_only");
    lab.refusal(gateway.call("delete_route", json!({"name": "app"}))).await.failed("read_only");
    let shown = gateway.call("create_route", super::with(route, json!({"dry_run": true}))).await.done();
    assert_eq!(shown["applied"], false, "a dry run writes nothing");
}

#[tokio::test]
async fn without_a_directory_the_setting_is_named() {
    let lab = Lab::start(LabOptions::default()).await;
    let gateway = Gateway::start(&lab.shard().without("TRAEFIK_DYNAMIC_DIR")).await;
    for (tool, arguments) in [
        ("reload_config", json!({})),
        ("create_route", super::route("app", &lab.backend().url())),
        ("delete_route", json!({"name": "app"})),
        ("validate_config", json!({"all": true})),
    ] {
        let failure = lab.refusal(gateway.call(tool, arguments)).await.failed("not_configured");
        assert!(failure["hint"].as_str().unwrap().contains("TRAEFIK_DYNAMIC_DIR"), "{failure}");
    }
    assert_eq!(gateway.call("list_routes", json!({})).await.done()["total"], 6);
}

#[tokio::test]
async fn without_traefik_the_address_is_named_and_nothing_written() {
    let (lab, gateway, nobody) = unreachable().await;
    assert_unreachable(lab.refusal(gateway.call("reload_config", json!({}))).await, &nobody);
}
