//! The rig against a real gateway, in both eras.
//!
//! Invariant: the gateway is the one that the workspace has built beside `bench`.

use std::path::Path;
use std::time::Duration;

use bench::rig::{Client, Gateway, Outcome, cpu_time, descendants, is_alive};
use gateway::wire::Era;

const ERAS: [Era; 2] = [Era::Legacy, Era::Modern];

fn built(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_BIN_EXE_bench")).with_file_name(name)
}

fn echo(flags: &[&str]) -> String {
    let arguments: Vec<&str> = [&["echo"], flags].concat();
    format!("command: {}\nargs: {}\n", built("bench").display(), serde_json::json!(arguments))
}

#[tokio::test]
async fn each_era_gets_its_own_tokens_back_from_each_era() {
    let shards = ERAS.map(|era| (era.as_str(), echo(&["--era", era.as_str(), "--tools", "3"])));
    let gateway = Gateway::start(&built("mcp-gateway"), &shards, &[]).await.unwrap();
    gateway.until_ready(2, Duration::from_secs(20)).await.unwrap();
    for client_era in ERAS {
        let mut client = Client::connect(gateway.host(), client_era).await.unwrap();
        assert_eq!(client.tools().await.unwrap().len(), 6);
        for shard in ERAS {
            assert_eq!(gateway.shard(shard.as_str()).await.unwrap()["era"], shard.as_str());
            let call = client.prepare(&format!("{}__echo_2", shard.as_str())).unwrap();
            assert_eq!(client.call(&call).await, Outcome::Echoed);
            assert_eq!(client.call(&call).await, Outcome::Echoed);
        }
        let unknown = client.prepare("legacy__nothing").unwrap();
        assert!(matches!(client.call(&unknown).await, Outcome::Refused(text) if text.contains("legacy__nothing")));
    }
    assert!(gateway.memory().unwrap().anonymous > 0 && cpu_time(gateway.pid()).unwrap() > Duration::ZERO);
    let children = descendants(gateway.pid());
    assert_eq!(children.len(), 2);
    assert!(gateway.stop().await.unwrap().success());
    assert!(!children.into_iter().any(is_alive));
}

#[tokio::test]
async fn a_journal_holds_each_executed_call_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    let shards = [("a", echo(&["--journal", path.to_str().unwrap()]))];
    let gateway = Gateway::start(&built("mcp-gateway"), &shards, &[]).await.unwrap();
    gateway.until_ready(1, Duration::from_secs(20)).await.unwrap();
    let mut client = Client::connect(gateway.host(), Era::Modern).await.unwrap();
    let call = client.prepare("a__echo").unwrap();
    let mut tokens = String::new();
    for _ in 0..3 {
        assert_eq!(client.call(&call).await, Outcome::Echoed);
        tokens += &(client.last_token() + "\n");
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), tokens);
    gateway.remove_shard("a").unwrap();
    gateway.until_ready(0, Duration::from_secs(20)).await.unwrap();
    assert!(gateway.stop().await.unwrap().success());
}
