//! One shard that never answers does not keep the others from being listed (DESIGN D3).

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Builder, Gateway, Legacy, fake_shard, template_shard};

const SILENT: &[&str] = &["--on-discover", "silent", "--on-initialize", "silent"];

/// Nine good shards of each kind, and one that never says a word. None starts before the file `go` is there.
fn ten_shards(dir: &Arc<TempDir>) -> Builder {
    let go = dir.path().join("go");
    // Who waits for this one waits longer than any test does.
    let silent = gated(&go, &fake_shard(SILENT)) + "timeouts: { start: 1h }\n";
    let mut builder = Gateway::builder().in_dir(dir).shard("silent", silent);
    for (at, era) in ["legacy", "modern", "python", "ts", "legacy", "python"].into_iter().enumerate() {
        builder = builder.shard(&format!("fake-{at}"), gated(&go, &fake_shard(&["--era", era])));
    }
    for at in 0..3 {
        builder = builder.shard(&format!("host-{at}"), gated(&go, &template_shard()));
    }
    builder
}

/// A shard file that waits for a file before it starts what `shard` names.
fn gated(go: &Path, shard: &str) -> String {
    let wait = format!("while [ ! -e '{}' ]; do sleep 0.1; done; exec \"$0\" \"$@\"", go.display());
    let shard: Value = serde_yaml::from_str(shard).unwrap();
    let args = shard["args"].as_array().cloned().unwrap_or_default();
    let line: Vec<Value> = [json!("-c"), json!(wait), shard["command"].clone()].into_iter().chain(args).collect();
    // A dollar is written twice in a shard file.
    format!("command: sh\nargs: {}\n", json!(line).to_string().replace('$', "$$"))
}

fn shards_of(tools: &[String]) -> BTreeSet<&str> {
    tools.iter().map(|tool| tool.split_once("__").expect("a prefix").0).collect()
}

async fn states(gateway: &Gateway) -> BTreeSet<String> {
    let health = gateway.health().await;
    health["shards"].as_array().unwrap().iter().map(|shard| shard["state"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_silent_shard_holds_up_a_first_list_for_a_while_and_the_next_ones_not_at_all() {
    let dir = Arc::new(TempDir::new().unwrap());
    fs::write(dir.path().join("go"), "").unwrap();
    let good: BTreeSet<String> =
        (0..6).map(|at| format!("fake-{at}")).chain((0..3).map(|at| format!("host-{at}"))).collect();
    let good: BTreeSet<&str> = good.iter().map(String::as_str).collect();

    let gateway = ten_shards(&dir).start().await;
    let (modern, legacy) = tokio::join!(gateway.modern("tools/list", json!({})), async {
        Legacy::open(&gateway, "2025-11-25").await.tools().await
    });
    assert_eq!(shards_of(&legacy), good, "log:\n{}", gateway.log());
    assert_eq!(modern.answer()["result"]["tools"].as_array().unwrap().len(), legacy.len());
    assert_eq!(gateway.shard("silent").await["state"], "starting", "nobody has given it up");
    gateway.stop().await;

    fs::remove_file(dir.path().join("go")).unwrap();
    let gateway = ten_shards(&dir).start().await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    assert_eq!(client.tools().await, legacy);
    assert_eq!(gateway.modern("tools/list", json!({})).await.answer(), modern.answer());
    assert_eq!(states(&gateway).await, BTreeSet::from(["starting".to_owned()]), "none has had to be there for it");

    let (answered, ()) = tokio::join!(client.call("fake-1__echo", json!({"a": 1})), async {
        fs::write(dir.path().join("go"), "").unwrap();
    });
    assert_eq!(answered["structuredContent"], json!({"a": 1}), "a call waits for its shard");
    gateway.stop().await;
}
