//! What no caller may write: names, rules, hosts and backends.

use serde_json::{Value, json};

use super::{route, with};
use crate::support::{Gateway, Lab};

/// All of these are refused as they are, each with nothing changed.
async fn all_refused(lab: &Lab, gateway: &Gateway, changes: &[Value]) {
    for change in changes {
        let arguments = with(route("app", &lab.backend().url()), change.clone());
        let refused = lab.refusal(gateway.call("create_route", arguments)).await;
        assert!(!refused.text.contains("pass-that-nobody-may-see"), "{}", refused.text);
        refused.failed("invalid_input");
    }
}

#[tokio::test]
async fn names_that_leave_the_folder_or_are_odd_are_refused() {
    let (lab, gateway) = Gateway::and_lab().await;
    let long = "a".repeat(64);
    let odd = [
        "", ".", "..", "../app", "..%2fapp", "/etc/app", "a/b", "a\\b", "a.yml", "app.", " app", "a b", "a\nb", "a\0b",
        "App", "äpp", "a@file", "a@docker", "-app", "app-", "a_b", "{{x}}", "`", "~", "*", "%00", &long,
    ];
    let changes: Vec<Value> = odd.iter().map(|name| json!({"name": name})).collect();
    all_refused(&lab, &gateway, &changes).await;
    let longest = "a".repeat(63);
    let made = gateway.call("create_route", with(route("app", &lab.backend().url()), json!({"name": longest}))).await;
    assert_eq!(made.done()["applied"], true);
}

#[tokio::test]
async fn rules_that_break_out_or_are_no_rules_are_refused() {
    let (lab, gateway) = Gateway::and_lab().await;
    let rule = |text: &str| json!({"host": null, "rule": text});
    let changes = [
        rule("Host(`{{ env \"PATH\" }}`)"),
        rule("Host(`a.lab.test`) && Header(`X`, `}}{{`)"),
        rule("Host(`a.lab.test`"),
        rule("Host('a.lab.test')"),
        rule("Host(`a.lab.test`, `b.lab.test`)"),
        rule("Hosts(`a.lab.test`)"),
        rule("Host(`a.lab.test`) and Path(`/a`)"),
        rule("Host(`ä.lab.test`)"),
        rule("Host(``)"),
        rule(""),
        rule("HostRegexp(`(`)"),
        rule("PathPrefix(`a`)"),
        rule("Host(`a.lab.test`)\n    service: human"),
        rule(&format!("Host(`{}`)", "a".repeat(100_000))),
        json!({"rule": "Host(`a.lab.test`)"}),
        json!({"host": null}),
        json!({"path_prefix": "no-slash"}),
        json!({"path_prefix": "/a`) || Host(`b.lab.test"}),
        json!({"path_prefix": "/{{ env \"PATH\" }}"}),
    ];
    all_refused(&lab, &gateway, &changes).await;
}

#[tokio::test]
async fn hosts_that_traefik_would_not_serve_are_refused() {
    let (lab, gateway) = Gateway::and_lab().await;
    let hosts = [
        "",
        "http://a.lab.test",
        "a.lab.test:8080",
        "a b",
        "a`b",
        "a.lab.test`) || Path(`/",
        "{{a}}",
        "a..b",
        "-a.test",
        "a/b",
        "a\nb",
        "*.*.lab.test",
        "user@a.lab.test",
    ];
    let changes: Vec<Value> = hosts.iter().map(|host| json!({"host": host})).collect();
    all_refused(&lab, &gateway, &changes).await;
    all_refused(
        &lab,
        &gateway,
        &[json!({"host": null, "hosts": ["a.lab.test", "b c"]}), json!({"host": null, "hosts": []})],
    )
    .await;
}

#[tokio::test]
async fn a_host_that_is_not_ascii_is_refused_with_its_ascii_form() {
    let (lab, gateway) = Gateway::and_lab().await;
    let arguments = with(route("app", &lab.backend().url()), json!({"host": "bücher.lab.test"}));
    let called = gateway.call("create_route", arguments).await;
    assert!(called.text.contains("xn--bcher-kva.lab.test"), "{}", called.text);
    if called.is_error {
        called.failed("invalid_input");
    } else {
        assert_eq!(lab.get("web", "xn--bcher-kva.lab.test", "/").await.body, "human GET /");
    }
}

#[tokio::test]
async fn backends_with_secrets_other_schemes_or_no_host_are_refused() {
    let (lab, gateway) = Gateway::and_lab().await;
    let urls = [
        "",
        "127.0.0.1:80",
        "//a",
        "ftp://a/",
        "file:///etc/passwd",
        "javascript:1",
        "unix:///run/x.sock",
        "http://",
        "http://user:pass-that-nobody-may-see@a/",
        "http://user@a/",
        "http://a b/",
        "http://{{ env \"HOME\" }}/",
        "http://a:99999/",
        "http://a/?x=`",
        "http://a/#x",
        "http://a\n/",
    ];
    let changes: Vec<Value> = urls.iter().map(|url| json!({"backend_url": url})).collect();
    all_refused(&lab, &gateway, &changes).await;
    let none = [json!({"backend_url": null}), json!({"backend_url": null, "backend_urls": []})];
    all_refused(&lab, &gateway, &none).await;
}

#[tokio::test]
async fn backends_outside_the_allowed_nets_are_refused() {
    let (lab, gateway) = Gateway::and_lab().await;
    drop(gateway);
    let gateway = Gateway::start(&lab.shard().flags(&["--backend-net", "10.0.0.0/8"])).await;
    for url in [lab.backend().url(), "http://8.8.8.8".into(), "http://somewhere.test".into()] {
        let refused = lab.refusal(gateway.call("create_route", route("app", &url))).await;
        refused.failed("invalid_input");
    }
}

#[tokio::test]
async fn values_out_of_range_and_template_marks_anywhere_are_refused() {
    let (lab, gateway) = Gateway::and_lab().await;
    let changes = [
        json!({"priority": i64::MAX}),
        json!({"middlewares": ["{{x}}"]}),
        json!({"entry_points": ["{{x}}"]}),
        json!({"tls": {"cert_resolver": "{{x}}"}}),
        json!({"tls": {"options": "{{x}}"}}),
        json!({"health_check": {"path": "/{{x}}"}}),
        json!({"health_check": {"path": "/a", "interval": "soon"}}),
        json!({"health_check": {"path": "http://elsewhere.test/"}}),
        json!({"strip_prefix": true}),
    ];
    all_refused(&lab, &gateway, &changes).await;
    for change in [json!({"wait_seconds": -1}), json!({"priority": 1.5}), json!({"name": 7}), json!({"tls": "yes"})] {
        let arguments = with(route("app", &lab.backend().url()), change);
        lab.refusal(gateway.call("create_route", arguments)).await;
    }
}
