//! `check_ssl_status` through the gateway; each verdict by itself is shown in `ssl.rs`.

use serde_json::json;

use super::{find, unreachable};
use crate::support::Gateway;

#[tokio::test]
async fn the_tls_routes_are_found_and_their_certificates_judged() {
    let (lab, gateway) = Gateway::and_lab().await;
    let bare = json!({"http": {"routers": {"bare": {
        "rule": "Host(`bare.lab.test`)", "entryPoints": ["websecure"], "service": "human", "tls": {},
    }}}});
    lab.write("bare.yml", bare.to_string());
    lab.until("the route is there", async |lab| lab.api("/http/routers/bare@file").await).await;
    let checked = gateway.call("check_ssl_status", json!({})).await;
    assert!(checked.text.contains("bare.lab.test"), "what is wrong is told: {}", checked.text);
    let checked = checked.done();
    let verdict = |host: &str| find(&checked["hosts"], "host", host)["verdict"].clone();
    assert_eq!((verdict("secure.lab.test"), verdict("bare.lab.test")), (json!("ok"), json!("default_cert")));
    let one = gateway.call("check_ssl_status", json!({"domain": "human.lab.test"})).await.done();
    assert_eq!(find(&one["hosts"], "host", "human.lab.test")["verdict"], "no_tls_router");
}

#[tokio::test]
async fn without_tls_routes_the_list_is_empty() {
    let (lab, gateway) = Gateway::and_lab().await;
    lab.write(
        "human.yml",
        "http:\n  services:\n    idle:\n      loadBalancer:\n        servers:\n          - url: http://127.0.0.1:9\n",
    );
    lab.until("the routes are gone", async |lab| {
        Some(lab.api("/http/routers").await?.to_string()).filter(|all| !all.contains("@file"))
    })
    .await;
    assert_eq!(gateway.call("check_ssl_status", json!({})).await.done()["hosts"], json!([]));
}

#[tokio::test]
async fn what_is_no_host_name_is_refused() {
    let (_lab, gateway) = Gateway::and_lab().await;
    for domain in ["", "a b", "https://human.lab.test", "human.lab.test:443", "-a", "a..b", "{{ env }}"] {
        gateway.call("check_ssl_status", json!({"domain": domain})).await.failed("invalid_input");
    }
}

#[tokio::test]
async fn without_traefik_the_address_is_named() {
    let (_lab, gateway, nobody) = unreachable().await;
    let failure = gateway.call("check_ssl_status", json!({})).await.failed("api_unreachable");
    let message = failure["message"].as_str().unwrap();
    assert!(message.contains(&nobody.url()) && message.contains("TRAEFIK_API_URL"), "{message}");
}
