//! What the real Traefik's API tells, or refuses to tell, where only the real one proves that it is understood.
//!
//! Invariant: nothing here looks into a file of the shard.

use serde_json::json;

use crate::support::{Api, Lab, LabOptions, Shard};

#[tokio::test]
async fn a_list_of_allowed_addresses_before_the_api_is_named() {
    let lab = Lab::start(LabOptions { api: Api::Guarded, ..LabOptions::default() }).await;
    let router = json!({"rule": "PathPrefix(`/api`)", "priority": 1000, "entryPoints": ["traefik"],
        "service": "api@internal", "middlewares": ["office"]});
    let office = json!({"ipAllowList": {"sourceRange": ["192.0.2.0/24"]}});
    lab.write(
        "office.yml",
        json!({"http": {"routers": {"office": router}, "middlewares": {"office": office}}}).to_string(),
    );
    lab.until("the API is closed", async |lab| lab.api("/version").await.is_none().then_some(())).await;
    let shard = Shard::start(&lab.shard()).await;
    let refused = shard.call("list_routes", json!({})).await.failed("api_unauthorized");
    assert!(refused["hint"].as_str().unwrap().contains("ipAllowList"), "{refused:#}");
    shard.end().await;
}

#[tokio::test]
async fn a_service_of_error_pages_is_in_use() {
    let lab = Lab::start(LabOptions::default()).await;
    let shard = Shard::start(&lab.shard()).await;
    let route =
        json!({"name": "pages", "host": "pages.lab.test", "backend_url": lab.backend().url(), "entry_points": ["web"]});
    shard.call("create_route", route).await.done();
    let pages = json!({"errors": {"status": ["500-599"], "service": "mcp-pages", "query": "/{status}"}});
    lab.write("pages.yml", json!({"http": {"middlewares": {"pages": pages}}}).to_string());
    lab.until("the pages are there", async |lab| lab.api("/http/middlewares/pages@file").await).await;
    let refused = lab.refusal(shard.call("delete_route", json!({"name": "pages"}))).await.failed("in_use");
    assert!(refused.to_string().contains("pages@file"), "{refused:#}");
    shard.end().await;
}
