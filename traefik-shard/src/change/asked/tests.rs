//! Verdicts over small snapshots in Traefik's own shape.

use serde_json::json;

use super::*;

const FILE: &str = "
http:
  routers:
    mcp-app:
      rule: Host(`app.lab.test`)
      service: mcp-app
      entryPoints: [web, websecure]
      middlewares: [mcp-app-strip, auth@docker]
  services:
    mcp-app:
      loadBalancer:
        servers: [{url: 'http://10.0.0.1:80'}]
        healthCheck: {path: /h, interval: 90s}
  middlewares:
    mcp-app-strip: {stripPrefix: {prefixes: [/x]}}
";

/// What Traefik shows when the file is live and no entry point has settings of its own.
fn snapshot() -> Value {
    json!({
        "routers": {"mcp-app@file": {
            "entryPoints": ["web", "websecure"], "middlewares": ["mcp-app-strip@file", "auth@docker"], "service": "mcp-app",
            "rule": "Host(`app.lab.test`)", "priority": 20, "status": "enabled", "using": ["web", "websecure"]}},
        "services": {"mcp-app@file": {"loadBalancer": {"servers": [{"url": "http://10.0.0.1:80"}], "strategy": "wrr",
            "healthCheck": {"mode": "http", "path": "/h", "interval": "1m30s", "timeout": "5s"}, "passHostHeader": true},
            "status": "enabled"}}
    })
}

fn judge(file: &str, snapshot: Value, entry_points: Value) -> Verdict {
    let options = BTreeMap::from([(
        "mcp-app-strip@file".to_owned(),
        json!({"stripPrefix": {"prefixes": ["/x"]}, "status": "enabled"}),
    )]);
    let snapshot = serde_json::from_value(snapshot).unwrap();
    let entry_points: Vec<EntryPoint> = serde_json::from_value(entry_points).unwrap();
    let live = Live { snapshot: &snapshot, entry_points: &entry_points, middlewares: &options };
    Asked::read(file).unwrap().judge(&live)
}

fn differs(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Differs(_))
}

#[test]
fn what_traefik_shows_of_a_loaded_file_is_live() {
    assert_eq!(judge(FILE, snapshot(), json!([])), Verdict::Live { warnings: vec![] });
}

#[test]
fn any_value_of_yesterday_is_not_yet_live() {
    for (place, old) in [
        ("/routers/mcp-app@file/rule", json!("Host(`old.lab.test`)")),
        ("/routers/mcp-app@file/service", json!("old")),
        ("/routers/mcp-app@file/entryPoints", json!(["web"])),
        ("/routers/mcp-app@file/middlewares", json!(["auth@docker"])),
        ("/routers/mcp-app@file/priority", json!(7)),
        ("/services/mcp-app@file/loadBalancer/servers/0/url", json!("http://10.0.0.2:80")),
        ("/services/mcp-app@file/loadBalancer/passHostHeader", json!(false)),
        ("/services/mcp-app@file/loadBalancer/healthCheck/interval", json!("30s")),
        ("/services/mcp-app@file/loadBalancer/healthCheck", Value::Null),
    ] {
        let mut seen = snapshot();
        *seen.pointer_mut(place).unwrap() = old;
        assert!(differs(&judge(FILE, seen, json!([]))), "{place}");
    }
    let mut tls = snapshot();
    tls["routers"]["mcp-app@file"]["tls"] = json!({});
    assert!(differs(&judge(FILE, tls, json!([]))));
}

#[test]
fn changed_options_of_a_middleware_are_not_yet_live() {
    assert!(differs(&judge(&FILE.replace("[/x]", "[/y]"), snapshot(), json!([]))));
}

#[test]
fn traefiks_default_options_of_tls_equal_none() {
    let file = FILE.replace("service: mcp-app\n", "service: mcp-app\n      tls: {certResolver: le}\n");
    let mut seen = snapshot();
    seen["routers"]["mcp-app@file"]["tls"] = json!({"options": "default", "certResolver": "le"});
    assert_eq!(judge(&file, seen, json!([])), Verdict::Live { warnings: vec![] });
}

/// Traefik splits the router where an entry point has TLS or middlewares for all.
fn split() -> (Value, Value) {
    let mut seen = snapshot();
    let mut part = seen["routers"]["mcp-app@file"].clone();
    seen["routers"]["mcp-app@file"]["entryPoints"] = json!(["web"]);
    part["entryPoints"] = json!(["websecure"]);
    part["middlewares"] = json!(["global@file", "mcp-app-strip@file", "auth@docker"]);
    part["tls"] = json!({"certResolver": "le"});
    seen["routers"]["websecure-mcp-app@file"] = part;
    let entry_points = json!([{"name": "web", "address": ":80"},
        {"name": "websecure", "address": ":443", "http": {"middlewares": ["global@file"], "tls": {"certResolver": "le"}}}]);
    (seen, entry_points)
}

#[test]
fn a_router_that_traefik_split_by_entry_points_is_live() {
    let (seen, entry_points) = split();
    assert_eq!(judge(FILE, seen, entry_points), Verdict::Live { warnings: vec![] });
}

#[test]
fn half_of_a_split_router_is_not_live() {
    for missing in ["mcp-app@file", "websecure-mcp-app@file"] {
        let (mut seen, entry_points) = split();
        seen["routers"].as_object_mut().unwrap().remove(missing);
        assert!(differs(&judge(FILE, seen, entry_points)), "{missing}");
    }
}

#[test]
fn a_split_router_is_gone_when_all_its_parts_are() {
    let (mut seen, _) = split();
    let asked = Asked::read(FILE).unwrap();
    assert!(!asked.gone(&serde_json::from_value(seen.clone()).unwrap()));
    seen["routers"].as_object_mut().unwrap().remove("mcp-app@file");
    assert!(!asked.gone(&serde_json::from_value(seen.clone()).unwrap()));
    seen["routers"].as_object_mut().unwrap().remove("websecure-mcp-app@file");
    assert!(asked.gone(&serde_json::from_value(seen).unwrap()));
}

#[test]
fn a_disabled_router_is_refused_with_all_that_traefik_says() {
    let mut seen = snapshot();
    let router = &mut seen["routers"]["mcp-app@file"];
    router["status"] = json!("disabled");
    router["priority"] = Value::Null;
    router["error"] = json!(["middleware \"auth@docker\" does not exist"]);
    let errors = vec!["middleware \"auth@docker\" does not exist".to_owned()];
    assert_eq!(judge(FILE, seen, json!([])), Verdict::Refused { errors });
}

#[test]
fn a_router_with_a_warning_is_live_and_says_so() {
    let mut seen = snapshot();
    seen["routers"]["mcp-app@file"]["status"] = json!("warning");
    seen["routers"]["mcp-app@file"]["error"] = json!(["entryPoint \"x\" doesn't exist"]);
    let warnings = vec!["entryPoint \"x\" doesn't exist".to_owned()];
    assert_eq!(judge(FILE, seen, json!([])), Verdict::Live { warnings });
}

#[test]
fn durations_are_compared_by_their_length() {
    for (asked, seen, same) in [
        ("90s", "1m30s", true),
        ("1500ms", "1.5s", true),
        ("10", "10s", true),
        ("10s", "11s", false),
        ("/a", "/b", false),
    ] {
        assert_eq!(same_text(asked, seen), same, "{asked} {seen}");
    }
}

#[test]
fn a_router_that_the_earlier_version_had_must_be_gone_first() {
    let old = FILE.replace("mcp-app:\n      rule", "mcp-app-redirect:\n      rule");
    let asked = Asked::read(FILE).unwrap().replacing(&Asked::read(&old).unwrap());
    let options = BTreeMap::from([("mcp-app-strip@file".to_owned(), json!({"stripPrefix": {"prefixes": ["/x"]}}))]);
    let mut seen = snapshot();
    for (redirect, live) in [(json!({"service": "x"}), false), (Value::Null, true)] {
        seen["routers"]["mcp-app-redirect@file"] = redirect;
        seen["routers"].as_object_mut().unwrap().retain(|_, router| !router.is_null());
        let snapshot = serde_json::from_value(seen.clone()).unwrap();
        let judged = asked.judge(&Live { snapshot: &snapshot, entry_points: &[], middlewares: &options });
        assert_eq!(!differs(&judged), live, "{judged:?}");
    }
}

#[test]
fn a_router_whose_name_only_ends_alike_is_no_part() {
    let seen = serde_json::from_value(json!({"routers": {
        "big-app@file": {"entryPoints": ["web"]}, "web-app@docker": {"entryPoints": ["web"]}, "bigapp@file": {"entryPoints": ["big"]},
        "web-app@file": {"entryPoints": ["web", "websecure"]}}}))
    .unwrap();
    assert!(parts(&seen, "app").is_empty());
}
