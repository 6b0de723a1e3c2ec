//! Names and rules that a human has already, and two writers at once.

use serde_json::{Value, json};

use super::{route, with};
use crate::support::{Backend, Gateway, Shard};

fn part(kind: &str, name: &str, backend: &str) -> String {
    let mut part = json!({"http": {}});
    part["http"][kind][name] = match kind {
        "routers" => json!({"rule": "Host(`theirs.lab.test`)", "entryPoints": ["web"], "service": "human"}),
        "services" => json!({"loadBalancer": {"servers": [{"url": backend}]}}),
        _ => json!({"stripPrefix": {"prefixes": ["/x"]}}),
    };
    part.to_string()
}

#[tokio::test]
async fn a_name_that_a_human_has_is_refused_wherever_the_files_sort() {
    let (lab, gateway) = Gateway::and_lab().await;
    let url = lab.backend().url();
    for file in ["aaa.yml", "zzz.yml", "mcp-managed/a.yml", "mcp-managed/z.yml", "deep/er/x.toml.yml"] {
        for (kind, name) in [("routers", "mcp-app"), ("services", "mcp-app"), ("middlewares", "mcp-app-strip")] {
            lab.write(file, part(kind, name, &url));
            // Not all of them lie where Traefik watches.
            gateway.call("reload_config", json!({})).await.done();
            let arguments = with(route("app", &url), json!({"path_prefix": "/x", "strip_prefix": true}));
            let refused = lab.refusal(gateway.call("create_route", arguments)).await;
            assert!(refused.text.contains(file), "{file} {kind}: {}", refused.text);
            refused.failed("name_conflict");
        }
        lab.remove(file);
    }
    gateway.call("reload_config", json!({})).await.done();
    assert_eq!(gateway.call("create_route", route("app", &url)).await.done()["applied"], true);
}

#[tokio::test]
async fn a_human_file_at_our_path_is_never_replaced() {
    let (lab, gateway) = Gateway::and_lab().await;
    let url = lab.backend().url();
    lab.write("mcp-managed/app.yml", part("services", "elsewhere", &url));
    for change in [json!({}), json!({"overwrite": true}), json!({"overwrite": true, "force": true})] {
        lab.refusal(gateway.call("create_route", with(route("app", &url), change))).await.failed("not_managed");
    }
}

#[tokio::test]
async fn a_rule_that_takes_requests_from_another_route_needs_leave() {
    let (lab, gateway) = Gateway::and_lab().await;
    let url = lab.backend().url();
    for change in [
        json!({"host": "human.lab.test"}),
        json!({"host": "HUMAN.lab.test"}),
        json!({"host": null, "rule": "Host(`human.lab.test`) && PathPrefix(`/deep`)"}),
        json!({"host": null, "rule": "PathPrefix(`/`)", "priority": 1000}),
        json!({"host": "*.lab.test", "priority": 1000}),
    ] {
        let arguments = with(route("app", &url), change);
        let refused = lab.refusal(gateway.call("create_route", arguments)).await;
        assert!(refused.text.contains("human@file"), "{}", refused.text);
        refused.failed("rule_conflict");
    }
    let app = Backend::start("app").await;
    let allowed = json!({"host": null, "rule": "Host(`human.lab.test`) && PathPrefix(`/deep`)", "allow_overlap": true});
    gateway.call("create_route", with(route("app", &app.url()), allowed)).await.done();
    assert_eq!(lab.get("web", "human.lab.test", "/deep").await.body, "app GET /deep");
    assert_eq!(lab.get("web", "human.lab.test", "/").await.body, "human GET /");
    let elsewhere = json!({"host": "human.lab.test", "entry_points": ["websecure"], "tls": {}});
    gateway.call("create_route", with(route("other", &app.url()), elsewhere)).await.done();
}

#[tokio::test]
async fn two_writers_at_once_take_turns_and_one_name_is_given_once() {
    let (lab, gateway) = Gateway::and_lab().await;
    let other = Shard::start(&lab.shard()).await;
    let (mine, theirs) = (Backend::start("mine").await, Backend::start("theirs").await);
    for round in 0..3 {
        let same = |backend: &Backend| with(route("same", &backend.url()), json!({"wait_seconds": 10}));
        let (one, two) =
            tokio::join!(gateway.call("create_route", same(&mine)), other.call("create_route", same(&theirs)));
        assert_ne!(one.is_error, two.is_error, "round {round}: {} / {}", one.text, two.text);
        let winner = if one.is_error { "theirs GET /" } else { "mine GET /" };
        let loser = if one.is_error { one } else { two };
        loser.failed("name_conflict");
        assert_eq!(lab.get("web", "same.lab.test", "/").await.body, winner);
        let (a, b) = (format!("a-{round}"), format!("b-{round}"));
        let (one, two) = tokio::join!(
            gateway.call("create_route", route(&a, &mine.url())),
            other.call("create_route", route(&b, &theirs.url()))
        );
        assert_eq!((&one.done()["applied"], &two.done()["applied"]), (&json!(true), &json!(true)));
        assert_eq!(lab.get("web", &format!("{a}.lab.test"), "/").await.body, "mine GET /");
        assert_eq!(lab.get("web", &format!("{b}.lab.test"), "/").await.body, "theirs GET /");
        let gone: Value = gateway.call("delete_route", json!({"name": "same"})).await.done();
        assert_eq!(gone["deleted"], true);
    }
    lab.assert_tidy();
    other.end().await;
}
