//! Requests that are refused, and what the refusal says.

use ipnet::IpNet;
use serde_json::{Value, json};

use super::{entry_points, request, settings};
use crate::failure::Code;
use crate::route::{RouteSettings, build};

/// Every text must occur in the refusal.
#[track_caller]
fn refuses(fields: &Value, texts: &[&str]) {
    let points = entry_points();
    let failure = match build(&request(fields), &settings(Some(&points))) {
        Ok(built) => panic!("{fields} became\n{}", built.body),
        Err(failure) => failure,
    };
    assert_eq!(failure.code(), Code::InvalidInput);
    for text in texts {
        assert!(failure.to_string().contains(text), "{fields}: {failure} lacks {text}");
    }
}

#[test]
fn names_that_are_no_names() {
    for name in ["", "A", "a.b", "a/b", "../a", "a@docker", "a b", "-a", "a-", "ä", "a_b", &"a".repeat(64)] {
        refuses(&json!({ "name": name }), &["name", "lower-case letters"]);
    }
}

#[test]
fn hosts_that_no_request_has() {
    let check = |host: &str, text: &str| refuses(&json!({ "host": host }), &["host `", text]);
    check("http://app.test", "no scheme");
    check("app.test:8080", "no port");
    check("app.test/x", "no path");
    check("app test", "no white space");
    check("my_app.test", "no underscore");
    check("app`.test", "backtick");
    check("{{ env `PATH` }}", "backtick");
    check("{{ env }}.test", "template");
    check("app\n.test", "control");
    check("app\u{202e}.test", "invisible");
    check("*", "every host");
    check("*.*.test", "first label");
    check("a.*.test", "first label");
    check("*test", "first label");
    check("", "empty");
    check("app..test", "no host name");
    check("-app.test", "no host name");
    check(&format!("{}.test", "a".repeat(64)), "no host name");
    check("1.2.3", "no host name");
    check("256.1.1.1", "no host name");
    check("*.1.2.3.4", "no host name");
    check("a%41.test", "no host name");
    check("☃\u{ad}.test\u{0}", "control");
}

#[test]
fn exactly_one_way_to_say_which_requests() {
    refuses(&json!({ "host": null }), &["nothing says which requests", "exactly one of host, hosts and rule"]);
    refuses(&json!({ "hosts": ["b.test"] }), &["several say"]);
    refuses(&json!({ "rule": "Host(`a`)" }), &["several say"]);
    refuses(&json!({ "host": null, "hosts": ["a.test", "A.test"] }), &["given twice"]);
    refuses(&json!({ "host": null, "rule": "Host(`a`)", "path_prefix": "/x" }), &["does not go with `rule`"]);
}

#[test]
fn rules_that_traefik_refuses() {
    let check = |rule: &str, texts: &[&str]| refuses(&json!({ "host": null, "rule": rule }), texts);
    check("Host(`a`) and Path(`/x`)", &["column 11", "write `&&`"]);
    check("Host(`a`,`b`)", &["takes 1"]);
    check("Host(`{{ env \"X\" }}`)", &["template"]);
    check("Host(`a`)\n", &["control"]);
    check("HostRegexp(`(?=a)`)", &["lookaround"]);
}

#[test]
fn backends_that_are_no_backends() {
    let check = |url: &str, text: &str| refuses(&json!({ "backend_url": url }), &["backend_url", text]);
    check("ftp://10.0.0.1", "only http");
    check("file:///etc/passwd", "only http");
    check("unix:/run/x.sock", "only http");
    check("10.0.0.1:80", "no URL");
    check("app:80", "only http");
    check("http://", "no URL");
    check("h2c:app", "no host");
    check("http://10.0.0.1/?a=b", "no query");
    check("http://10.0.0.1/#a", "no fragment");
    check("http://10.0.0.1:0", "port 0");
    check("http://10.0.0.1:99999", "no URL");
    check("http://a b", "no URL");
    check("http://{{ env }}", "template");
    check("http://a`b", "backtick");
    check("h2c://a%20b", "no host name");
    check("http://é.test", "no URL");
    refuses(&json!({ "backend_url": null }), &["backend_url: missing"]);
    refuses(&json!({ "backend_urls": ["http://a"] }), &["together"]);
    refuses(&json!({ "backend_url": null, "backend_urls": ["http://a", "http://a/"] }), &["given twice"]);
}

#[test]
fn a_password_in_a_url_is_refused_and_never_repeated() {
    for url in [
        "http://me:hunter2@10.0.0.1",
        "http://hunter2@10.0.0.1",
        "http://me:hunter2?@x",
        "http://x/?token=hunter2",
        "me:hunter2@x",
        "http://me:hun#hunter2@x",
        "http:me:hunter2@x",
    ] {
        let failure = build(&request(&json!({ "backend_url": url, "host": url })), &settings(None)).expect_err(url);
        let shown = format!("{failure} {}", serde_json::to_string(&failure).expect("JSON"));
        assert!(!shown.contains("hunter2"), "{url}: {shown}");
    }
    refuses(&json!({ "backend_url": "http://me:pw@10.0.0.1" }), &["http://***@10.0.0.1", "credentials"]);
}

#[test]
fn backends_stay_in_the_networks_of_the_operator() {
    let nets: Vec<IpNet> = vec!["10.0.0.0/8".parse().expect("a net"), "fd00::/8".parse().expect("a net")];
    let settings = RouteSettings { name_prefix: "mcp-", backend_nets: &nets, api_url: None, entry_points: None };
    let check = |url: &str, expected: Option<&str>| match (
        build(&request(&json!({ "backend_url": url })), &settings),
        expected,
    ) {
        (Ok(_), None) => {}
        (Err(failure), Some(text)) => assert!(failure.to_string().contains(text), "{url}: {failure}"),
        (result, _) => panic!("{url}: {result:?}"),
    };
    check("http://10.1.2.3:80", None);
    check("http://[fd00::1]:80", None);
    check("http://[::ffff:10.0.0.1]", None);
    check("h2c://10.1.2.3:80", None);
    check("http://0xa000001", None);
    check("http://192.168.1.1", Some("in none of the allowed networks (10.0.0.0/8, fd00::/8)"));
    check("http://169.254.169.254", Some("in none"));
    check("http://[::1]", Some("in none"));
    check("http://2130706433", Some("in none"));
    check("http://nas:80", Some("give the IP address"));
    check("http://localhost", Some("give the IP address"));
    check("h2c://0x7f.1", Some("give the IP address"));
}

#[test]
fn the_other_fields() {
    let check = |fields: Value, texts: &[&str]| refuses(&fields, texts);
    check(json!({ "path_prefix": "api" }), &["path_prefix `api`", "write `/api`"]);
    check(json!({ "path_prefix": "/a`b" }), &["backtick"]);
    check(json!({ "path_prefix": "/a?b" }), &["no path"]);
    check(json!({ "path_prefix": "/a/../b" }), &["`..`"]);
    check(json!({ "strip_prefix": true }), &["no path_prefix to strip"]);
    check(json!({ "strip_prefix": true, "path_prefix": "/" }), &["nothing is left"]);
    check(json!({ "priority": i64::MAX }), &["priority", "9223372036854774807"]);
    check(json!({ "wait_seconds": 121 }), &["wait_seconds", "1 to 120"]);
    check(json!({ "wait_seconds": 0 }), &["1 to 120"]);
    check(json!({ "if_match": "abc" }), &["if_match", "SHA-256"]);
    check(json!({ "middlewares": ["a b"] }), &["middlewares `a b`"]);
    check(json!({ "middlewares": ["a", "a"] }), &["given twice"]);
    check(json!({ "middlewares": ["a@b@c"] }), &["one `@`"]);
    check(json!({ "middlewares": ["{{x}}"] }), &["template"]);
    check(json!({ "middlewares": ["2001-01-01"] }), &["a number or a date"]);
    check(json!({ "entry_points": ["wbe"] }), &["no such HTTP entry point", "web, websecure"]);
    check(json!({ "entry_points": ["dns"] }), &["no such HTTP entry point"]);
    check(json!({ "tls": { "enabled": false, "cert_resolver": "le" } }), &["turned off"]);
    check(json!({ "tls": { "enabled": false }, "redirect_https": true }), &["turned off"]);
    check(json!({ "tls": { "cert_resolver": "le@file" } }), &["static configuration"]);
    check(json!({ "tls": { "domains": [{ "main": "a b" }] } }), &["tls.domains `a b`"]);
    check(json!({ "health_check": { "path": "health" } }), &["health_check.path"]);
    check(
        json!({ "health_check": { "path": "/h", "interval": "10" } }),
        &["health_check.interval `10`", "such as 10s"],
    );
    check(json!({ "health_check": { "path": "/h", "timeout": "0s" } }), &["out of range"]);
    check(json!({ "health_check": { "path": "/h", "timeout": "999999999999999999999h" } }), &["no duration"]);
}

#[test]
fn all_problems_are_told_at_once() {
    let fields = json!({ "name": "A", "host": "a b", "backend_url": "ftp://x", "priority": i64::MAX, "path_prefix": "x", "entry_points": ["no"] });
    refuses(
        &fields,
        &["name `A`", "host `a b`", "backend_url `ftp://x`", "priority", "path_prefix `x`", "entry_points `no`"],
    );
}

#[test]
fn unknown_fields_are_refused() {
    let refused = serde_json::from_value::<crate::route::Request>(json!({ "name": "a", "hots": "x" }));
    assert!(refused.expect_err("it is misspelt").to_string().contains("hots"));
}
