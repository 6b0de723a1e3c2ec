//! Traefik going away and coming back.

use serde_json::json;

use super::route;
use crate::support::{Gateway, Lab, LabOptions, Shard};

#[tokio::test]
async fn the_shard_starts_without_traefik_and_works_as_soon_as_it_is_there() {
    let mut lab = Lab::start(LabOptions::default()).await;
    lab.stop();
    let gateway = Gateway::start(&lab.shard()).await;
    let call = gateway.call("create_route", route("app", &lab.backend().url()));
    lab.refusal_unseen(call).await.failed("api_unreachable");
    lab.restart().await;
    lab.until("the human's routes are back", async |lab| lab.api("/http/routers/human@file").await).await;
    assert_eq!(gateway.call("create_route", route("app", &lab.backend().url())).await.done()["applied"], true);
    lab.restart().await;
    lab.until("the route is back as well", async |lab| lab.api("/http/routers/mcp-app@file").await).await;
    assert_eq!(lab.get("web", "app.lab.test", "/").await.body, "human GET /");
    assert_eq!(gateway.call("delete_route", json!({"name": "app"})).await.done()["deleted"], true);
}

#[tokio::test]
async fn a_change_while_traefik_restarts_is_whole_or_not_there() {
    let mut lab = Lab::start(LabOptions::default()).await;
    let shard = Shard::start(&lab.shard()).await;
    let backend = lab.backend().url();
    for at in 0..4 {
        let (name, before) = (format!("app-{at}"), lab.tree_bytes());
        let calling = shard.call("create_route", route(&name, &backend));
        let (called, ()) = tokio::join!(calling, lab.restart());
        lab.until("the human's routes are back", async |lab| lab.api("/http/routers/human@file").await).await;
        let (file, router) = (format!("mcp-managed/{name}.yml"), format!("/http/routers/mcp-{name}@file"));
        if called.is_error {
            assert!(lab.tree_bytes() == before, "{}", called.text);
            assert_eq!(lab.api(&router).await, None, "{}", called.text);
        } else {
            assert!(lab.tree_bytes().contains_key(&file));
            lab.until("the route is live", async |lab| lab.api(&router).await).await;
        }
        lab.assert_tidy();
    }
    shard.end().await;
}
