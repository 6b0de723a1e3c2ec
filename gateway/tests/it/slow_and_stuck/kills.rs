//! Shards that are killed while clients call them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{Gateway, Http, Journal, Legacy, eventually};

const SHARDS: [&str; 3] = ["s0", "s1", "s2"];
const CLIENTS: usize = 8;
const KILLS: usize = 12;

/// Calls one shard after the other until it is told to stop, each call with a token of its own, and gives every answer.
async fn call_on(host: String, session: String, client: usize, stop: Arc<AtomicBool>) -> Vec<(String, String, Value)> {
    let mut http = Http::connect(&host).await;
    let mut answers = Vec::new();
    for (number, shard) in SHARDS.iter().cycle().skip(client).enumerate() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let token = format!("{client}-{number}");
        let params = json!({"name": format!("{shard}__echo"), "arguments": {"token": token}});
        let request = json!({"jsonrpc": "2.0", "id": token, "method": "tools/call", "params": params});
        let response = http.send("POST", "/mcp", &[("mcp-session-id", &session)], request.to_string()).await;
        answers.push(((*shard).to_owned(), token, response.answer()));
    }
    answers
}

#[tokio::test]
async fn calls_of_killed_shards_end_once_and_name_the_shard_and_every_shard_comes_back() {
    let journals: Vec<_> = SHARDS.iter().map(|_| Journal::new()).collect();
    let mut builder = Gateway::builder();
    for (name, journal) in SHARDS.iter().zip(&journals) {
        builder = builder.shard(name, journal.fake_shard(&[]));
    }
    let gateway = builder.start().await;
    for name in SHARDS {
        gateway.until(name, "ready").await;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let mut calling = JoinSet::new();
    for client in 0..CLIENTS {
        let session = Legacy::open(&gateway, "2025-11-25").await.session;
        calling.spawn(call_on(gateway.host().to_owned(), session, client, Arc::clone(&stop)));
    }
    for name in SHARDS.iter().cycle().take(KILLS) {
        let before = gateway.until(name, "ready").await["pid"].clone();
        let pid = Pid::from_raw(i32::try_from(before.as_i64().unwrap()).unwrap()).unwrap();
        kill_process(pid, Signal::KILL).unwrap();
        eventually("the shard has another process", async || {
            let shard = gateway.shard(name).await;
            (shard["state"] == "ready" && shard["pid"] != before).then_some(())
        })
        .await;
    }
    stop.store(true, Ordering::Relaxed);
    let (mut answered, mut refused) = (0, 0);
    while let Some(answers) = calling.join_next().await {
        for (shard, token, answer) in answers.unwrap() {
            assert_eq!(answer["id"], json!(token));
            if answer["result"]["structuredContent"] == json!({"token": token}) {
                answered += 1;
                continue;
            }
            let told = answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}"));
            assert!(told.contains(&format!("shard `{shard}`")), "{told}");
            refused += 1;
        }
    }
    assert!(answered > KILLS * CLIENTS, "{answered} answered, {refused} refused");
    for journal in &journals {
        let mut runs: HashMap<String, u32> = HashMap::new();
        for call in journal.of("tools/call") {
            *runs.entry(call["params"]["arguments"]["token"].to_string()).or_default() += 1;
        }
        let twice: BTreeMap<_, _> = runs.into_iter().filter(|(_, count)| *count > 1).collect();
        assert_eq!(twice, BTreeMap::new());
    }
    gateway.stop().await;
}
