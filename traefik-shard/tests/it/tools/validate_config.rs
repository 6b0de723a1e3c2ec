//! `validate_config`.

use serde_json::json;

use super::{codes, find, route, unreachable};
use crate::support::{Backend, Gateway};

const GOOD: &str = "\
http:
  routers:
    app:
      rule: Host(`app.lab.test`)
      entryPoints: [web]
      service: app
  services:
    app:
      loadBalancer:
        servers:
          - url: http://127.0.0.1:9000
";

#[tokio::test]
async fn a_good_document_would_load_and_a_bad_one_says_first_that_it_freezes_everything() {
    let (lab, gateway) = Gateway::and_lab().await;
    let before = lab.tree_bytes();
    let good = gateway.call("validate_config", json!({"content": GOOD})).await.done();
    assert_eq!((&good["valid"], &good["would_load"]), (&json!(true), &json!("yes")), "{good:#}");
    let bad = GOOD.replace("      service: app\n", "      servise: app\n");
    let bad = gateway.call("validate_config", json!({"content": bad})).await;
    let first = bad.text.lines().next().unwrap().to_lowercase();
    assert!(first.contains("freeze"), "{}", bad.text);
    let bad = bad.done();
    assert_eq!((&bad["valid"], &bad["would_load"]), (&json!(false), &json!("no")));
    let finding = &bad["findings"][0];
    assert_eq!((&finding["severity"], &finding["line"]), (&json!("error"), &json!(6)), "{finding}");
    assert!(finding["message"].as_str().unwrap().contains("servise"), "{finding}");
    assert!(finding["path"].as_str().unwrap().contains("app"), "{finding}");
    assert!(lab.tree_bytes() == before, "it never writes");
}

#[tokio::test]
async fn toml_is_checked_as_well() {
    let (_lab, gateway) = Gateway::and_lab().await;
    let good =
        "[http.services.app.loadBalancer]\n[[http.services.app.loadBalancer.servers]]\nurl = \"http://127.0.0.1:9\"\n";
    let checked = gateway.call("validate_config", json!({"content": good, "format": "toml"})).await.done();
    assert_eq!(checked["would_load"], "yes", "{checked:#}");
    for bad in [good.replace("url", "uri"), good.replace("]]", "]")] {
        let checked = gateway.call("validate_config", json!({"content": bad, "format": "toml"})).await.done();
        assert_eq!(checked["would_load"], "no", "{checked:#}");
        assert!(checked["findings"][0]["line"].is_u64(), "{checked:#}");
    }
}

#[tokio::test]
async fn the_live_check_finds_what_only_traefik_knows() {
    let (_lab, gateway) = Gateway::and_lab().await;
    let odd = GOOD.replace("[web]", "[nowhere]").replace("      service: app\n", "      service: app@docker\n");
    let live = gateway.call("validate_config", json!({"content": odd, "live": true})).await.done();
    assert_eq!((&live["valid"], &live["would_load"]), (&json!(false), &json!("yes")), "{live:#}");
    let said = live["findings"].to_string();
    assert!(said.contains("nowhere") && said.contains("app@docker"), "{said}");
    let offline = gateway.call("validate_config", json!({"content": odd, "live": false})).await.done();
    assert!(!offline["findings"].to_string().contains("nowhere"), "{offline:#}");
}

#[tokio::test]
async fn an_empty_document_would_load_and_says_that_it_is_empty() {
    let (_lab, gateway) = Gateway::and_lab().await;
    for content in ["", "# nothing\n", "{}"] {
        let empty = gateway.call("validate_config", json!({"content": content})).await.done();
        assert_eq!(empty["would_load"], "yes", "{content:?}: {empty:#}");
    }
}

#[tokio::test]
async fn a_managed_file_and_the_whole_tree_are_checked_where_they_lie() {
    let (lab, gateway) = Gateway::and_lab().await;
    let app = Backend::start("app").await;
    gateway.call("create_route", route("app", &app.url())).await.done();
    let managed = gateway.call("validate_config", json!({"name": "app"})).await.done();
    assert_eq!((&managed["valid"], &managed["would_load"]), (&json!(true), &json!("yes")), "{managed:#}");
    let all = gateway.call("validate_config", json!({"all": true})).await.done();
    assert_eq!(all["would_load"], "yes", "{all:#}");
    lab.write("broken.yml", "http:\n  routers:\n    x:\n      rule: a\n      rule: b\n");
    let all = gateway.call("validate_config", json!({"all": true})).await.done();
    assert_eq!((&all["valid"], &all["would_load"]), (&json!(false), &json!("no")));
    let finding = find(&all["findings"], "file", "broken.yml");
    assert_eq!((&finding["severity"], &finding["line"]), (&json!("error"), &json!(5)), "{:?}", codes(&all["findings"]));
}

#[tokio::test]
async fn no_document_two_documents_and_unknown_names_are_refused() {
    let (_lab, gateway) = Gateway::and_lab().await;
    for arguments in [json!({}), json!({"content": GOOD, "all": true}), json!({"content": GOOD, "name": "app"})] {
        gateway.call("validate_config", arguments).await.failed("invalid_input");
    }
    gateway.call("validate_config", json!({"name": "../human"})).await.failed("invalid_input");
    gateway.call("validate_config", json!({"name": "nobody"})).await.failed("not_found");
    assert!(gateway.call("validate_config", json!({"content": GOOD, "format": "json5"})).await.is_error);
    let huge = format!("# {}\n{GOOD}", "x".repeat(8 * 1024 * 1024));
    gateway.call("validate_config", json!({"content": huge})).await.failed("invalid_input");
}

#[tokio::test]
async fn without_traefik_it_checks_all_that_can_be_checked_and_says_what_not() {
    let (_lab, gateway, nobody) = unreachable().await;
    let checked = gateway.call("validate_config", json!({"content": GOOD})).await;
    let said = format!("{} {}", checked.text, checked.structured);
    assert!(said.contains(&nobody.url()), "{said}");
    let checked = checked.done();
    assert_eq!(checked["would_load"], "yes", "{checked:#}");
    let all = gateway.call("validate_config", json!({"all": true, "live": false})).await.done();
    assert_eq!(all["would_load"], "yes", "{all:#}");
}
