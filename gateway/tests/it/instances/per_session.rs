//! One child for each legacy session.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{child, kill, open, pids, until_children};
use crate::support::{Events, Gateway, Journal, Legacy, eventually};

fn text(journal: &Journal, more: &str) -> String {
    journal.fake_shard(&[]) + "instances: per_session\n" + more
}

async fn start(journal: &Journal, more: &str) -> Gateway {
    let gateway = Gateway::builder().shard("fake", text(journal, more)).start().await;
    gateway.until("fake", "ready").await;
    gateway
}

async fn end(client: &mut Legacy) {
    let headers = [("mcp-session-id", &*client.session)];
    assert_eq!(client.http.send("DELETE", "/mcp", &headers, "").await.status, 204);
}

#[tokio::test]
async fn each_session_has_a_child_of_its_own_until_it_ends() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let (mut one, mut two) = (open(&gateway, json!({})).await, open(&gateway, json!({})).await);
    assert_eq!(pids(&gateway).await.len(), 1, "a session gets its child with its first call");
    let (first, second) = (child(&mut one).await, child(&mut two).await);
    assert_ne!(first, second);
    assert_eq!((child(&mut one).await, child(&mut two).await), (first, second));
    // Calls of one session at once go to its child at once.
    let mut more = one.again(&gateway).await;
    let (slept, same) = tokio::join!(one.call("fake__sleep", json!({"ms": 800})), async {
        journal.call_of("sleep").await;
        let mut request = more.ask("ping", json!({})).await.answer();
        assert_eq!(request["result"].take(), json!({}));
        child(&mut more).await
    });
    assert_eq!((slept["content"][0]["text"].as_str(), same), (Some("slept 800 ms"), first));
    end(&mut one).await;
    let left = until_children(&gateway, 2).await;
    assert!(left.contains(&second) && !left.contains(&first));
    assert_eq!(journal.of("tools/list").len(), 1);
    gateway.stop().await;
}

#[tokio::test]
async fn what_a_child_says_outside_of_calls_reaches_its_session_alone() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let (mut one, mut two) = (open(&gateway, json!({"roots": {}})).await, open(&gateway, json!({"roots": {}})).await);
    let mut hears = Events::listen(&gateway, &one.session).await;
    let mut hears_not = Events::listen(&gateway, &two.session).await;
    child(&mut two).await;
    let log =
        json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": {"n": 1.50}}});
    one.call("fake__later", json!({"ms": 50, "message": log})).await;
    assert_eq!(hears.next().await.unwrap(), log);
    let vendor = json!({"jsonrpc": "2.0", "method": "notifications/vendor/thing", "params": {"x": [null]}});
    one.call("fake__later", json!({"ms": 50, "message": vendor})).await;
    assert_eq!(hears.next().await.unwrap(), vendor);
    let ask = json!({"jsonrpc": "2.0", "id": "r", "method": "roots/list"});
    one.call("fake__later", json!({"ms": 50, "message": ask})).await;
    let question = hears.next().await.unwrap();
    assert_eq!(question["method"], "roots/list");
    let roots = json!({"roots": [{"uri": "file:///a"}]});
    assert_eq!(one.respond(&question, roots.clone()).await, 202);
    let answer = eventually("the child hears the roots", async || {
        journal.messages().into_iter().find(|message| message["id"] == "r" && message.get("result").is_some())
    });
    assert_eq!(answer.await["result"], roots);
    // The other session hears of its own child next, and of nothing before.
    let own = json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "own"}});
    two.call("fake__later", json!({"ms": 50, "message": own})).await;
    assert_eq!(hears_not.next().await.unwrap(), own);
    gateway.stop().await;
}

#[tokio::test]
async fn a_child_whose_session_does_not_listen_is_answered_politely() {
    let journal = Journal::new();
    let gateway = start(&journal, "roots: [\"file:///own\"]\n").await;
    let mut client = open(&gateway, json!({"roots": {}})).await;
    let ask = json!({"jsonrpc": "2.0", "id": "r", "method": "roots/list"});
    client.call("fake__later", json!({"ms": 50, "message": ask})).await;
    let answer = eventually("the child is answered", async || {
        journal.messages().into_iter().find(|message| message["id"] == "r" && message.get("result").is_some())
    });
    assert_eq!(answer.await["result"], json!({"roots": [{"uri": "file:///own"}]}));
    gateway.stop().await;
}

#[tokio::test]
async fn a_session_sets_the_level_and_the_roots_of_its_own_child_only() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let (mut one, mut two) = (open(&gateway, json!({})).await, open(&gateway, json!({})).await);
    child(&mut one).await;
    child(&mut two).await;
    let told = json!({"jsonrpc": "2.0", "method": "notifications/roots/list_changed", "params": {"why": "moved"}});
    assert_eq!(one.post(told.to_string()).await.status, 202);
    eventually("the child hears it", async || journal.of("notifications/roots/list_changed").pop()).await;
    assert_eq!(one.ask("logging/setLevel", json!({"level": "error"})).await.answer()["result"], json!({}));
    eventually("children hear the level", async || (journal.of("logging/setLevel").len() >= 2).then_some(())).await;
    child(&mut two).await;
    // The first child and that of the session: the other session has said nothing.
    assert_eq!(journal.of("logging/setLevel").len(), 2);
    assert_eq!(journal.of("notifications/roots/list_changed").len(), 1);
    gateway.stop().await;
}

#[tokio::test]
async fn a_killed_child_costs_its_session_one_call_and_comes_back_for_it() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let (mut one, mut two) = (open(&gateway, json!({})).await, open(&gateway, json!({})).await);
    let (first, second) = (child(&mut one).await, child(&mut two).await);
    let (failed, ()) = tokio::join!(one.call("fake__hang", json!({})), async {
        journal.call_of("hang").await;
        kill(first);
    });
    let text = failed["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("SIGKILL") && text.contains("started again at once"), "{text}");
    let again = child(&mut one).await;
    assert_ne!(again, first);
    assert_eq!(child(&mut two).await, second);
    gateway.stop().await;
}

#[tokio::test]
async fn more_sessions_than_may_have_children_are_told_the_flag() {
    let journal = Journal::new();
    let builder = Gateway::builder().flags(&["--max-private-children", "2"]);
    let gateway = builder.shard("fake", text(&journal, "")).start().await;
    gateway.until("fake", "ready").await;
    let mut clients = Vec::new();
    for _ in 0..2 {
        let mut client = open(&gateway, json!({})).await;
        child(&mut client).await;
        clients.push(client);
    }
    let mut third = open(&gateway, json!({})).await;
    let refused = third.call("fake__echo", json!({})).await;
    let text = refused["content"][0]["text"].as_str().unwrap();
    assert!(refused["isError"] == true && text.contains("`--max-private-children`"), "{text}");
    // A modern call borrows a child that is no session's.
    let modern = gateway.modern("tools/call", json!({"name": "fake__echo", "arguments": {"a": 1}})).await.answer();
    assert_eq!(modern["result"]["structuredContent"], json!({"a": 1}));
    end(&mut clients[0]).await;
    let served = eventually("there is room again", async || {
        let result = third.call("fake__echo", json!({"b": 2})).await;
        (result["isError"] != true).then_some(result)
    });
    assert_eq!(served.await["structuredContent"], json!({"b": 2}));
    gateway.stop().await;
}

#[tokio::test]
async fn sessions_that_end_while_their_calls_start_leave_no_child() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let mut sessions = JoinSet::new();
    for number in 0..24 {
        let mut client = open(&gateway, json!({})).await;
        let mut ends = client.again(&gateway).await;
        sessions.spawn(async move {
            let call = client.ask("tools/call", json!({"name": "fake__sleep", "arguments": {"ms": 5}}));
            let delete = async {
                tokio::time::sleep(Duration::from_millis(number * 7)).await;
                end(&mut ends).await;
            };
            // Answered, cancelled or refused: it ends, whichever comes first.
            tokio::join!(call, delete);
        });
    }
    sessions.join_all().await;
    let only = until_children(&gateway, 1).await;
    eventually("no process is left but the first child", async || (gateway.children().len() == 1).then_some(())).await;
    let last = gateway.modern("tools/call", json!({"name": "fake__whoami", "arguments": {}})).await.answer();
    assert_eq!(BTreeSet::from([last["result"]["structuredContent"]["pid"].as_u64().unwrap()]), only);
    gateway.stop().await;
}

#[tokio::test]
async fn a_swap_gives_each_session_a_new_child_and_the_call_under_way_its_answer() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let mut client = open(&gateway, json!({})).await;
    let before = child(&mut client).await;
    let mut same = client.again(&gateway).await;
    let (slept, after) = tokio::join!(client.call("fake__sleep", json!({"ms": 1200})), async {
        journal.call_of("sleep").await;
        gateway.write_shard("fake", &(journal.fake_shard(&["--tools", "1"]) + "instances: per_session\n"));
        eventually("a new child answers", async || Some(child(&mut same).await).filter(|pid| *pid != before)).await
    });
    assert_eq!(slept["content"][0]["text"], "slept 1200 ms");
    assert_eq!(child(&mut same).await, after);
    eventually("the old children are gone", async || (gateway.children().len() == 2).then_some(())).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_file_that_goes_shared_takes_the_children_of_sessions_away() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let (mut one, mut two) = (open(&gateway, json!({})).await, open(&gateway, json!({})).await);
    assert_ne!(child(&mut one).await, child(&mut two).await);
    gateway.write_shard("fake", &journal.fake_shard(&[]));
    eventually("both have one child", async || (child(&mut one).await == child(&mut two).await).then_some(())).await;
    eventually("no other is left", async || (gateway.children().len() == 1).then_some(())).await;
    let shard: Value = gateway.shard("fake").await;
    assert_eq!(shard.get("other_pids"), None);
    gateway.stop().await;
}
