//! An API that is away, slow, locked, elsewhere, something else, or very big.

use std::fs;

use serde_json::{Value, json};

use super::route;
use crate::support::{Api, Backend, Gateway, Lab, LabOptions, PASSWORD};

/// Every tool that must have the API, with arguments that are otherwise good.
fn calls(lab: &Lab) -> [(&'static str, Value); 5] {
    [
        ("list_routes", json!({})),
        ("get_backend_status", json!({})),
        ("create_route", route("app", &lab.backend().url())),
        ("delete_route", json!({"name": "app"})),
        ("reload_config", json!({"wait_seconds": 1})),
    ]
}

#[tokio::test]
async fn a_locked_api_is_named_so_and_opens_with_the_password() {
    let lab = Lab::start(LabOptions { api: Api::Guarded, ..LabOptions::default() }).await;
    let file = lab.state_dir().with_file_name("password");
    for password in [None, Some("wrong-password")] {
        let mut launch = lab.shard();
        if let Some(password) = password {
            fs::write(&file, format!("{password}\n")).unwrap();
            launch = launch
                .variable("TRAEFIK_API_USER", "lab")
                .variable("TRAEFIK_API_PASSWORD_FILE", file.to_str().unwrap());
        }
        let gateway = Gateway::start(&launch).await;
        for (tool, arguments) in calls(&lab) {
            let refused = lab.refusal(gateway.call(tool, arguments)).await;
            assert!(!refused.structured.to_string().contains("wrong-password"), "{}", refused.structured);
            let failure = refused.failed("api_unauthorized");
            assert!(failure["hint"].as_str().unwrap().contains("TRAEFIK_API_USER"), "{tool}: {failure}");
        }
        assert!(!gateway.log().contains("wrong-password"), "{}", gateway.log());
    }
    fs::write(&file, format!("{PASSWORD}\n")).unwrap();
    let launch =
        lab.shard().variable("TRAEFIK_API_USER", "lab").variable("TRAEFIK_API_PASSWORD_FILE", file.to_str().unwrap());
    let gateway = Gateway::start(&launch).await;
    assert_eq!(gateway.call("create_route", route("app", &lab.backend().url())).await.done()["applied"], true);
}

#[tokio::test]
async fn an_address_without_an_api_is_named_so() {
    let lab = Lab::start(LabOptions::default()).await;
    let other = Backend::start("no Traefik").await;
    for (url, code) in [(format!("http://127.0.0.1:{}", lab.port("web")), "api_not_found"), (other.url(), "api_error")]
    {
        let gateway = Gateway::start(&lab.shard().variable("TRAEFIK_API_URL", url.clone())).await;
        for (tool, arguments) in calls(&lab) {
            let refused = lab.refusal(gateway.call(tool, arguments)).await;
            assert!(refused.text.contains(&url), "{tool}: {}", refused.text);
            refused.failed(code);
        }
    }
}

#[tokio::test]
async fn the_address_is_taken_with_and_without_its_last_part() {
    let lab = Lab::start(LabOptions::default()).await;
    let api = lab.api_url();
    let host = api.trim_end_matches("/api");
    for url in [host.to_owned(), format!("{host}/"), api.clone(), format!("{api}/")] {
        let gateway = Gateway::start(&lab.shard().variable("TRAEFIK_API_URL", url.clone())).await;
        assert_eq!(gateway.call("list_routes", json!({})).await.done()["total"], 6, "{url}");
    }
}

#[tokio::test]
async fn a_frozen_api_is_given_up_before_anything_is_written() {
    let lab = Lab::start(LabOptions::default()).await;
    let gateway = Gateway::start(&lab.shard().variable("TRAEFIK_REQUEST_TIMEOUT", "300ms")).await;
    let answers = lab.answers().await;
    lab.freeze();
    for (tool, arguments) in calls(&lab) {
        let failure = lab.refusal_unseen(gateway.call(tool, arguments)).await.failed("api_unreachable");
        assert!(failure.to_string().contains("300ms"), "{tool}: {failure}");
    }
    lab.thaw();
    assert_eq!(lab.answers().await, answers);
    assert_eq!(gateway.call("list_routes", json!({})).await.done()["total"], 6);
}

/// Adds routers with rules of about this length, and waits until Traefik has them.
async fn write_many(lab: &Lab, count: usize, length: usize) {
    let router = |at| {
        let path = "x".repeat(length);
        let rule = format!("Host(`h{at}.big.test`) && Path(`/{path}`)");
        (format!("big-{at:04}"), json!({"rule": rule, "entryPoints": ["web"], "service": "human"}))
    };
    let routers: serde_json::Map<String, Value> = (0..count).map(router).collect();
    lab.write("big.yml", json!({"http": {"routers": routers}}).to_string());
    let last = format!("/http/routers/big-{:04}@file", count - 1);
    lab.until("all are there", async |lab| lab.api(&last).await).await;
}

#[tokio::test]
async fn what_is_too_big_for_one_answer_is_read_in_pages() {
    let lab = Lab::start(LabOptions::default()).await;
    write_many(&lab, 4000, 100).await;
    let gateway = Gateway::start(&lab.shard().variable("TRAEFIK_API_MAX_MIB", "1")).await;
    let listed = gateway.call("list_routes", json!({})).await;
    assert!(listed.text.len() < 20_000 && listed.structured.to_string().len() < 200_000, "the first page is a page");
    assert_eq!(listed.done()["total"], 4006);
    assert_eq!(gateway.call("create_route", route("app", &lab.backend().url())).await.done()["applied"], true);
}

#[tokio::test]
async fn a_page_that_is_too_big_names_the_limit() {
    let lab = Lab::start(LabOptions::default()).await;
    write_many(&lab, 1200, 1200).await;
    let gateway = Gateway::start(&lab.shard().variable("TRAEFIK_API_MAX_MIB", "1")).await;
    let tree = lab.tree_bytes();
    for (tool, arguments) in &calls(&lab)[..3] {
        let failure = gateway.call(tool, arguments.clone()).await.failed("api_error");
        assert!(failure.to_string().contains("TRAEFIK_API_MAX_MIB"), "{tool}: {failure}");
    }
    assert!(lab.tree_bytes() == tree);
    let gateway = Gateway::start(&lab.shard()).await;
    assert_eq!(gateway.call("list_routes", json!({})).await.done()["total"], 1206);
}
