//! The subscriptions of a third-party server, which reports on its own, by a clock, and only on what it was told.

use std::collections::BTreeSet;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::servers::Servers;
use crate::support::{Events, Gateway, Legacy, eventually};

const ONE: &str = "demo://resource/dynamic/text/1";
const TWO: &str = "demo://resource/dynamic/text/2";
const SHARED: &str = "demo://resource/dynamic/blob/1";

struct Follower {
    client: Legacy,
    stream: Events,
}

impl Follower {
    async fn of(gateway: &Gateway, uris: &[&str]) -> Self {
        let client = Legacy::open(gateway, "2025-11-25").await;
        let stream = Events::listen(gateway, &client.session).await;
        let mut follower = Self { client, stream };
        for uri in uris {
            follower.ask("resources/subscribe", uri).await;
        }
        follower
    }

    async fn ask(&mut self, method: &str, uri: &str) {
        let answer = self.client.ask(method, json!({"uri": uri})).await.answer();
        assert_eq!(answer["result"], json!({}), "{answer}");
    }

    async fn report(&mut self) {
        let said = self.client.call("everything__toggle-subscriber-updates", json!({})).await;
        assert!(said["content"][0]["text"].as_str().unwrap().starts_with("Started"), "{said}");
    }

    /// Reads on until it has heard of as many resources as it follows: these, and no other.
    async fn hears(&mut self, uris: &[&str]) {
        let expected: BTreeSet<_> = uris.iter().map(ToString::to_string).collect();
        let mut heard = BTreeSet::new();
        while heard != expected {
            let message = self.stream.next().await.expect("the stream goes on");
            if message["method"] == "notifications/resources/updated" {
                let uri = message["params"]["uri"].as_str().unwrap().to_owned();
                assert!(expected.contains(&uri), "{uri} is not one of {expected:?}");
                heard.insert(uri);
            }
        }
    }
}

fn kill(shard: &Value) {
    let pid = i32::try_from(shard["pid"].as_i64().unwrap()).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
}

#[tokio::test]
async fn two_clients_hear_of_what_each_follows_also_after_the_server_was_killed() {
    let servers = Servers::lay_out().await;
    servers.drop_in_one("everything");
    let gateway = servers.gateway().start().await;
    let born = gateway.until("everything", "ready").await;
    let mut one = Follower::of(&gateway, &[ONE, SHARED]).await;
    let mut two = Follower::of(&gateway, &[TWO, SHARED]).await;
    one.report().await;
    tokio::join!(one.hears(&[ONE, SHARED]), two.hears(&[TWO, SHARED]));

    kill(&born);
    eventually("the server is back", async || {
        let shard = gateway.shard("everything").await;
        (shard["state"] == "ready" && shard["pid"] != born["pid"]).then_some(())
    })
    .await;
    two.report().await;
    tokio::join!(one.hears(&[ONE, SHARED]), two.hears(&[TWO, SHARED]));

    one.ask("resources/unsubscribe", SHARED).await;
    one.stream = Events::listen(&gateway, &one.client.session).await;
    // Twice, so that the second round began after the first had been told to both.
    for _ in 0..2 {
        tokio::join!(one.hears(&[ONE]), two.hears(&[TWO, SHARED]));
    }
    gateway.stop().await;
}
