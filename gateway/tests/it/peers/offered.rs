//! Everything that the gateway lists can be handed to an OpenAI-like provider.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::hostile::{Fate, is_only_mended, tools};
use super::openai::complaints;
use super::servers::{Servers, exposed, names};
use crate::support::{Gateway, Legacy, fake_shard};

/// The tools as both eras see them, which must be the same ones.
async fn listed(gateway: &Gateway) -> Vec<Value> {
    let mut legacy = Legacy::open(gateway, "2025-11-25").await;
    let legacy = legacy.ask("tools/list", json!({})).await.answer()["result"]["tools"].take();
    let modern = gateway.modern("tools/list", json!({})).await.answer()["result"]["tools"].take();
    assert_eq!(legacy, modern);
    let Value::Array(tools) = modern else { panic!("no list: {modern}") };
    let unique: BTreeSet<&str> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(unique.len(), tools.len(), "a name twice");
    tools
}

#[track_caller]
fn assert_all_pass(tools: &[Value]) {
    let refused: Vec<_> = tools.iter().filter(|tool| !complaints(tool).is_empty()).collect();
    assert!(refused.is_empty(), "{:#?}", refused.iter().map(|tool| (complaints(tool), tool)).collect::<Vec<_>>());
}

#[test]
fn the_checker_refuses_every_hostile_tool_as_its_shard_wrote_it() {
    for (fate, text) in tools() {
        let refused = complaints(&serde_json::from_str(&text).unwrap());
        assert_eq!(refused.is_empty(), fate == Fate::Untouched, "{fate:?} {text}: {refused:?}");
    }
}

#[tokio::test]
async fn every_tool_of_the_eight_servers_is_one_that_openai_takes() {
    let servers = Servers::lay_out().await;
    servers.drop_in();
    let gateway = servers.gateway().start().await;
    for name in names() {
        gateway.until(&name, "ready").await;
    }
    let tools = listed(&gateway).await;
    assert_eq!(tools.len(), exposed("tools").len());
    assert_all_pass(&tools);
    gateway.stop().await;
}

/// Under a prefix and without one: a name has its full length for itself only there.
#[tokio::test]
async fn every_hostile_tool_is_mended_or_left_out_and_reported() {
    for prefix in ["hostile", ""] {
        check_the_hostile_shard(prefix).await;
    }
}

async fn check_the_hostile_shard(prefix: &str) {
    let dir = Arc::new(TempDir::new().unwrap());
    let file = dir.path().join("tools.json");
    let texts: Vec<String> = tools().into_iter().map(|(_, text)| text).collect();
    fs::write(&file, format!("[{}]", texts.join(","))).unwrap();
    let shard = format!("{}prefix: {}\n", fake_shard(&["--tools-file", &file.to_string_lossy()]), json!(prefix));
    let gateway = Gateway::builder().in_dir(&dir).shard("hostile", shard).start().await;
    gateway.until("hostile", "ready").await;

    let listed = listed(&gateway).await;
    assert_all_pass(&listed);
    let mut by_own: BTreeMap<&str, &Value> =
        listed.iter().map(|tool| (tool["description"].as_str().unwrap(), tool)).collect();
    let mut left_out = 0;
    for (fate, text) in tools() {
        let before: Value = serde_json::from_str(&text).unwrap();
        let after = before["description"].as_str().and_then(|own| by_own.remove(own));
        assert_eq!(after.is_none(), fate == Fate::LeftOut, "{text}: {after:?}; log:\n{}", gateway.log());
        let Some(after) = after else {
            left_out += 1;
            continue;
        };
        let schemas = (&before["inputSchema"], &after["inputSchema"]);
        assert!(is_only_mended(schemas.0, schemas.1), "{schemas:?}");
        if fate == Fate::Untouched {
            let name = before["name"].as_str().unwrap();
            let name = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}__{name}") };
            assert_eq!((after["name"].as_str().unwrap(), schemas.1), (&*name, schemas.0), "{text}");
        }
    }
    assert!(by_own.is_empty(), "never written: {by_own:?}");
    assert_each_is_reported(&gateway, left_out).await;
    assert_each_is_called_by_its_own_name(&gateway, &listed).await;
    gateway.stop().await;
}

async fn assert_each_is_reported(gateway: &Gateway, left_out: usize) {
    let health = gateway.health().await;
    let problems = health["problems"].as_array().unwrap();
    assert!(problems.iter().all(|problem| problem["file"].as_str().unwrap().ends_with("hostile.yaml")), "{health}");
    assert_eq!(problems.len(), left_out, "{problems:#?}");
}

/// However much two names look alike, a call reaches the tool that was meant.
async fn assert_each_is_called_by_its_own_name(gateway: &Gateway, listed: &[Value]) {
    let mut client = Legacy::open(gateway, "2025-11-25").await;
    for tool in listed {
        let result = client.call(tool["name"].as_str().unwrap(), json!({"a": 1})).await;
        assert_eq!(result["structuredContent"], json!({"tool": tool["description"], "arguments": {"a": 1}}));
    }
}
