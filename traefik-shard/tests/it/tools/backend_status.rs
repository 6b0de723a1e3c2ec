//! `get_backend_status`.

use serde_json::{Value, json};

use super::{assert_unreachable, find, unreachable};
use crate::support::{Gateway, Lab};

async fn until_half_is_known(lab: &Lab) {
    let dead = lab.dead().url();
    lab.until("the dead server is seen", async |lab| {
        let service = lab.api("/http/services/half@file").await?;
        (service["serverStatus"][&dead] == "DOWN").then_some(())
    })
    .await;
}

fn status(service: &Value, url: &str) -> String {
    find(&service["servers"], "url", url)["status"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn up_down_and_unchecked_are_told_apart() {
    let (lab, gateway) = Gateway::and_lab().await;
    until_half_is_known(&lab).await;
    let (alive, dead) = (lab.backend().url(), lab.dead().url());
    let all = gateway.call("get_backend_status", json!({})).await;
    assert!(all.text.contains(&dead), "{}", all.text);
    let all = all.done();
    let half = find(&all["services"], "name", "half@file");
    assert_eq!((status(half, &alive), status(half, &dead)), ("up".into(), "down".into()), "{half:#}");
    assert_eq!(half["status"], "degraded", "{half:#}");
    let human = find(&all["services"], "name", "human@file");
    assert_eq!(status(human, &alive), "unchecked", "Traefik says UP where nothing checks");
    assert_eq!(human["status"], "unchecked");
    let one = gateway.call("get_backend_status", json!({"service": "half@file"})).await.done();
    assert_eq!(one["services"].as_array().unwrap().len(), 1);
    let by_route = gateway.call("get_backend_status", json!({"route": "half@file"})).await.done();
    assert_eq!(by_route["services"][0]["name"], "half@file");
}

#[tokio::test]
async fn services_are_followed_through_weights_mirrors_and_failovers() {
    let (lab, gateway) = Gateway::and_lab().await;
    let services = json!({"http": {
        "routers": {"deep": {"rule": "Host(`deep.lab.test`)", "entryPoints": ["web"], "service": "weighted"}},
        "services": {
            "weighted": {"weighted": {"services": [{"name": "mirrored"}, {"name": "backed"}]}},
            "mirrored": {"mirroring": {"service": "human", "mirrors": [{"name": "half", "percent": 10}]}},
            "backed": {"failover": {"service": "half", "fallback": "human"}},
        },
    }});
    lab.write("deep.yml", services.to_string());
    lab.until("the route is there", async |lab| lab.api("/http/routers/deep@file").await).await;
    until_half_is_known(&lab).await;
    let deep = gateway.call("get_backend_status", json!({"route": "deep@file"})).await.done();
    let said = deep.to_string();
    for part in ["weighted@file", "mirrored@file", "backed@file", "half@file", "human@file"] {
        assert!(said.contains(part), "{part} is missing in {deep:#}");
    }
    assert!(said.contains(&lab.dead().url()), "{deep:#}");
}

#[tokio::test]
async fn the_shards_own_probe_finds_a_dead_server_that_nothing_checks() {
    let (lab, gateway) = Gateway::and_lab().await;
    let dead = lab.dead().url();
    let unchecked = json!({"http": {
        "routers": {"blind": {"rule": "Host(`blind.lab.test`)", "entryPoints": ["web"], "service": "blind"}},
        "services": {"blind": {"loadBalancer": {"servers": [{"url": dead.clone()}]}}},
    }});
    lab.write("blind.yml", unchecked.to_string());
    lab.until("the route is there", async |lab| lab.api("/http/routers/blind@file").await).await;
    let trusting = gateway.call("get_backend_status", json!({"service": "blind@file"})).await.done();
    assert_eq!(status(&trusting["services"][0], &dead), "unchecked");
    let probing = json!({"service": "blind@file", "probe": true, "timeout_ms": 1000});
    let probed = gateway.call("get_backend_status", probing).await.done();
    assert_eq!(status(&probed["services"][0], &dead), "down", "{probed:#}");
    let alive = gateway.call("get_backend_status", json!({"service": "human@file", "probe": true})).await.done();
    assert_eq!(status(&alive["services"][0], &lab.backend().url()), "up", "{alive:#}");
    assert!(alive.to_string().contains("probe"), "whose view it is: {alive:#}");
}

#[tokio::test]
async fn nothing_unhealthy_is_an_empty_list_that_says_so() {
    let (_lab, gateway) = Gateway::and_lab().await;
    let fine = gateway.call("get_backend_status", json!({"service": "human@file", "only_unhealthy": true})).await;
    assert!(!fine.text.is_empty());
    assert_eq!(fine.done()["services"], json!([]));
}

#[tokio::test]
async fn unknown_services_and_routes_are_refused_by_name() {
    let (_lab, gateway) = Gateway::and_lab().await;
    for arguments in [json!({"service": "nobody@file"}), json!({"route": "nobody@file"})] {
        let refused = gateway.call("get_backend_status", arguments).await;
        assert!(refused.text.contains("nobody@file"), "{}", refused.text);
        refused.failed("not_found");
    }
    let both = json!({"service": "human@file", "route": "human@file"});
    gateway.call("get_backend_status", both).await.failed("invalid_input");
}

#[tokio::test]
async fn without_traefik_the_address_is_named() {
    let (_lab, gateway, nobody) = unreachable().await;
    assert_unreachable(gateway.call("get_backend_status", json!({})).await, &nobody);
}
