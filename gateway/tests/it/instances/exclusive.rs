//! One call per child at a time.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{child, kill, open, pids, until_children};
use crate::support::{Events, Gateway, Journal, Legacy, eventually};

async fn start(journal: &Journal, more: &str) -> Gateway {
    let text = journal.fake_shard(&[]) + "instances: exclusive\n" + more;
    let gateway = Gateway::builder().shard("fake", text).start().await;
    gateway.until("fake", "ready").await;
    gateway
}

/// How many calls of `tool` the children have been sent.
fn sent(journal: &Journal, tool: &str) -> usize {
    journal.of("tools/call").iter().filter(|call| call["params"]["name"] == tool).count()
}

async fn until_sent(journal: &Journal, tool: &str, count: usize) {
    eventually(&format!("`{tool}` is sent {count} times"), async || (sent(journal, tool) >= count).then_some(())).await;
}

#[tokio::test]
async fn calls_at_once_have_a_child_each_and_four_at_most() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let mut calls = JoinSet::new();
    for number in 0..8 {
        let mut client = open(&gateway, json!({})).await;
        calls.spawn(async move { (number, client.call("fake__sleep", json!({"ms": 700 + number})).await) });
    }
    let watched = async {
        let four = until_children(&gateway, 4).await;
        until_sent(&journal, "sleep", 4).await;
        assert!(pids(&gateway).await.len() <= 4);
        assert!(gateway.shard("fake").await["in_flight"].as_u64().unwrap() <= 4);
        four
    };
    let (answers, four) = tokio::join!(calls.join_all(), watched);
    for (number, result) in &answers {
        assert_eq!(result["content"][0]["text"], format!("slept {} ms", 700 + number), "{result}");
    }
    assert_eq!(pids(&gateway).await, four, "nobody needed a fifth");
    assert_eq!(journal.of("tools/list").len(), 1, "only the first child is asked what it offers");
    gateway.stop().await;
}

#[tokio::test]
async fn of_clients_that_all_can_be_asked_each_answers_its_own_child() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let mut streams: Vec<(Legacy, Events, Value)> = Vec::new();
    for _ in 0..4 {
        let mut client = open(&gateway, json!({"elicitation": {}})).await;
        let arguments = json!({"method": "elicitation/create"});
        let mut stream = client.follow(&gateway, "fake__ask", arguments).await;
        let question = stream.next().await.unwrap();
        assert_eq!(question["method"], "elicitation/create");
        streams.push((client, stream, question));
    }
    for (number, (client, stream, question)) in streams.iter_mut().enumerate().rev() {
        let content = json!({"action": "accept", "content": {"n": number}});
        assert_eq!(client.respond(question, content.clone()).await, 202);
        let answer = stream.next().await.unwrap();
        assert_eq!(answer["result"]["structuredContent"]["result"], content);
    }
    let shard = gateway.shard("fake").await;
    assert_eq!((&shard["asked"], &shard["declined"]), (&json!(4), &json!(0)));
    gateway.stop().await;
}

#[tokio::test]
async fn a_child_that_owes_an_answer_is_renewed_before_anybody_else_has_it() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let mut client = open(&gateway, json!({})).await;
    let before = child(&mut client).await;
    let mut same = client.again(&gateway).await;
    tokio::join!(client.ask("tools/call", json!({"name": "fake__hang", "arguments": {}})), async {
        journal.call_of("hang").await;
        let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 2}});
        assert_eq!(same.post(cancel.to_string()).await.status, 202);
    });
    // The next call has another child, since the first may still speak for the call that was given up.
    let second = child(&mut client).await;
    assert_ne!(second, before);
    eventually("the first child is exchanged", async || (!pids(&gateway).await.contains(&before)).then_some(())).await;
    gateway.until("fake", "ready").await;
    let shard = gateway.shard("fake").await;
    assert_eq!(shard["restarts"], 0, "an exchange is no failure: {shard}");
    assert_eq!(journal.of("tools/list").len(), 1, "what it offers is known");
    gateway.stop().await;
}

#[tokio::test]
async fn a_child_that_answers_late_is_as_good_as_before() {
    let journal = Journal::new();
    let gateway = start(&journal, "timeouts: { call: 300ms }\n").await;
    let mut client = open(&gateway, json!({})).await;
    let before = child(&mut client).await;
    let late = client.call("fake__heedless", json!({"ms": 900})).await;
    assert_eq!(late["isError"], true);
    let second = child(&mut client).await;
    assert_ne!(second, before);
    eventually("the first child has answered and is free", async || (child(&mut client).await == before).then_some(()))
        .await;
    assert_eq!(pids(&gateway).await, BTreeSet::from([before, second]));
    gateway.stop().await;
}

#[tokio::test]
async fn a_call_for_which_no_child_is_free_says_so_in_the_end() {
    let journal = Journal::new();
    let gateway = start(&journal, "timeouts: { call: 1s, max: 1h }\n").await;
    let mut streams = Vec::new();
    for _ in 0..4 {
        let mut client = open(&gateway, json!({"elicitation": {}})).await;
        let mut stream = client.follow(&gateway, "fake__ask", json!({"method": "elicitation/create"})).await;
        // A person's time is not the call's.
        stream.next().await.unwrap();
        streams.push(stream);
    }
    let mut client = open(&gateway, json!({})).await;
    let refused = client.call("fake__echo", json!({})).await;
    let text = refused["content"][0]["text"].as_str().unwrap();
    assert!(refused["isError"] == true && text.contains("`timeouts.call`") && text.contains("4 children"), "{text}");
    assert_eq!(sent(&journal, "echo"), 0);
    gateway.stop().await;
}

#[tokio::test]
async fn a_killed_child_costs_its_own_call_and_no_other() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let (mut one, mut two) = (open(&gateway, json!({})).await, open(&gateway, json!({})).await);
    let (killed, slept) = tokio::join!(one.ask("tools/call", json!({"name": "fake__hang", "arguments": {}})), async {
        journal.call_of("hang").await;
        let first = pids(&gateway).await;
        let slept = two.ask("tools/call", json!({"name": "fake__sleep", "arguments": {"ms": 1500}}));
        let kill_first = async {
            journal.call_of("sleep").await;
            assert_eq!(first.len(), 1);
            first.iter().for_each(|pid| kill(*pid));
        };
        tokio::join!(slept, kill_first).0
    });
    let text = killed.answer()["result"]["content"][0]["text"].as_str().unwrap().to_owned();
    assert!(text.contains("SIGKILL") && text.contains("not repeated"), "{text}");
    assert_eq!(slept.answer()["result"]["content"][0]["text"], "slept 1500 ms");
    gateway.until("fake", "ready").await;
    gateway.stop().await;
}

#[tokio::test]
async fn killed_members_leave_the_pool_at_work() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let mut calls = JoinSet::new();
    for _ in 0..6 {
        let mut client = open(&gateway, json!({})).await;
        calls.spawn(async move {
            let mut failed = 0;
            for number in 0..40 {
                let result = client.call("fake__sleep", json!({"ms": number % 7})).await;
                failed += usize::from(result["isError"] == true);
            }
            failed
        });
    }
    let murder = async {
        for _ in 0..6 {
            let alive = eventually("somebody serves", async || pids(&gateway).await.into_iter().next_back()).await;
            kill(alive);
            eventually("it is gone", async || (!pids(&gateway).await.contains(&alive)).then_some(())).await;
        }
    };
    let (failed, ()) = tokio::join!(calls.join_all(), murder);
    let failed: usize = failed.iter().sum();
    // Each death costs one call at most, because a child has one at a time.
    assert!(failed <= 6, "{failed} of 240 failed");
    gateway.stop().await;
}

#[tokio::test]
async fn a_swap_exchanges_all_children_and_loses_no_call() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let mut quick = open(&gateway, json!({})).await;
    let mut slow = JoinSet::new();
    for _ in 0..3 {
        let mut client = open(&gateway, json!({})).await;
        slow.spawn(async move { client.call("fake__sleep", json!({"ms": 1500})).await });
    }
    let (slept, ()) = tokio::join!(slow.join_all(), async {
        until_sent(&journal, "sleep", 3).await;
        let old = until_children(&gateway, 3).await;
        gateway.write_shard("fake", &(journal.fake_shard(&["--tools", "1"]) + "instances: exclusive\n"));
        eventually("a new child answers", async || (!old.contains(&child(&mut quick).await)).then_some(())).await;
    });
    assert!(slept.iter().all(|result| result["content"][0]["text"] == "slept 1500 ms"), "{slept:?}");
    eventually("the old children are gone", async || {
        let now = pids(&gateway).await;
        (gateway.children().len() == now.len()).then_some(())
    })
    .await;
    assert_eq!(gateway.shard("fake").await["failed"], 0);
    gateway.stop().await;
}

#[tokio::test]
async fn a_list_that_a_member_says_has_changed_is_fetched_once_and_told() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let mut client = open(&gateway, json!({})).await;
    let mut stream = Events::listen(&gateway, &client.session).await;
    let mut busy = open(&gateway, json!({"elicitation": {}})).await;
    let mut held = busy.follow(&gateway, "fake__ask", json!({"method": "elicitation/create"})).await;
    held.next().await.unwrap();
    let fetched = journal.of("tools/list").len();
    client.call("fake__list_changed", json!({"kind": "tools"})).await;
    assert_eq!(stream.notification().await, "notifications/tools/list_changed");
    assert_eq!(journal.of("tools/list").len(), fetched + 1);
    gateway.stop().await;
}

#[tokio::test]
async fn a_modern_call_has_a_child_for_itself_too() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let whoami = || gateway.modern("tools/call", json!({"name": "fake__whoami", "arguments": {}}));
    let sleep = gateway.modern("tools/call", json!({"name": "fake__sleep", "arguments": {"ms": 1000}}));
    let (slept, other) = tokio::join!(sleep, async {
        journal.call_of("sleep").await;
        whoami().await.answer()["result"]["structuredContent"]["pid"].as_u64().unwrap()
    });
    assert_eq!(slept.answer()["result"]["content"][0]["text"], "slept 1000 ms");
    assert_eq!(pids(&gateway).await.len(), 2);
    assert!(pids(&gateway).await.contains(&other));
    gateway.stop().await;
}
