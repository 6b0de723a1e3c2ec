//! The order of answers over a small index with the traps of the real one.

use serde_json::{Value, json};

use super::*;
use crate::docs::catalogue::of_index;

const HTTP: &str = "reference/routing-configuration/http/";

fn catalogue() -> Catalogue {
    let entry = |location: String, title: &str, text: &str| json!({"location": location, "title": title, "text": text});
    let http = |path: &str| format!("{HTTP}{path}");
    let docs: Vec<Value> = vec![
        entry(http("middlewares/basicauth/"), "BasicAuth", "users and passwords for a route"),
        entry(http("middlewares/basicauth/#passwords-format"), "Passwords format", "hashed passwords"),
        entry(http("middlewares/ratelimit/"), "RateLimit", "how many requests; average and burst"),
        entry(
            http("middlewares/distributed-ratelimit/"),
            "Distributed RateLimit",
            "rate limit rate limit in a cluster",
        ),
        entry(http("middlewares/oidc/"), "OIDC", "redirect http https redirect login redirect"),
        entry(http("middlewares/redirectscheme/"), "RedirectScheme", "redirect to another scheme such as https"),
        entry(http("load-balancing/service/"), "Service", "servers, sticky sessions, a health check"),
        entry(http("load-balancing/service/#sticky-sessions"), "Sticky Sessions", "a cookie"),
        entry("reference/routing-configuration/tcp/service/".into(), "Service", "servers servers servers"),
        entry("reference/routing-configuration/tcp/service/#servers".into(), "Servers", "servers"),
        entry(
            "reference/routing-configuration/kubernetes/crd/http/middleware/".into(),
            "Middleware",
            "rate limit basicauth",
        ),
        entry("migrate/v2/".into(), "Migration", "rate limit sticky sessions basicauth health check"),
    ];
    of_index(&json!({"docs": docs}).to_string()).unwrap()
}

fn best(question: &str) -> String {
    let catalogue = catalogue();
    let ranked = rank(&catalogue, question);
    let first = ranked.first().map(|found| format!("{}#{}", found.page, found.section.unwrap_or_default()));
    first.unwrap_or_default().replace(HTTP, "")
}

#[test]
fn a_page_is_found_in_each_spelling() {
    for question in ["basicauth", "basic auth", "BasicAuth", "basciauth", "how do I use basic auth in Traefik?"] {
        assert_eq!(best(question), "middlewares/basicauth/#", "{question}");
    }
}

#[test]
fn a_section_is_found_by_its_title() {
    assert_eq!(best("sticky sessions"), "load-balancing/service/#sticky-sessions");
    assert_eq!(best("passwords format"), "middlewares/basicauth/#passwords-format");
}

#[test]
fn http_comes_before_tcp_unless_tcp_is_asked_for() {
    assert_eq!(best("service"), "load-balancing/service/#");
    assert!(best("tcp service").starts_with("reference/routing-configuration/tcp/service/"));
}

#[test]
fn what_only_the_commercial_product_has_comes_last_unless_it_is_named() {
    assert_eq!(best("rate limit"), "middlewares/ratelimit/#");
    assert_eq!(best("redirect https"), "middlewares/redirectscheme/#");
    assert_eq!(best("oidc"), "middlewares/oidc/#");
}

#[test]
fn what_nothing_answers_has_no_answer_but_neighbours() {
    let catalogue = catalogue();
    assert_eq!(rank(&catalogue, "flux capacitor"), []);
    assert_eq!(rank(&catalogue, ""), []);
    assert_eq!(rank(&catalogue, "zeppelin kafka ornithopter service"), []);
    let near = nearest(&catalogue, "basic-authn", 5);
    assert_eq!(near.len(), 5);
    assert_eq!(near[0].title, "BasicAuth");
}
