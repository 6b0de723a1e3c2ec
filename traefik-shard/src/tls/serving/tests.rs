//! Routers as the API tells of them.

use serde_json::{Value, json};

use super::*;

/// Two TCP entry points, of which `secure` gives TLS to its HTTP routers, and one for UDP.
fn serving(http: &Value, tcp: &Value) -> Serving {
    let snapshot = serde_json::from_value(json!({"routers": http, "tcpRouters": tcp})).unwrap();
    let entry_points: Vec<EntryPoint> = serde_json::from_value(json!([
        {"name": "web", "address": ":80", "http": {}},
        {"name": "secure", "address": ":443", "http": {"tls": {"certResolver": "le", "domains": [{"main": "example.com", "sans": ["*.example.com"]}]}}},
        {"name": "quic", "address": ":443/udp", "http": {}},
    ]))
    .unwrap();
    Serving::read(&snapshot, &entry_points)
}

fn router(rule: &str, using: &[&str]) -> Value {
    json!({"rule": rule, "using": using, "entryPoints": ["web"], "status": "enabled"})
}

fn with(mut router: Value, key: &str, value: Value) -> Value {
    router[key] = value;
    router
}

fn of<'a>(serving: &'a Serving, host: &str) -> Vec<&'a str> {
    serving.of(&Host::parse(host).unwrap()).into_iter().map(|router| router.name.as_str()).collect()
}

fn hosts(serving: &Serving) -> Vec<String> {
    serving.hosts().iter().map(Host::to_string).collect()
}

#[test]
fn an_entry_point_gives_tls_to_http_routers_that_do_not_say_so() {
    let serving = serving(
        &json!({"both@file": router("Host(`a.test`)", &["web", "secure"]), "plain@file": router("Host(`b.test`)", &["web"])}),
        &json!({"tcp@file": router("HostSNI(`c.test`)", &["secure"])}),
    );
    assert_eq!(of(&serving, "a.test"), ["both@file"]);
    let both = serving.of(&Host::parse("a.test").unwrap())[0];
    assert_eq!((&both.entry_points[..], both.cert_resolver.as_deref()), (&["secure".to_owned()][..], Some("le")));
    assert_eq!(hosts(&serving), ["a.test", "example.com", "*.example.com"]);
    assert_eq!(serving.why_not(&Host::parse("b.test").unwrap()), "its router `plain@file` does no TLS");
    assert_eq!(serving.why_not(&Host::parse("c.test").unwrap()), "its router `tcp@file` does no TLS");
    assert_eq!((serving.port("secure"), serving.port("quic"), serving.port("no")), (Some(443), None, None));
}

#[test]
fn a_routers_own_tls_goes_before_its_entry_points() {
    let tls = json!({"certResolver": "own", "domains": [{"main": "x.test", "sans": ["y.test"]}]});
    let serving =
        serving(&json!({"a@file": with(router("Host(`a.test`)", &["web", "secure"]), "tls", tls)}), &json!({}));
    assert_eq!(hosts(&serving), ["a.test", "x.test", "y.test"]);
    let router = serving.of(&Host::parse("y.test").unwrap())[0];
    assert_eq!((router.entry_points.len(), router.cert_resolver.as_deref()), (2, Some("own")));
}

#[test]
fn disabled_routers_and_traefiks_own_serve_nothing() {
    let broken = with(router("Host(`a.test`)", &["secure"]), "status", json!("disabled"));
    let serving = serving(
        &json!({"a@file": with(broken, "error", json!(["no such\nservice"])), "api@internal": router("Host(`b.test`)", &["secure"])}),
        &json!({}),
    );
    assert!(hosts(&serving).is_empty());
    let why = |host: &str| serving.why_not(&Host::parse(host).unwrap());
    assert_eq!(why("a.test"), "its router `a@file` is disabled: no such\u{fffd}service");
    assert_eq!(why("b.test"), "no router has this host");
}

#[test]
fn an_http_router_that_names_the_host_comes_before_a_passthrough_router() {
    let through = with(router("HostSNI(`a.test`)", &["web"]), "tls", json!({"passthrough": true}));
    let serving = serving(&json!({"a@file": router("Host(`a.test`)", &["secure"])}), &json!({"t@file": through}));
    assert_eq!(of(&serving, "a.test"), ["a@file", "t@file"]);
    let marks: Vec<_> = serving.of(&Host::parse("a.test").unwrap()).iter().map(|router| router.passthrough).collect();
    assert_eq!(marks, [false, true]);
}

#[test]
fn routers_that_name_the_host_go_before_those_that_may_match_it() {
    let serving = serving(
        &json!({
            "any@file": with(router("PathPrefix(`/x`)", &["web"]), "tls", json!({})),
            "named@file": with(router("Host(`a.test`)", &["web"]), "tls", json!({})),
            "regex@file": with(router(r"HostRegexp(`^.+\.lab\.test$`)", &["web"]), "tls", json!({})),
            "wild@file": with(router("Host(`*.wild.test`) && PathPrefix(`/y`)", &["web"]), "tls", json!({})),
        }),
        &json!({"fallback@file": with(router("HostSNI(`*`)", &["web"]), "tls", json!({}))}),
    );
    assert_eq!(of(&serving, "a.test"), ["named@file"]);
    assert_eq!(of(&serving, "q.wild.test"), ["wild@file"]);
    assert_eq!(of(&serving, "b.test"), ["fallback@file", "any@file"]);
    assert_eq!(of(&serving, "q.lab.test"), ["fallback@file", "any@file", "regex@file"]);
    assert_eq!(serving.nameless().collect::<Vec<_>>(), ["fallback@file", "any@file", "regex@file"]);
    assert_eq!(hosts(&serving), ["a.test", "*.wild.test"]);
}

#[test]
fn a_rule_that_cannot_be_read_may_match_and_hosts_that_are_none_are_told() {
    let serving = serving(
        &json!({
            "odd@file": router("Host(`q:8080`) || Host(`a b`)", &["secure"]),
            "v2@file": with(router("Host(`a`, `b`)", &["web"]), "tls", json!({})),
        }),
        &json!({}),
    );
    assert_eq!(serving.odd().collect::<Vec<_>>(), ["a b", "q:8080"]);
    assert_eq!(of(&serving, "else.test"), ["v2@file"]);
}

#[test]
fn a_rule_that_leaves_hosts_open_may_match_any_of_them() {
    let tls = |rule: &str| with(router(rule, &["web"]), "tls", json!({}));
    let serving = serving(
        &json!({
            "all_but@file": tls("!Host(`a.test`)"),
            "either@file": tls("Host(`b.test`) || PathPrefix(`/x`)"),
            "none_like@file": tls(r"!HostRegexp(`^.+\.lab$`)"),
            "one@file": tls("Host(`c.test`) && PathPrefix(`/x`)"),
        }),
        &json!({}),
    );
    assert_eq!(of(&serving, "c.test"), ["one@file"]);
    assert_eq!(of(&serving, "a.test"), ["either@file", "none_like@file"]);
    assert_eq!(of(&serving, "q.lab"), ["all_but@file", "either@file"]);
    assert_eq!(of(&serving, "d.test"), ["all_but@file", "either@file", "none_like@file"]);
}
