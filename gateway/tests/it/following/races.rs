//! Many clients that come and go while the shard is killed: in the end it has been told what is followed and nothing else.

use std::collections::BTreeSet;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tokio::task::JoinSet;

use super::{heard, subscribe, update};
use crate::support::{Events, Gateway, Journal, Legacy, eventually};

const CLIENTS: usize = 8;
const STEPS: usize = 150;
const URIS: usize = 5;
const KILLS: usize = 3;

fn uri(number: usize) -> String {
    format!("fake://item/{number}")
}

/// Subscribes and unsubscribes at random, the same each time for the same `seed`, and gives what it follows in the end. A
/// shard that dies under a request has not agreed, and what was left is left all the same.
async fn come_and_go(mut client: Legacy, seed: usize) -> (Legacy, BTreeSet<String>) {
    let mut followed = BTreeSet::new();
    let mut state = seed as u64;
    for _ in 0..STEPS {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let uri = uri((state >> 33) as usize % URIS);
        let leaves = (state >> 60) % 2 == 0;
        let method = if leaves { "resources/unsubscribe" } else { "resources/subscribe" };
        let answer = client.ask(method, json!({"uri": uri})).await.answer();
        if leaves {
            followed.remove(&uri);
        } else if answer.get("result").is_some() {
            followed.insert(uri);
        }
    }
    (client, followed)
}

/// What the shard's latest process has been told to report on.
fn told(journal: &Journal) -> BTreeSet<String> {
    let mut told = BTreeSet::new();
    for message in journal.messages() {
        let uri = || message["params"]["uri"].as_str().unwrap().to_owned();
        match message["method"].as_str() {
            Some("resources/subscribe") => drop(told.insert(uri())),
            Some("resources/unsubscribe") => drop(told.remove(&uri())),
            _ if message["started"] == true => told.clear(),
            _ => {}
        }
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shard_keeps_what_clients_follow_through_races_and_kills_and_no_more() {
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("fake", journal.marked_fake_shard(&[])).start().await;
    let mut pid = gateway.until("fake", "ready").await["pid"].clone();
    let mut clients = JoinSet::new();
    for seed in 0..CLIENTS {
        clients.spawn(come_and_go(Legacy::open(&gateway, "2025-11-25").await, seed));
    }
    for kills in 1..=KILLS {
        let asked = CLIENTS * STEPS / 2 * kills / (KILLS + 1);
        eventually("the clients go on", async || {
            (journal.messages().len() >= asked || clients.is_empty()).then_some(())
        })
        .await;
        let number = i32::try_from(pid.as_i64().unwrap()).unwrap();
        kill_process(Pid::from_raw(number).unwrap(), Signal::KILL).unwrap();
        pid = eventually("it is back", async || {
            let shard = gateway.shard("fake").await;
            (shard["state"] == "ready" && shard["pid"] != pid).then(|| shard["pid"].clone())
        })
        .await;
    }
    let mut staying = clients.join_all().await;
    for (client, _) in staying.split_off(CLIENTS / 2) {
        let headers = [("mcp-session-id", &*client.session)];
        assert_eq!(gateway.http().await.send("DELETE", "/mcp", &headers, "").await.status, 204);
    }
    let followed: BTreeSet<String> = staying.iter().flat_map(|(_, followed)| followed.clone()).collect();
    eventually(&format!("the shard reports on {followed:?}"), async || (told(&journal) == followed).then_some(()))
        .await;

    let last = "fake://one";
    for (client, _) in &mut staying {
        subscribe(client, last).await;
    }
    let mut speaker = Legacy::open(&gateway, "2025-11-25").await;
    for number in 0..URIS {
        update(&mut speaker, &[&uri(number)]).await;
    }
    update(&mut speaker, &[last]).await;
    for (client, followed) in staying {
        let mut stream = Events::listen(&gateway, &client.session).await;
        let mut told = BTreeSet::new();
        loop {
            let uri = heard(&mut stream).await;
            if uri == last {
                break;
            }
            assert!(told.insert(uri), "an update is told once");
        }
        assert_eq!(told, followed);
    }
    gateway.stop().await;
}
