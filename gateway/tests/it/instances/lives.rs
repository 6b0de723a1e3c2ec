//! The children beside the first when the shard sleeps, restarts or stops.

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{child, open, pids, until_children};
use crate::support::{Gateway, Journal, eventually};

async fn start(journal: &Journal, more: &str) -> Gateway {
    let gateway = Gateway::builder().shard("fake", journal.fake_shard(&["--tasks"]) + more).start().await;
    gateway.until("fake", "ready").await;
    gateway
}

#[tokio::test]
async fn a_restart_gives_a_session_no_new_child_before_the_old_ones_are_gone() {
    for instances in ["per_session", "exclusive"] {
        let (old, new) = (Journal::new(), Journal::new());
        let more = format!("instances: {instances}\nreload: restart\n");
        let gateway = start(&old, &more).await;
        let (mut slow, mut quick) = (open(&gateway, json!({})).await, open(&gateway, json!({})).await);
        let before = child(&mut quick).await;
        let (slept, after) = tokio::join!(slow.call("fake__sleep", json!({"ms": 1200})), async {
            old.call_of("sleep").await;
            gateway.write_shard("fake", &(new.fake_shard(&["--tools", "1"]) + &more));
            gateway.until("fake", "draining").await;
            let waits = child(&mut quick);
            let begins = eventually("a new child is spoken to", async || {
                let begun = !new.messages().is_empty();
                begun.then(|| old.keepers())
            });
            let (after, beside) = tokio::join!(waits, begins);
            assert!(beside.is_empty(), "{instances}: a new child beside {beside:?}");
            after
        });
        assert_eq!(slept["content"][0]["text"], "slept 1200 ms", "{instances}");
        assert_ne!(before, after);
        gateway.stop().await;
    }
}

#[tokio::test]
async fn the_child_of_a_session_sleeps_when_it_is_idle_and_wakes_for_its_session() {
    let journal = Journal::new();
    let gateway = start(&journal, "instances: per_session\nidle_stop: 1s\n").await;
    let mut client = open(&gateway, json!({})).await;
    let first = child(&mut client).await;
    let slept = client.call("fake__sleep", json!({"ms": 1500})).await;
    assert_eq!(slept["content"][0]["text"], "slept 1500 ms");
    eventually("all children sleep", async || gateway.children().is_empty().then_some(())).await;
    let second = child(&mut client).await;
    assert_ne!(first, second);
    assert_eq!(pids(&gateway).await.len(), gateway.children().len());
    assert_eq!(gateway.shard("fake").await["failed"], 0);
    gateway.stop().await;
}

#[tokio::test]
async fn no_child_at_work_on_a_task_is_ended_because_nobody_calls_it() {
    for instances in ["per_session", "exclusive"] {
        let journal = Journal::new();
        let gateway = start(&journal, &format!("instances: {instances}\nidle_stop: 1s\n")).await;
        let mut client = open(&gateway, json!({})).await;
        let params = json!({"name": "fake__echo", "arguments": {"ms": 2500}, "task": {"ttl": 60_000}});
        let made = client.ask("tools/call", params).await.answer();
        let id = json!({"taskId": made["result"]["task"]["taskId"]});
        let at_work = gateway.children();
        let result = eventually("the task ends of itself", async || {
            let answer = client.ask("tasks/get", id.clone()).await.answer();
            match answer["result"]["status"].as_str() {
                Some("working") => None,
                Some("completed") => Some(client.ask("tasks/result", id.clone()).await.answer()),
                _ => panic!("{instances}: {answer}"),
            }
        })
        .await;
        assert_eq!(result["result"]["structuredContent"], json!({"slept": 2500}), "{instances}");
        assert!(!at_work.is_disjoint(&gateway.children()), "{instances}");
        eventually("now all sleep", async || gateway.children().is_empty().then_some(())).await;
        gateway.stop().await;
    }
}

#[tokio::test]
async fn a_gateway_that_stops_leaves_no_child_of_a_pool_at_work_or_not() {
    for instances in ["per_session", "exclusive"] {
        let journal = Journal::new();
        let gateway = start(&journal, &format!("instances: {instances}\n")).await;
        let mut calls: JoinSet<()> = JoinSet::new();
        for number in 0..3 {
            let mut client = open(&gateway, json!({})).await;
            let tool = if number == 0 { "fake__whoami" } else { "fake__hang" };
            // The gateway stops under it: it is refused, cut or answered.
            calls.spawn(async move {
                client.ask("tools/call", json!({"name": tool, "arguments": {}})).await;
            });
        }
        eventually("two calls are with children", async || {
            let called: Vec<Value> = journal.of("tools/call");
            (called.iter().filter(|call| call["params"]["name"] == "hang").count() == 2).then_some(())
        })
        .await;
        until_children(&gateway, if instances == "exclusive" { 2 } else { 4 }).await;
        gateway.stop().await;
        assert!(journal.keepers().is_empty(), "{instances}");
        calls.abort_all();
    }
}

#[tokio::test]
async fn an_update_that_two_children_report_is_told_once() {
    let journal = Journal::new();
    let gateway = start(&journal, "instances: exclusive\n").await;
    let (mut busy, mut client) = (open(&gateway, json!({})).await, open(&gateway, json!({})).await);
    let mut stream = crate::support::Events::listen(&gateway, &client.session).await;
    let first = child(&mut client).await;
    let says = |uri: &str| {
        let params = json!({"uri": uri});
        json!({"ms": 0, "message": {"jsonrpc": "2.0", "method": "notifications/resources/updated", "params": params}})
    };
    let asleep = busy.call("fake__sleep", json!({"ms": 1500}));
    let (_, other) = tokio::join!(asleep, async {
        journal.call_of("sleep").await;
        for uri in ["fake://one", "fake://two"] {
            let answer = client.ask("resources/subscribe", json!({"uri": uri})).await.answer();
            assert_eq!(answer["result"], json!({}), "{answer}");
        }
        eventually("the first child follows both", async || {
            (journal.of("resources/subscribe").len() == 4).then_some(())
        })
        .await;
        client.call("fake__later", says("fake://one")).await;
        child(&mut client).await
    });
    assert_ne!(first, other, "the call was another child's");
    assert_eq!(child(&mut client).await, first);
    for uri in ["fake://one", "fake://two"] {
        let told = stream.next().await.unwrap();
        assert_eq!(told["params"]["uri"], uri, "it may have changed before the first child was asked to report");
    }
    for uri in ["fake://one", "fake://two"] {
        client.call("fake__later", says(uri)).await;
        assert_eq!(stream.next().await.unwrap()["params"]["uri"], uri);
    }
    gateway.stop().await;
}
