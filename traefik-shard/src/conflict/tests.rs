//! Whom routes meet: names in the tree, and requests of every provider.

use serde_json::{Value, json};

use super::*;
use crate::document::{self, Defined, Format, Origin};
use crate::route::{self, Request, RouteSettings};
use crate::tree::TreeFile;

const OWN_FILE: &str = "mcp-managed/app.yml";

fn entry_points() -> Vec<EntryPoint> {
    let points = json!([
        { "name": "web", "address": ":80" },
        { "name": "websecure", "address": ":443" },
        { "name": "tlsonly", "address": ":8443", "http": { "tls": {} } },
        { "name": "dns", "address": ":53/udp" },
    ]);
    serde_json::from_value(points).expect("they are entry points")
}

fn built(fields: &Value) -> Built {
    let mut all =
        json!({ "name": "app", "host": "app.test", "backend_url": "http://10.0.0.5:3000", "entry_points": ["web"] });
    for (key, value) in fields.as_object().expect("fields") {
        all[key] = value.clone();
    }
    let request: Request = serde_json::from_value(all).expect("it is a request");
    let points = entry_points();
    let settings = RouteSettings { name_prefix: "mcp-", backend_nets: &[], api_url: None, entry_points: Some(&points) };
    route::build(&request, &settings).expect("the request is in order")
}

/// Routers by full name; `using` follows `entryPoints` unless it is given.
fn live(routers: &Value) -> Snapshot {
    let mut routers = routers.clone();
    for router in routers.as_object_mut().expect("routers").values_mut() {
        router["status"] = router.get("status").cloned().unwrap_or(json!("enabled"));
        router["service"] = json!("other");
    }
    serde_json::from_value(json!({ "routers": routers })).expect("it is a snapshot")
}

fn tree(files: &[(&str, document::Kind, &str)]) -> Tree {
    let file = |&(path, kind, name): &(&str, document::Kind, &str)| {
        let mut document = document::check(path, Format::Yaml, Origin::Foreign, b"");
        document.defined = vec![Defined { kind, name: name.into(), line: 7 }];
        TreeFile { path: path.into(), document }
    };
    Tree { files: files.iter().map(file).collect(), findings: Vec::new() }
}

/// Ours against one other router; `None`: they do not meet.
#[track_caller]
fn meets(fields: &Value, other: &Value, expected: Option<(Kind, bool)>) -> String {
    let found = find(&built(fields), &live(&json!({ "other@docker": other })), &entry_points(), &tree(&[]), OWN_FILE);
    let seen = found.first().map(|conflict| (conflict.kind, conflict.blocking));
    assert_eq!(seen, expected, "{fields} and {other}: {found:?}");
    let Some(conflict) = found.into_iter().next() else { return String::new() };
    assert_eq!(conflict.provider, "docker");
    assert_eq!(conflict.allowed_by, conflict.blocking.then_some("allow_overlap"));
    conflict.message
}

#[test]
fn the_higher_priority_decides_who_loses_requests() {
    let check = |fields: Value, rule: &str, priority: i64, expected| {
        meets(&fields, &json!({ "rule": rule, "entryPoints": ["web"], "priority": priority }), expected);
    };
    check(json!({}), "Host(`app.test`)", 16, Some((Kind::Tie, true)));
    check(json!({}), "Host(`app.test`)", 10, Some((Kind::Hijack, true)));
    check(json!({}), "Host(`app.test`)", 99, Some((Kind::Shadowed, true)));
    check(json!({ "priority": 100 }), "Host(`app.test`)", 99, Some((Kind::Hijack, true)));
    check(json!({ "priority": -1 }), "Host(`app.test`)", 1, Some((Kind::Shadowed, true)));
    check(json!({}), "Host(`other.test`)", 18, None);
    check(json!({}), "Host(`app.test`) && PathPrefix(`/api`)", 38, Some((Kind::Yields, false)));
    check(json!({}), "Host(`app.test`) && PathPrefix(`/api`)", 1, Some((Kind::Hijack, true)));
    check(json!({ "path_prefix": "/api" }), "Host(`app.test`)", 16, Some((Kind::Hijack, true)));
    check(json!({ "path_prefix": "/api" }), "Host(`app.test`)", 99, Some((Kind::Shadowed, true)));
    check(json!({}), "PathPrefix(`/`)", 15, Some((Kind::FromCatchAll, false)));
    check(json!({}), "HostRegexp(`^.+$`)", 1, Some((Kind::FromCatchAll, false)));
    check(json!({}), "PathPrefix(`/`)", 99, Some((Kind::Shadowed, true)));
    check(json!({}), "PathPrefix(`/.well-known/acme-challenge/`)", i64::MAX, Some((Kind::Yields, false)));
    check(json!({}), "PathPrefix(`/metrics`)", 5, Some((Kind::Hijack, true)));
    check(json!({}), "Host(`*.test`)", 14, Some((Kind::Hijack, true)));
    check(json!({}), "HostRegexp(`^[a-z]+\\.test$`)", 30, Some((Kind::Shadowed, true)));
    check(json!({}), "HostRegexp(`^[0-9]+\\.test$`)", 30, None);
}

#[test]
fn a_priority_of_zero_or_none_is_the_length_of_the_rule() {
    for priority in [json!(0), json!(null)] {
        let other = json!({ "rule": "Host(`app.test`)", "entryPoints": ["web"], "priority": priority });
        meets(&json!({}), &other, Some((Kind::Tie, true)));
        meets(&json!({ "priority": 0 }), &other, Some((Kind::Tie, true)));
    }
}

#[test]
fn routers_meet_only_on_a_shared_entry_point_with_the_same_tls() {
    let check = |fields: Value, places: Value, expected: bool| {
        let mut other = json!({ "rule": "Host(`app.test`)" });
        for (key, value) in places.as_object().expect("fields") {
            other[key] = value.clone();
        }
        meets(&fields, &other, expected.then_some((Kind::Tie, true)));
    };
    check(json!({}), json!({ "entryPoints": ["web"] }), true);
    check(json!({}), json!({ "entryPoints": ["websecure"] }), false);
    check(json!({}), json!({ "entryPoints": ["websecure", "web"] }), true);
    check(json!({}), json!({ "entryPoints": [] }), true);
    check(json!({}), json!({ "entryPoints": ["web", "gone"], "using": ["gone"] }), false);
    check(json!({}), json!({ "entryPoints": ["web"], "tls": {} }), false);
    check(json!({ "tls": {}, "entry_points": ["websecure"] }), json!({ "entryPoints": ["websecure"] }), false);
    check(
        json!({ "tls": {}, "entry_points": ["websecure"] }),
        json!({ "entryPoints": ["websecure"], "tls": {} }),
        true,
    );
    check(json!({ "tls": {}, "entry_points": ["tlsonly"] }), json!({ "entryPoints": ["tlsonly"] }), true);
    check(json!({}), json!({ "entryPoints": ["web"], "status": "disabled" }), false);
    check(json!({ "redirect_https": true, "entry_points": [] }), json!({ "entryPoints": ["web"] }), true);
    check(json!({ "redirect_https": true, "entry_points": [] }), json!({ "entryPoints": ["websecure"] }), false);
}

#[test]
fn our_own_routers_are_no_conflict() {
    let routers = json!({
        "mcp-app@file": { "rule": "Host(`app.test`)", "entryPoints": ["websecure"], "tls": {} },
        "mcp-app-http@file": { "rule": "Host(`app.test`)", "entryPoints": ["web"] },
    });
    let built = built(&json!({ "redirect_https": true, "entry_points": [] }));
    let own =
        [(OWN_FILE, document::Kind::HttpRouter, "mcp-app"), (OWN_FILE, document::Kind::HttpRouter, "mcp-app-http")];
    assert_eq!(find(&built, &live(&routers), &entry_points(), &tree(&own), OWN_FILE), []);
}

#[test]
fn an_entry_point_that_redirects_everything_is_in_the_way_only_of_plain_http() {
    let check = |fields: Value, kind: Kind| {
        let other = json!({ "rule": "HostRegexp(`^.+$`)", "entryPoints": ["web"], "priority": i64::MAX - 1 });
        let live = live(&json!({ "web-to-websecure@internal": other }));
        let found = find(&built(&fields), &live, &entry_points(), &tree(&[]), OWN_FILE);
        assert_eq!(found.iter().map(|conflict| conflict.kind).collect::<Vec<_>>(), [kind], "{fields}");
    };
    check(json!({}), Kind::Shadowed);
    check(json!({ "redirect_https": true, "entry_points": [] }), Kind::Yields);
}

#[test]
fn a_rule_that_we_cannot_read_is_compared_as_text() {
    let check = |rule: &str, syntax: &str, expected| {
        meets(&json!({}), &json!({ "rule": rule, "ruleSyntax": syntax, "entryPoints": ["web"] }), expected);
    };
    check("Host(`app.test`)", "v2", Some((Kind::Tie, true)));
    check("Host(`app.test`,`b.test`)", "v2", None);
    check("Host(`app.test`)", "default", Some((Kind::Tie, true)));
}

#[test]
fn the_message_says_who_loses_what_and_how_to_go_on() {
    let check = |rule: &str, priority: i64, kind: Kind, texts: &[&str]| {
        let other = json!({ "rule": rule, "entryPoints": ["web"], "priority": priority });
        let message = meets(&json!({}), &other, Some((kind, true)));
        for text in texts {
            assert!(message.contains(text), "{message}");
        }
    };
    check("Host(`app.test`)", 1, Kind::Hijack, &["`other@docker` on web", "take all its requests", "allow_overlap"]);
    check(
        "PathPrefix(`/m`)",
        1,
        Kind::Hijack,
        &["a request for host `app.test` with a path that begins with `/m`", "take those requests"],
    );
    check("Host(`app.test`)", 50, Kind::Shadowed, &["ours (priority 16) nothing", "raise the priority"]);
    check("Host(`app.test`)", 16, Kind::Tie, &["undefined which one answers"]);
}

#[test]
fn a_name_in_another_file_is_never_allowed() {
    let check = |file: &str, kind: document::Kind, name: &str, text: &str| {
        let built = built(&json!({ "path_prefix": "/a", "strip_prefix": true }));
        let found = find(&built, &live(&json!({})), &entry_points(), &tree(&[(file, kind, name)]), OWN_FILE);
        let [conflict] = &found[..] else { panic!("{file} {name}: {found:?}") };
        assert_eq!((conflict.kind, conflict.blocking, conflict.allowed_by), (Kind::Name, true, None));
        assert_eq!(conflict.file.as_deref(), Some(file));
        for text in [text, &format!("in {file}, line 7")] {
            assert!(conflict.message.contains(text), "{}", conflict.message);
        }
    };
    check("static.yml", document::Kind::HttpRouter, "mcp-app", "theirs would be dropped");
    check("config.yml", document::Kind::HttpRouter, "mcp-app", "ours would be dropped");
    check("config.yml", document::Kind::HttpService, "mcp-app", "the service `mcp-app`");
    check("z/a.yml", document::Kind::HttpMiddleware, "mcp-app-strip", "the middleware `mcp-app-strip`");
    check("mcp-managed/zoo.yml", document::Kind::HttpRouter, "mcp-app", "theirs would be dropped");
}

#[test]
fn the_same_name_of_another_kind_is_no_conflict() {
    let built = built(&json!({}));
    for (kind, name) in [
        (document::Kind::TcpRouter, "mcp-app"),
        (document::Kind::HttpMiddleware, "mcp-app"),
        (document::Kind::HttpRouter, "mcp-app-http"),
        (document::Kind::HttpRouter, "mcp-App"),
    ] {
        let tree = tree(&[("static.yml", kind, name)]);
        assert_eq!(find(&built, &live(&json!({})), &entry_points(), &tree, OWN_FILE), [], "{kind:?} {name}");
    }
}

#[test]
fn a_live_name_without_a_file_is_a_conflict() {
    let routers = json!({ "mcp-app@file": { "rule": "Host(`x.test`)", "entryPoints": ["web"] } });
    let found = find(&built(&json!({})), &live(&routers), &entry_points(), &tree(&[]), OWN_FILE);
    let [conflict] = &found[..] else { panic!("{found:?}") };
    assert!(conflict.message.contains("no file here defines it"), "{}", conflict.message);
    let docker = json!({ "mcp-app@docker": { "rule": "Host(`x.test`)", "entryPoints": ["web"] } });
    assert_eq!(find(&built(&json!({})), &live(&docker), &entry_points(), &tree(&[]), OWN_FILE), []);
}

#[test]
fn what_blocks_comes_first() {
    let routers = json!({
        "a@docker": { "rule": "PathPrefix(`/`)", "entryPoints": ["web"], "priority": 1 },
        "b@docker": { "rule": "Host(`app.test`)", "entryPoints": ["web"] },
    });
    let found = find(&built(&json!({})), &live(&routers), &entry_points(), &tree(&[]), OWN_FILE);
    assert_eq!(found.iter().map(|conflict| &conflict.route[..]).collect::<Vec<_>>(), ["b@docker", "a@docker"]);
}
