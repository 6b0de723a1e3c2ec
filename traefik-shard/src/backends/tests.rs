//! Services of every kind, and how they do.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::api::Snapshot;
use crate::api::fake::{Act, Fake, answer};

fn snapshot(services: &Value) -> Snapshot {
    serde_json::from_value(json!({"services": services})).unwrap()
}

/// Two checked servers of which one is down, one that nothing checks, and one that nothing uses.
fn services() -> Value {
    json!({
        "half@file": {
            "loadBalancer": {
                "servers": [{"url": "http://10.0.0.1"}, {"url": "http://u:geheim@10.0.0.2"}],
                "healthCheck": {"path": "/health", "interval": "2s", "headers": {"X-Token": "geheim"}}
            },
            "status": "enabled", "usedBy": ["a@file"],
            "serverStatus": {"http://10.0.0.1": "UP", "http://u:geheim@10.0.0.2": "DOWN"}
        },
        "blind@file": {
            "loadBalancer": {"servers": [{"url": "http://10.0.0.3"}]},
            "status": "enabled", "serverStatus": {"http://10.0.0.3": "UP"}
        },
        "idle@file": {
            "loadBalancer": {"servers": [{"url": "http://10.0.0.4"}], "healthCheck": {}}, "status": "enabled"
        },
        "good@docker": {
            "loadBalancer": {"servers": [{"url": "http://10.0.0.5"}], "passiveHealthCheck": {"failureWindow": "3s"}},
            "status": "enabled", "serverStatus": {"http://10.0.0.5": "UP"}
        },
        "dead@file": {
            "loadBalancer": {"servers": [{"url": "http://10.0.0.6"}], "healthCheck": {}},
            "status": "enabled", "serverStatus": {"http://10.0.0.6": "DOWN"}
        },
        "empty@file": {"loadBalancer": {}, "status": "enabled"},
        "api@internal": {"status": "enabled"}
    })
}

fn state(more: &Value, name: &str) -> ServiceState {
    let mut all = services();
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Resolver::new(&snapshot(&all)).resolve(Protocol::Http, name)
}

fn check(more: &Value, name: &str, expected: Summary) -> ServiceState {
    let state = state(more, name);
    assert_eq!(state.status, expected, "{name}: {state:?}");
    state
}

#[test]
fn plain_services_are_judged_by_their_servers() {
    let none = json!({});
    let half = check(&none, "half@file", Summary::Degraded);
    assert_eq!(half.servers[1].source, Some(Source::HealthCheck));
    let shown = serde_json::to_string(&half).unwrap();
    assert!(!shown.contains("geheim"), "{shown}");
    let blind = check(&none, "blind@file", Summary::Unchecked);
    assert_eq!((blind.servers[0].status, blind.servers[0].source), (Health::Unchecked, None));
    let idle = check(&none, "idle@file", Summary::Unchecked);
    assert_eq!(idle.servers[0].status, Health::Unknown);
    let good = check(&none, "good@docker", Summary::Healthy);
    assert_eq!(good.servers[0].source, Some(Source::Passive));
    check(&none, "dead@file", Summary::Down);
    assert!(check(&none, "empty@file", Summary::Down).errors[0].contains("no servers"));
    assert_eq!(check(&none, "api@internal", Summary::Healthy).kind, "internal");
    assert_eq!(check(&none, "ghost@file", Summary::Error).kind, "missing");
}

#[test]
fn children_are_of_the_parents_provider_unless_they_say_otherwise() {
    let more = json!({"both@file": {"weighted": {"services": [
        {"name": "good@docker", "weight": 3}, {"name": "half", "weight": 1}
    ]}, "status": "enabled"}});
    let both = check(&more, "both@file", Summary::Degraded);
    let places: Vec<_> = both.servers.iter().map(|server| (server.url.as_str(), server.service.as_deref())).collect();
    assert_eq!(
        places,
        [
            ("http://10.0.0.5", Some("good@docker")),
            ("http://10.0.0.1", Some("half@file")),
            ("http://[redacted]@10.0.0.2", Some("half@file"))
        ]
    );
    assert_eq!(both.children[0].weight, Some(3));
}

#[test]
fn composites_are_judged_by_what_their_children_are_for() {
    let failover = |main, fallback| json!({"x@file": {"failover": {"service": main, "fallback": fallback}}});
    check(&failover("good@docker", "dead"), "x@file", Summary::Healthy);
    check(&failover("dead", "blind"), "x@file", Summary::Degraded);
    check(&failover("dead", "dead"), "x@file", Summary::Down);
    check(&failover("ghost", "dead"), "x@file", Summary::Error);
    let mirroring = |main, mirror| json!({"x@file": {"mirroring": {"service": main, "mirrors": [{"name": mirror, "percent": 10}]}}});
    check(&mirroring("good@docker", "dead"), "x@file", Summary::Degraded);
    check(&mirroring("dead", "good@docker"), "x@file", Summary::Down);
    check(&mirroring("blind", "good@docker"), "x@file", Summary::Unchecked);
    let random = json!({"x@file": {"highestRandomWeight": {"services": [{"name": "dead"}, {"name": "good@docker"}]}}});
    check(&random, "x@file", Summary::Degraded);
    let off = json!({"x@file": {"weighted": {"services": [{"name": "dead", "weight": 0}, {"name": "good@docker"}]}}});
    check(&off, "x@file", Summary::Healthy);
}

#[test]
fn services_that_traefik_refuses_are_errors_whatever_their_servers_do() {
    let more = json!({"x@file": {
        "loadBalancer": {"servers": [{"url": "http://10.0.0.1"}]}, "status": "disabled", "error": ["no such transport"]
    }});
    assert_eq!(check(&more, "x@file", Summary::Error).errors, ["no such transport"]);
}

#[test]
fn circles_end_in_an_error_that_names_the_service() {
    let more = json!({
        "a@file": {"weighted": {"services": [{"name": "b"}, {"name": "good@docker"}]}},
        "b@file": {"failover": {"service": "a", "fallback": "a"}}
    });
    let circle = check(&more, "a@file", Summary::Degraded);
    assert!(circle.errors.iter().any(|error| error.contains("`a@file` leads back to itself")), "{:?}", circle.errors);
}

#[test]
fn children_that_multiply_at_every_level_are_followed_only_so_far() {
    let mut more = json!({"z15@file": {"loadBalancer": {"servers": [{"url": "http://10.0.0.9"}]}}});
    for level in 0..15 {
        let next = format!("z{}", level + 1);
        let share = json!({"name": next});
        more[format!("z{level}@file")] = json!({"weighted": {"services": [share, share, share]}});
    }
    let wide = state(&more, "z0@file");
    assert!(wide.servers.len() <= 1000 && wide.errors.len() <= 32, "{} servers", wide.servers.len());
    assert!(wide.errors[0].contains("too many others"), "{:?}", wide.errors);
}

#[test]
fn targets_come_from_the_configuration_and_stay_on_their_server() {
    use probe::Target;
    let get = |url: &str| Target::Get(url.parse().unwrap());
    for (protocol, place, path, expected) in [
        (Protocol::Http, "http://h:8080", Some("/health"), get("http://h:8080/health")),
        (Protocol::Http, "http://h:8080", Some("//evil/x"), get("http://h:8080")),
        (Protocol::Http, "h2c://h", None, Target::Connect("h:80".into())),
        (Protocol::Http, "file:///etc/passwd", None, Target::Nothing),
        (Protocol::Http, "nonsense", None, Target::Nothing),
        (Protocol::Tcp, "h:5432", None, Target::Connect("h:5432".into())),
        (Protocol::Udp, "h:53", None, Target::Nothing),
    ] {
        assert_eq!(Target::of(protocol, place, path), expected, "{place}");
    }
}

#[tokio::test]
async fn probes_tell_answers_errors_silence_and_refusals_apart() {
    let good = Fake::start(|_| answer("404 Not Found", "text/plain", "x")).await;
    let bad = Fake::start(|_| answer("503 Service Unavailable", "text/plain", "x")).await;
    let moved =
        Fake::start(|_| Act::Send(b"HTTP/1.1 302 Found\r\nLocation: http://10.255.255.1/\r\n\r\n".to_vec())).await;
    let silent = Fake::start(|_| Act::Hang).await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let refused = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let target = |url: &str| probe::Target::of(Protocol::Http, url, None);
    let tcp = probe::Target::Connect(good.url.trim_start_matches("http://").to_owned());
    let mut all: Vec<_> = [&good.url, &bad.url, &moved.url, &silent.url, &refused].map(|url| target(url)).to_vec();
    all.push(tcp.clone());
    let seen = probe::all(all, Duration::from_millis(500)).await;
    let got = |url: &str| (seen[&target(url)].answers, seen[&target(url)].detail.clone());
    assert_eq!(got(&good.url), (true, "HTTP 404".into()));
    assert_eq!(got(&bad.url), (false, "HTTP 503".into()));
    assert_eq!(got(&moved.url), (true, "HTTP 302".into()));
    assert_eq!(got(&silent.url), (false, "no answer within 500ms".into()));
    assert!(!got(&refused).0 && got(&refused).1.contains("refused"), "{:?}", got(&refused));
    assert_eq!(seen[&tcp].detail, "connected");
}

#[tokio::test]
async fn not_more_servers_are_probed_than_one_call_may() {
    let fake = Fake::start(|_| answer("200 OK", "text/plain", "x")).await;
    let targets = (0..100).map(|n| probe::Target::of(Protocol::Http, &format!("{}/{n}", fake.url), None)).collect();
    assert_eq!(probe::all(targets, Duration::from_secs(5)).await.len(), probe::MOST);
    assert_eq!(fake.seen().len(), probe::MOST);
}

#[test]
fn probes_decide_where_traefik_does_not_know() {
    let snapshot = snapshot(&services());
    let seen = |answers| probe::Seen { answers, detail: "x".into(), elapsed_ms: 1 };
    let target = |url| probe::Target::of(Protocol::Http, url, None);
    let health = |url| probe::Target::of(Protocol::Http, url, Some("/health"));
    let found = [(target("http://10.0.0.3"), seen(false)), (health("http://10.0.0.1"), seen(false))];
    let resolver = Resolver::new(&snapshot).with_probes(found.into());
    let blind = resolver.resolve(Protocol::Http, "blind@file");
    assert_eq!((blind.status, blind.servers[0].source), (Summary::Down, Some(Source::Probe)));
    let half = resolver.resolve(Protocol::Http, "half@file");
    assert_eq!(half.servers[0].status, Health::Up, "Traefik's own check counts more");
    assert!(!half.servers[0].probe.as_ref().unwrap().answers);
}
