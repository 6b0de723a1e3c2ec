//! Routes over a snapshot and a tree of the test's own.

use std::fs;

use serde_json::json;

use super::*;
use crate::disk::{Listed, Listing, Name};
use crate::tree;

fn snapshot() -> Snapshot {
    let on_web = |rule: &str, service: &str| json!({"entryPoints": ["web"], "using": ["web"], "service": service, "rule": rule, "priority": rule.len(), "status": "enabled"});
    let mut ghost = on_web("Host(`ghost.test`)", "nowhere");
    ghost["status"] = json!("disabled");
    ghost["error"] = json!(["the service \"nowhere@file\" does not exist"]);
    let mut twin = on_web("Host(`blog.test`)", "mcp-blog");
    twin["entryPoints"] = json!(["websecure"]);
    twin["using"] = json!(["websecure"]);
    serde_json::from_value(json!({
        "routers": {
            "api@internal": on_web("PathPrefix(`/api`)", "api@internal"),
            "any@docker": on_web("PathPrefix(`/any`)", "app"),
            "app@file": on_web("Host(`app.test`) && PathPrefix(`/x`)", "app"),
            "ghost@file": ghost,
            "mcp-blog@file": on_web("Host(`blog.test`)", "mcp-blog"),
            "mcp-lost@file": on_web("Host(`lost.test`)", "app"),
            "not@file": on_web("!Host(`app.test`)", "app"),
            "same@docker": on_web("Host(`blog.test`)", "app"),
            "secret@file": on_web("Host(`s.test`) && Header(`X-Api-Key`, `geheim`)", "app"),
            "websecure-mcp-blog@file": twin,
            "wild@file": on_web("Host(`*.wild.test`) || HostRegexp(`^x[0-9]+[.]test$`)", "app"),
        },
        "tcpRouters": {"db@file": {"rule": "HostSNI(`db.test`)", "service": "db", "tls": {"passthrough": true}, "status": "enabled", "using": ["tcp"]}},
        "udpRouters": {"dns@file": {"service": "dns", "status": "enabled", "using": ["udp"]}},
        "services": {
            "app@file": {
                "loadBalancer": {"servers": [{"url": "http://u:geheim@10.0.0.1"}], "healthCheck": {}},
                "serverStatus": {"http://u:geheim@10.0.0.1": "UP"}
            },
            "mcp-blog@file": {"loadBalancer": {"servers": (0..15).map(|n| json!({"url": format!("http://10.0.1.{n}")})).collect::<Vec<_>>()}}
        }
    }))
    .unwrap()
}

fn entry_points() -> Vec<EntryPoint> {
    serde_json::from_value(json!([
        {"name": "web", "address": ":80"}, {"name": "websecure", "address": ":443", "http": {"tls": {}}}
    ]))
    .unwrap()
}

fn names(filter: &Filter) -> Vec<String> {
    let (snapshot, entry_points) = (snapshot(), entry_points());
    let view = View { snapshot: &snapshot, entry_points: &entry_points, files: None, prefix: "mcp-" };
    let page = select(&view, filter, 100, None).unwrap();
    page.routes.iter().map(|live| live.full.rsplit_once('@').unwrap().0.to_owned()).collect()
}

fn for_host(host: &str) -> Vec<String> {
    names(&Filter { host: Some(host.into()), ..Filter::default() })
}

#[test]
fn host_finds_all_that_would_answer_and_nothing_else() {
    assert_eq!(for_host("app.test"), ["any", "app"]);
    assert_eq!(for_host("APP.test.:8443"), ["any", "app"]);
    assert_eq!(for_host("a.wild.test"), ["any", "not", "wild"]);
    assert_eq!(for_host("a.b.wild.test"), ["any", "not"]);
    assert_eq!(for_host("x12.test"), ["any", "not", "wild"]);
    assert_eq!(for_host("db.test"), ["any", "not", "db"]);
}

#[test]
fn filters_narrow_and_internal_routers_are_shown_only_on_demand() {
    let check = |filter: Filter, expected: &[&str]| assert_eq!(names(&filter), expected, "{filter:?}");
    let none = Filter::default;
    assert_eq!(names(&none()).len(), 12);
    assert_eq!(names(&Filter { include_internal: true, ..none() }).len(), 13);
    check(Filter { provider: Some("internal".into()), ..none() }, &["api"]);
    check(Filter { provider: Some("docker".into()), ..none() }, &["any", "same"]);
    check(Filter { protocol: ProtocolFilter::Udp, ..none() }, &["dns"]);
    check(Filter { status: Some(StatusFilter::Disabled), ..none() }, &["ghost"]);
    check(Filter { entry_point: Some("tcp".into()), ..none() }, &["db"]);
    check(Filter { search: Some("BLOG".into()), ..none() }, &["mcp-blog", "same", "websecure-mcp-blog"]);
    check(Filter { managed_only: true, ..none() }, &["mcp-blog", "mcp-lost", "websecure-mcp-blog"]);
    let (snapshot, entry_points) = (snapshot(), entry_points());
    let view = View { snapshot: &snapshot, entry_points: &entry_points, files: None, prefix: "mcp-" };
    for bad in ["a b", "", "http://x/"] {
        assert!(select(&view, &Filter { host: Some(bad.into()), ..none() }, 1, None).is_err(), "{bad}");
    }
    assert!(select(&view, &none(), 1, Some("nonsense")).is_err());
}

#[test]
fn pages_join_to_the_whole_though_routes_come_and_go_between_them() {
    let (mut snapshot, entry_points) = (snapshot(), entry_points());
    let mut seen = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let view = View { snapshot: &snapshot, entry_points: &entry_points, files: None, prefix: "mcp-" };
        let page = select(&view, &Filter::default(), 5, cursor.as_deref()).unwrap();
        seen.extend(page.routes.iter().map(|live| live.full.to_owned()));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
        // One that was already told is deleted, as is the one that the cursor names.
        snapshot.routers.remove(&seen[0]);
        snapshot.routers.remove(seen.last().unwrap());
    }
    let mut sorted = seen.clone();
    sorted.dedup();
    assert_eq!((seen.len(), sorted.len()), (12, 12), "{seen:?}");
}

#[test]
fn routes_are_described_without_secrets_and_with_their_servers() {
    let (snapshot, entry_points) = (snapshot(), entry_points());
    let view = View { snapshot: &snapshot, entry_points: &entry_points, files: None, prefix: "mcp-" };
    let resolver = Resolver::new(&snapshot);
    let all: Vec<_> = view.routers().map(|live| view.describe(live, &resolver)).collect();
    let text = serde_json::to_string(&all).unwrap() + &summary(&view.routers().collect::<Vec<_>>(), &all, None, &[]);
    assert!(!text.contains("geheim"), "{text}");
    let of = |name: &str| all.iter().find(|route| route.name == name).unwrap();
    let app = of("app@file");
    assert_eq!((app.hosts.as_slice(), app.path_prefixes.as_slice()), (&["app.test".into()][..], &["/x".into()][..]));
    assert_eq!((app.servers[0].status, app.service_status), (Health::Up, Summary::Healthy));
    let blog = of("websecure-mcp-blog@file");
    assert_eq!((blog.managed_name.as_deref(), blog.tls.enabled), (Some("blog"), true));
    assert_eq!((blog.servers.len(), blog.servers_left_out), (10, 5));
    assert!(of("db@file").tls.passthrough && !of("mcp-blog@file").tls.enabled);
    assert_eq!(of("ghost@file").service_type, "missing");
    assert!(of("any@docker").errors.is_empty() && of("any@docker").service == "app@docker");
    assert!(text.contains("ghost@file: Host(`ghost.test`) on web → nowhere@file [disabled: the service"), "{text}");
}

#[test]
fn what_does_not_agree_is_warned_of_with_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let router =
        |name: &str| format!("http:\n  routers:\n    {name}:\n      rule: Host(`a.test`)\n      service: app\n");
    write("app.yml", &router("app"));
    write("mcp-managed/blog.yml", &router("mcp-blog"));
    write("mcp-managed/gone.yml", &router("mcp-gone"));
    write("static.yml", &router("app"));
    let listed = |name: &str| Listed {
        name: Name::parse(name).unwrap(),
        file: format!("mcp-managed/{name}.yml"),
        sha256: String::new(),
        created: String::new(),
        edited: false,
    };
    let listing = Listing { managed: vec![listed("blog"), listed("gone")], ..Listing::default() };
    let files = Files::new(tree::read(folder.path()).unwrap(), listing);
    let (snapshot, entry_points) = (snapshot(), entry_points());
    let view = View { snapshot: &snapshot, entry_points: &entry_points, files: Some(&files), prefix: "mcp-" };

    let route = |full: &str| view.describe(view.routers().find(|l| l.full == full).unwrap(), &Resolver::new(&snapshot));
    assert_eq!(route("app@file").file.as_deref(), Some("app.yml"));
    assert!(!route("app@file").managed);
    let twin = route("websecure-mcp-blog@file");
    assert_eq!((twin.file.as_deref(), twin.managed_name.as_deref()), (Some("mcp-managed/blog.yml"), Some("blog")));

    let found = warnings(&view);
    let told: Vec<_> = found.iter().map(|w| (w.code.as_str(), w.file.as_deref(), w.line)).collect();
    assert_eq!(
        told,
        [
            ("not_live", Some("mcp-managed/gone.yml"), Some(3)),
            ("no_file", None, None),
            ("shadowed", Some("static.yml"), Some(3)),
            ("duplicate_rule", None, None),
        ],
        "{found:?}"
    );
    assert!(found[1].message.contains("mcp-lost@file"));
    assert!(found[2].message.contains("app.yml:3"), "{}", found[2].message);
    assert!(found[3].message.contains("`same@docker` and `mcp-blog@file`"), "{}", found[3].message);

    write("mcp-managed/broken.yml", "http:\n  routers: {}\n");
    let files = Files::new(tree::read(folder.path()).unwrap(), Listing::default());
    let view = View { files: Some(&files), ..view };
    let first = &warnings(&view)[0];
    assert_eq!((first.code.as_str(), first.file.as_deref()), ("tree_broken", Some("mcp-managed/broken.yml")));
}

#[test]
fn warnings_and_lines_are_bounded() {
    let router = json!({"rule": "Host(`a`)", "using": ["web"], "status": "enabled", "priority": 9, "service": "s"});
    let routers: serde_json::Map<_, _> = (0..5000).map(|n| (format!("r{n:04}@file"), router.clone())).collect();
    let snapshot: Snapshot = serde_json::from_value(json!({"routers": routers})).unwrap();
    let view = View { snapshot: &snapshot, entry_points: &[], files: None, prefix: "mcp-" };
    let found = warnings(&view);
    assert_eq!(found.len(), 51);
    let page = select(&view, &Filter::default(), 500, None).unwrap();
    let resolver = Resolver::new(&snapshot);
    let routes: Vec<_> = page.routes.iter().map(|live| view.describe(*live, &resolver)).collect();
    let text = summary(&page.selected, &routes, page.next_cursor.as_deref(), &found);
    assert!(text.starts_with("5000 routes (5000 http): 5000 enabled."), "{text}");
    assert!(text.len() < 10_000 && text.contains("cursor `http/r0499@file`"), "{} bytes", text.len());
}

#[test]
fn one_huge_route_does_not_fill_the_answer() {
    let rule = (0..3000).map(|number| format!("Host(`h{number}.test`)")).collect::<Vec<_>>().join(" || ");
    let errors: Vec<String> = (0..300).map(|_| "x".repeat(10_000)).collect();
    let huge = json!({"rule": rule, "service": "app", "status": "disabled", "error": errors});
    let snapshot: Snapshot = serde_json::from_value(json!({"routers": {"huge@file": huge}})).unwrap();
    let view = View { snapshot: &snapshot, entry_points: &[], files: None, prefix: "mcp-" };
    let page = select(&view, &Filter::default(), 100, None).unwrap();
    let route = view.describe(page.routes[0], &Resolver::new(&snapshot));
    assert_eq!((route.rule.chars().count(), route.rule.ends_with('…')), (LONGEST + 1, true));
    assert_eq!((route.hosts.len(), route.errors.len(), route.errors[0].chars().count()), (NAMED, ERRORS, LONGEST + 1));
}
