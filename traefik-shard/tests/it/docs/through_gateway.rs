//! `get_traefik_docs` as a client of the gateway meets it; it needs no Traefik.

use serde_json::json;

use super::server::Server;
use super::site;
use crate::support::{Closed, Gateway, Launch};

async fn gateway_for(url: &str) -> Gateway {
    Gateway::start(&Launch::default().variable("TRAEFIK_DOCS_URL", url)).await
}

#[tokio::test]
async fn a_topic_is_found_listed_and_quoted_through_the_gateway() {
    let server = Server::start(site::files()).await;
    let gateway = gateway_for(server.url()).await;
    let found = gateway.call("get_traefik_docs", json!({"topic": "rate limit"})).await;
    assert!(found.text.contains(server.url()), "where it stands is told: {}", found.text);
    let found = found.done();
    assert!(found["url"].as_str().unwrap().contains("middlewares/ratelimit"), "{found:#}");
    assert!(found["markdown"].as_str().unwrap().contains("```"), "{found:#}");
    let listed = gateway.call("get_traefik_docs", json!({"list": true})).await;
    assert!(listed.text.contains("ratelimit"), "{}", listed.text);
    listed.done();
}

#[tokio::test]
async fn what_the_site_does_not_have_is_not_found_and_odd_questions_are_refused() {
    let server = Server::start(site::files()).await;
    let gateway = gateway_for(server.url()).await;
    let nothing = gateway.call("get_traefik_docs", json!({"page": "no/such/page"})).await;
    nothing.failed("docs_not_found");
    for question in [
        json!({}),
        json!({"topic": "  "}),
        json!({"page": "https://elsewhere.test/"}),
        json!({"page": "file:///etc/passwd"}),
        json!({"topic": "x".repeat(10_000)}),
        json!({"topic": "tls", "max_chars": 0}),
    ] {
        gateway.call("get_traefik_docs", question).await.failed("invalid_input");
    }
}

#[tokio::test]
async fn without_the_site_its_address_and_setting_are_named() {
    let nobody = Closed::new();
    let gateway = gateway_for(&format!("{}/traefik/", nobody.url())).await;
    let failure = gateway.call("get_traefik_docs", json!({"topic": "tls"})).await.failed("docs_unreachable");
    assert!(failure["message"].as_str().unwrap().contains(&nobody.url()), "{failure}");
    assert!(failure["hint"].as_str().unwrap().contains("TRAEFIK_DOCS_URL"), "{failure}");
}
