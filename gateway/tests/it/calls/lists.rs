//! Lists in both eras.

use serde_json::json;

use super::{ERAS, Pair};
use crate::support::{Gateway, Legacy, fake_shard};

const METHODS: [&str; 4] = ["tools/list", "prompts/list", "resources/list", "resources/templates/list"];

/// Checks the caching hints of all lists of these shards.
async fn check_hints(shards: &[String], ttl: u64, scope: &str) {
    let names: Vec<_> = (0..shards.len()).map(|at| format!("shard{at}")).collect();
    let pairs = names.iter().zip(shards);
    let gateway = pairs.fold(Gateway::builder(), |builder, (name, file)| builder.shard(name, file)).start().await;
    for name in &names {
        gateway.until(name, "ready").await;
    }
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    for method in METHODS {
        let result = gateway.modern(method, json!({})).await.answer()["result"].take();
        let hints = (&result["resultType"], &result["ttlMs"], &result["cacheScope"]);
        assert_eq!(hints, (&json!("complete"), &json!(ttl), &json!(scope)), "{method} of {shards:?}");
        let result = client.ask(method, json!({})).await.answer()["result"].take();
        let keys: Vec<_> = result.as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys.len(), 1, "{method}: {keys:?}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn lists_carry_the_strictest_caching_hints_and_only_to_modern_clients() {
    let modern = |ttl: &str, scope: &str| fake_shard(&["--era", "modern", "--ttl-ms", ttl, "--cache-scope", scope]);
    check_hints(&[modern("5000", "public"), modern("7000", "public")], 5000, "public").await;
    check_hints(&[modern("5000", "public"), modern("7000", "private")], 5000, "private").await;
    check_hints(&[modern("5000", "public"), fake_shard(&[])], 0, "private").await;
}

#[tokio::test]
async fn a_list_is_one_page_and_a_cursor_is_refused() {
    let shard = fake_shard(&["--tools", "50", "--page-size", "7"]);
    let gateway = Gateway::builder().shard("fake", shard).start().await;
    gateway.until("fake", "ready").await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    let tools = client.tools().await;
    assert!(tools.len() > 50 && tools.last().unwrap() == "fake__t49", "{tools:?}");
    for method in METHODS {
        for cursor in [json!("7"), json!(7), json!(null)] {
            assert_eq!(client.ask(method, json!({"cursor": cursor})).await.code(), Some(-32602), "{method} {cursor}");
            let modern = gateway.modern(method, json!({"cursor": cursor})).await;
            assert_eq!((modern.status, modern.code()), (200, Some(-32602)), "{method} {cursor}");
        }
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_shard_whose_cursor_repeats_is_listed_and_reported() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&["--repeat-cursor"])).start().await;
    gateway.until("fake", "ready").await;
    assert!(Legacy::open(&gateway, "2025-11-25").await.tools().await.contains(&"fake__echo".to_owned()));
    let problems = gateway.health().await["problems"].to_string();
    assert!(problems.contains("`tools/list` repeats the cursor `again`"), "{problems}");
    gateway.stop().await;
}

#[tokio::test]
async fn both_eras_list_the_same_items() {
    let pair = Pair::start().await;
    for (method, member) in METHODS.into_iter().zip(["tools", "prompts", "resources", "resourceTemplates"]) {
        let lists = [
            pair.result(ERAS[0], method, json!({})).await[member].take(),
            pair.result(ERAS[1], method, json!({})).await[member].take(),
        ];
        assert_eq!(lists[0], lists[1]);
        assert!(!lists[0].as_array().unwrap().is_empty());
    }
    pair.gateway.stop().await;
}
