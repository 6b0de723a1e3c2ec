//! `list_routes`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{assert_unreachable, find, route, unreachable};
use crate::support::{Backend, Gateway, HASH, PASSWORD, TOKEN};

fn names(answer: &Value) -> BTreeSet<&str> {
    answer["routes"].as_array().unwrap().iter().map(|route| route["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn routes_of_all_protocols_are_listed_with_what_stands_behind_them() {
    let (_lab, gateway) = Gateway::and_lab().await;
    let listed = gateway.call("list_routes", json!({})).await;
    for secret in [HASH, PASSWORD, TOKEN] {
        assert!(!listed.text.contains(secret) && !listed.structured.to_string().contains(secret), "{secret}");
    }
    assert!(listed.text.contains("human.lab.test"), "{}", listed.text);
    let listed = listed.done();
    let all = ["datagrams@file", "guarded@file", "half@file", "human@file", "raw@file", "secure@file"];
    assert_eq!(names(&listed), all.into());
    assert_eq!((&listed["total"], &listed["traefik_version"]), (&json!(6), &json!("3.7.15")));
    let human = find(&listed["routes"], "name", "human@file");
    assert_eq!(human["rule"], "Host(`human.lab.test`)");
    assert_eq!(human["hosts"], json!(["human.lab.test"]));
    assert_eq!(
        (&human["provider"], &human["managed"], &human["status"]),
        (&json!("file"), &json!(false), &json!("enabled"))
    );
    assert_eq!((&human["entry_points"], &human["using"]), (&json!(["web"]), &json!(["web"])));
    assert_eq!(human["middlewares"], json!(["stamp@file"]));
    assert_eq!(human["tls"]["enabled"], false);
    assert_eq!(find(&listed["routes"], "name", "secure@file")["tls"]["enabled"], true);
    assert_eq!(find(&listed["routes"], "name", "half@file")["servers"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn each_filter_keeps_what_it_names() {
    let (lab, gateway) = Gateway::and_lab().await;
    let app = Backend::start("app").await;
    gateway.call("create_route", route("app", &app.url())).await.done();
    lab.write("odd.yml", "http:\n  routers:\n    odd:\n      rule: Host(`odd.lab.test`)\n      service: nowhere\n");
    lab.until("the odd route is there", async |lab| lab.api("/http/routers/odd@file").await).await;
    for (filter, expected) in [
        (json!({"protocol": "tcp"}), vec!["raw@file"]),
        (json!({"protocol": "udp"}), vec!["datagrams@file"]),
        (json!({"host": "human.lab.test", "protocol": "http"}), vec!["human@file"]),
        (json!({"host": "human.lab.test"}), vec!["human@file", "raw@file"]),
        (json!({"search": "DATAGRAMS"}), vec!["datagrams@file"]),
        (json!({"entry_point": "websecure", "protocol": "http", "status": "enabled"}), vec!["secure@file"]),
        (json!({"status": "disabled"}), vec!["odd@file"]),
        (json!({"managed_only": true}), vec!["mcp-app@file"]),
        (json!({"provider": "file", "search": "app"}), vec!["mcp-app@file"]),
        (json!({"provider": "docker"}), vec![]),
    ] {
        let listed = gateway.call("list_routes", filter.clone()).await.done();
        assert_eq!(names(&listed), expected.iter().copied().collect(), "{filter}");
        assert_eq!(listed["total"], expected.len(), "{filter}");
    }
    let internal = gateway.call("list_routes", json!({"include_internal": true, "provider": "internal"})).await.done();
    assert!(names(&internal).contains("api@internal"), "{internal:#}");
    let odd = gateway.call("list_routes", json!({"status": "disabled"})).await.done();
    assert!(odd["routes"][0]["errors"].to_string().contains("nowhere"), "{odd:#}");
    let managed = gateway.call("list_routes", json!({"managed_only": true})).await.done();
    assert_eq!(managed["routes"][0]["file"], "mcp-managed/app.yml");
}

#[tokio::test]
async fn pages_join_to_the_whole_list() {
    let (_lab, gateway) = Gateway::and_lab().await;
    let (mut seen, mut cursor) = (Vec::new(), Value::Null);
    for page in 0.. {
        let mut arguments = json!({"limit": 4});
        if page > 0 {
            arguments["cursor"] = cursor;
        }
        let listed = gateway.call("list_routes", arguments).await.done();
        seen.extend(names(&listed).into_iter().map(str::to_owned));
        assert_eq!(listed["total"], 6);
        cursor = listed["next_cursor"].clone();
        if cursor.is_null() {
            assert_eq!(page, 1);
            break;
        }
    }
    assert_eq!(seen.len(), 6);
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 6);
}

#[tokio::test]
async fn a_filter_that_nothing_meets_gives_an_empty_list_and_says_so() {
    let (_lab, gateway) = Gateway::and_lab().await;
    let nothing = gateway.call("list_routes", json!({"host": "nobody.lab.test", "protocol": "http"})).await;
    assert!(nothing.text.to_lowercase().contains("no "), "{}", nothing.text);
    let nothing = nothing.done();
    assert_eq!((&nothing["routes"], &nothing["total"]), (&json!([]), &json!(0)));
}

#[tokio::test]
async fn filters_that_cannot_be_meant_are_refused() {
    let (_lab, gateway) = Gateway::and_lab().await;
    for arguments in [json!({"cursor": "no such cursor"}), json!({"limit": 0})] {
        gateway.call("list_routes", arguments).await.failed("invalid_input");
    }
    for arguments in [json!({"protocol": "smtp"}), json!({"status": "happy"}), json!({"limit": -1})] {
        assert!(gateway.call("list_routes", arguments).await.is_error);
    }
}

#[tokio::test]
async fn a_managed_file_that_traefik_has_not_read_is_told_as_drift() {
    let (lab, gateway) = Gateway::and_lab().await;
    let app = Backend::start("app").await;
    gateway.call("create_route", route("app", &app.url())).await.done();
    let text = String::from_utf8(lab.tree_bytes()["mcp-managed/app.yml"].clone()).unwrap();
    // Traefik does not watch the folder.
    let late = [("mcp-app", "mcp-late"), ("app.lab", "late.lab"), ("name: app", "name: late")];
    let text = late.iter().fold(text, |text, (old, new)| text.replace(old, new));
    lab.write("mcp-managed/late.yml", text);
    let listed = gateway.call("list_routes", json!({})).await.done();
    assert!(listed["warnings"].to_string().contains("late"), "{:#}", listed["warnings"]);
    assert!(!listed["warnings"].to_string().contains("app.yml"), "{:#}", listed["warnings"]);
}

#[tokio::test]
async fn a_name_in_two_files_and_a_rule_of_two_routers_are_warned_of() {
    let (lab, gateway) = Gateway::and_lab().await;
    let router = |name: &str, host: &str| {
        let rule = format!("Host(`{host}.lab.test`)");
        json!({"http": {"routers": {name: {"rule": rule, "service": "human", "entryPoints": ["web"]}}}}).to_string()
    };
    lab.write("a.yml", router("twice", "one"));
    lab.write("b.yml", router("twice", "two"));
    lab.write("c.yml", router("copy", "human"));
    lab.until("all are there", async |lab| {
        lab.api("/http/routers/twice@file").await.and(lab.api("/http/routers/copy@file").await)
    })
    .await;
    let warnings = gateway.call("list_routes", json!({})).await.done()["warnings"].to_string();
    assert!(warnings.contains("twice") && warnings.contains("b.yml"), "{warnings}");
    assert!(warnings.contains("copy@file") && warnings.contains("human@file"), "{warnings}");
}

#[tokio::test]
async fn without_traefik_the_address_is_named() {
    let (_lab, gateway, nobody) = unreachable().await;
    assert_unreachable(gateway.call("list_routes", json!({})).await, &nobody);
}
