//! What a request becomes, and what is refused.

mod refusals;

use serde_json::{Value, json};

use super::*;
use crate::document::{self, Format, Loads, Origin};

pub(super) fn settings(entry_points: Option<&[EntryPoint]>) -> RouteSettings<'_> {
    RouteSettings { name_prefix: "mcp-", backend_nets: &[], api_url: None, entry_points }
}

pub(super) fn entry_points() -> Vec<EntryPoint> {
    let points = json!([
        { "name": "web", "address": ":80", "http": {} },
        { "name": "websecure", "address": ":443", "http": {} },
        { "name": "traefik", "address": ":8080", "http": {} },
        { "name": "dns", "address": ":53/udp" },
        { "name": "smtp", "address": ":25", "http": {} },
    ]);
    serde_json::from_value(points).expect("they are entry points")
}

/// A request for app.test at one backend, with these fields set besides or instead; null takes one away.
pub(super) fn request(fields: &Value) -> Request {
    let mut all = json!({ "name": "app", "host": "app.test", "backend_url": "http://10.0.0.5:3000" });
    for (key, value) in fields.as_object().expect("fields") {
        all[key] = value.clone();
    }
    let all = all.as_object().expect("an object").iter().filter(|(_, value)| !value.is_null());
    let all: serde_json::Map<String, Value> = all.map(|(key, value)| (key.clone(), value.clone())).collect();
    serde_json::from_value(Value::Object(all)).expect("it is a request")
}

#[track_caller]
fn built(fields: &Value) -> Built {
    build(&request(fields), &settings(Some(&entry_points()))).unwrap_or_else(|failure| panic!("{fields}: {failure}"))
}

fn codes(built: &Built) -> Vec<&str> {
    built.warnings.iter().map(|finding| finding.code.as_str()).collect()
}

#[track_caller]
fn writes(fields: &Value, expected: &Value) {
    let built = built(fields);
    let written: Value = serde_yaml::from_str(&built.body).expect("it is YAML");
    assert_eq!(written, *expected, "{}", built.body);
    let document = document::check("app.yml", Format::Yaml, Origin::Managed, built.body.as_bytes());
    assert_eq!(document.loads, Loads::Yes, "{:?}", document.findings);
}

fn file(router: &Value, balancer: &Value) -> Value {
    json!({ "http": { "routers": { "mcp-app": router }, "services": { "mcp-app": { "loadBalancer": balancer } } } })
}

fn balancer() -> Value {
    json!({ "servers": [{ "url": "http://10.0.0.5:3000" }] })
}

#[test]
fn a_small_request_becomes_a_small_file() {
    let router = json!({ "rule": "Host(`app.test`)", "entryPoints": ["web"], "service": "mcp-app" });
    writes(&json!({}), &file(&router, &balancer()));
    let text = built(&json!({})).body;
    assert!(text.starts_with("http:\n  routers:\n    mcp-app:\n      rule: Host(`app.test`)\n"), "{text}");
}

#[test]
fn every_field_has_its_place_in_the_file() {
    let fields = json!({
        "host": null, "hosts": ["a.test", "*.b.test"], "path_prefix": "/api", "backend_url": null,
        "backend_urls": ["https://10.0.0.5:3443", "h2c://api:50051", "http://[fd00::1]:80/base"],
        "entry_points": ["websecure"], "middlewares": ["auth@docker", "limit"], "strip_prefix": true, "priority": -3,
        "pass_host_header": false, "health_check": { "path": "/health", "interval": "1m30s", "timeout": "500ms" },
        "tls": { "cert_resolver": "le", "options": "modern@file", "domains": [{ "main": "b.test", "sans": ["*.b.test"] }] },
    });
    let expected = json!({ "http": {
        "routers": { "mcp-app": {
            "rule": "(Host(`a.test`) || Host(`*.b.test`)) && PathPrefix(`/api`)", "entryPoints": ["websecure"],
            "middlewares": ["auth@docker", "limit", "mcp-app-strip"], "service": "mcp-app", "priority": -3,
            "tls": { "options": "modern@file", "certResolver": "le", "domains": [{ "main": "b.test", "sans": ["*.b.test"] }] },
        } },
        "services": { "mcp-app": { "loadBalancer": {
            "servers": [
                { "url": "https://10.0.0.5:3443" }, { "url": "h2c://api:50051" },
                { "url": "http://[fd00::1]/base", "preservePath": true },
            ],
            "passHostHeader": false, "healthCheck": { "path": "/health", "interval": "1m30s", "timeout": "500ms" },
        } } },
        "middlewares": { "mcp-app-strip": { "stripPrefix": { "prefixes": ["/api"] } } },
    } });
    writes(&fields, &expected);
    let built = built(&fields);
    assert_eq!(built.middlewares, ["mcp-app-strip"]);
    assert_eq!((built.effective_priority(), built.parsed.hosts().len()), (-3, 2));
}

#[test]
fn a_redirect_is_a_second_router_on_the_plain_entry_point() {
    let expected = json!({ "http": {
        "routers": {
            "mcp-app": { "rule": "Host(`app.test`)", "entryPoints": ["websecure"], "service": "mcp-app", "tls": {} },
            "mcp-app-http": {
                "rule": "Host(`app.test`)", "entryPoints": ["web"], "middlewares": ["mcp-app-redirect"], "service": "mcp-app",
            },
        },
        "services": { "mcp-app": { "loadBalancer": balancer() } },
        "middlewares": { "mcp-app-redirect": { "redirectScheme": { "scheme": "https" } } },
    } });
    writes(&json!({ "redirect_https": true }), &expected);
    writes(&json!({ "redirect_https": true, "entry_points": ["web", "websecure"] }), &expected);
    writes(&json!({ "redirect_https": true, "entry_points": ["websecure"], "tls": {} }), &expected);
}

#[test]
fn entry_points_follow_tls() {
    let check = |fields: Value, points: &[&str], tls: bool, warned: &[&str]| {
        let built = built(&fields);
        assert_eq!(
            (&built.entry_points[..], built.tls),
            (&points.iter().map(ToString::to_string).collect::<Vec<_>>()[..], tls),
            "{fields}"
        );
        assert_eq!(codes(&built), warned, "{fields}");
    };
    check(json!({}), &["web"], false, &[]);
    check(json!({ "tls": {} }), &["websecure"], true, &[]);
    check(json!({ "tls": { "enabled": false } }), &["web"], false, &[]);
    check(json!({ "entry_points": ["websecure"] }), &["websecure"], true, &["tls_assumed"]);
    check(
        json!({ "entry_points": ["websecure"], "tls": { "enabled": false } }),
        &["websecure"],
        false,
        &["entry_point_needs_tls"],
    );
    check(json!({ "entry_points": ["web"], "tls": {} }), &["web"], true, &["entry_point_is_plain"]);
    check(json!({ "entry_points": ["web", "websecure"] }), &["web", "websecure"], false, &["entry_point_needs_tls"]);
}

#[test]
fn without_traefik_the_usual_entry_points_are_assumed() {
    let check = |fields: Value, points: &[&str]| {
        let built = build(&request(&fields), &settings(None)).expect("it works offline");
        assert_eq!(built.entry_points, points, "{fields}");
        assert!(codes(&built).contains(&"entry_point_assumed"), "{fields}");
    };
    check(json!({}), &["web"]);
    check(json!({ "tls": {} }), &["websecure"]);
    check(json!({ "redirect_https": true }), &["websecure"]);
    let named = build(&request(&json!({ "entry_points": ["mine"] })), &settings(None)).expect("it works offline");
    assert!(named.warnings.is_empty());
}

#[test]
fn the_plain_entry_point_is_found_by_what_traefik_says() {
    let check = |points: Value, expected: Result<&str, &str>| {
        let points: Vec<EntryPoint> = serde_json::from_value(points).expect("entry points");
        match (build(&request(&json!({})), &settings(Some(&points))), expected) {
            (Ok(built), Ok(name)) => assert_eq!(built.entry_points, [name]),
            (Err(failure), Err(text)) => assert!(failure.to_string().contains(text), "{failure}"),
            (Ok(built), Err(text)) => panic!("{:?} instead of {text}", built.entry_points),
            (Err(failure), Ok(name)) => panic!("{failure} instead of {name}"),
        }
    };
    check(json!([{ "name": "in", "address": ":8000" }, { "name": "traefik", "address": ":8080" }]), Ok("in"));
    check(json!([{ "name": "a", "address": ":1" }, { "name": "b", "address": ":2", "asDefault": true }]), Ok("b"));
    check(json!([{ "name": "a", "address": ":1" }, { "name": "b", "address": "10.0.0.1:80" }]), Ok("b"));
    check(json!([{ "name": "a", "address": ":1" }, { "name": "b", "address": ":2" }]), Err("name one of a, b"));
    check(json!([{ "name": "a", "address": ":443" }]), Err("no entry point"));
    check(json!([{ "name": "a", "address": ":1", "http": { "tls": {} } }]), Err("no entry point"));
}

#[test]
fn hosts_are_written_in_their_normal_form() {
    let check = |host: &str, rule: &str, warned: &[&str]| {
        let built = built(&json!({ "host": host }));
        assert_eq!(built.rule, rule, "{host}");
        assert_eq!(codes(&built), warned, "{host}");
    };
    check("App.Test", "Host(`app.test`)", &[]);
    check("app.test.", "Host(`app.test`)", &[]);
    check("müller.example", "Host(`xn--mller-kva.example`)", &["host_in_punycode"]);
    check("nas", "Host(`nas`)", &[]);
    check("192.168.1.2", "Host(`192.168.1.2`)", &[]);
    check("*.app.test", "Host(`*.app.test`)", &["wildcard_host"]);
}

#[test]
fn a_whole_rule_is_kept_as_it_is() {
    let rule = "Host(`a.test`) && (Path(`/x`) || HeaderRegexp(`X-A`, `^b`)) && !ClientIP(`10.0.0.0/8`)";
    let built = built(&json!({ "host": null, "rule": format!("  {rule} ") }));
    assert_eq!(built.rule, rule);
    assert_eq!(built.parsed.hosts(), ["a.test"]);
    let odd = self::built(&json!({ "host": null, "rule": "HostRegexp(`{sub:[a-z]+}.a`)" }));
    assert_eq!(codes(&odd), ["v2_template"]);
}

#[test]
fn no_text_in_the_file_is_read_as_another_type() {
    let fields = json!({ "name": "1e3", "middlewares": ["on", "12", "null", "~x", "yes", "0x1F@docker"], "entry_points": ["web"] });
    let built = built(&fields);
    let written: serde_yaml::Value = serde_yaml::from_str(&built.body).expect("it is YAML");
    let middlewares = written["http"]["routers"]["mcp-1e3"]["middlewares"].as_sequence().expect("a list");
    assert!(middlewares.iter().all(serde_yaml::Value::is_string), "{}", built.body);
}

#[test]
fn the_schema_teaches_each_field() {
    let schema = serde_json::to_value(schemars::schema_for!(Request)).expect("it is JSON");
    let fields = schema["properties"].as_object().expect("there are fields");
    assert_eq!(fields.len(), 21);
    for (name, field) in fields {
        assert!(field["description"].as_str().is_some_and(|text| text.len() > 30), "{name}: {field}");
    }
    assert_eq!(schema["required"], json!(["name"]));
    assert_eq!(schema["additionalProperties"], json!(false));
}

#[test]
fn a_backend_that_is_traefik_itself_is_warned_of() {
    let (points, api) = (entry_points(), "http://traefik.lan:8080/api".parse().expect("a URL"));
    let settings = RouteSettings { api_url: Some(&api), ..settings(Some(&points)) };
    for (url, expected) in [
        ("http://traefik.lan:8080", Some("backend_is_api")),
        ("http://127.0.0.1:8080/api", Some("backend_is_api")),
        ("http://[::ffff:127.0.0.1]:8080", Some("backend_is_api")),
        ("h2c://127.1:8080", Some("backend_is_api")),
        ("http://localhost", Some("backend_is_traefik")),
        ("https://0.0.0.0", Some("backend_is_traefik")),
        ("http://app.test:9000", Some("backend_is_route")),
        ("http://127.0.0.1:3000", None),
        ("http://10.0.0.5:8080", None),
    ] {
        let built = build(&request(&json!({ "backend_url": url })), &settings).expect(url);
        assert_eq!(built.warnings.first().map(|finding| finding.code.as_str()), expected, "{url}");
    }
}
