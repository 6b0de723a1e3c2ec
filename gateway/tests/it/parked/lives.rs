//! Shards that change or go while calls at them wait.

use serde_json::json;

use super::{INSTANCES, Modern, accept, ask, end, heard, start};
use crate::support::{Journal, eventually};

#[tokio::test]
async fn a_call_that_waits_goes_on_at_the_old_child_while_the_new_one_serves() {
    for instances in INSTANCES {
        let journal = Journal::new();
        let gateway = start(&journal, &format!("instances: {instances}")).await;
        let old = gateway.shard("fake").await["pid"].clone();
        let mut client = Modern::able();
        let round = client.interview(&gateway, json!([ask(), {"hear": 1}, ask(), {"hear": 2}])).await;
        gateway.write_shard("fake", &format!("{}instances: {instances}\n", journal.fake_shard(&["--tools", "1"])));
        eventually("the new child serves", async || {
            let who = Modern::new(json!({})).call(&gateway, "fake__whoami", json!({})).await;
            (who["result"]["structuredContent"]["pid"] != old).then_some(())
        })
        .await;
        let round = client.asked_on(&gateway, &round, round.all(&accept())).await;
        let done = client.answer(&gateway, &round, round.all(&accept())).await;
        assert_eq!(heard(&done).len(), 2, "{done}");
        assert_eq!(journal.of("tools/call").iter().filter(|call| call["params"]["name"] == "interview").count(), 1);
        eventually("the old child is gone", async || (gateway.children().len() == 1).then_some(())).await;
        end(gateway, &journal).await;
    }
}

#[tokio::test]
async fn a_tool_that_is_hidden_meanwhile_still_comes_to_its_end() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let mut client = Modern::able();
    let round = client.interview(&gateway, json!([ask(), {"hear": 1}])).await;
    gateway.write_shard("fake", &format!("{}tools: {{ deny: [interview] }}\n", journal.fake_shard(&[])));
    eventually("it is hidden", async || {
        let answer = Modern::new(json!({})).call(&gateway, "fake__interview", json!({"steps": []})).await;
        (answer["error"]["code"] == -32602).then_some(())
    })
    .await;
    let done = client.answer(&gateway, &round, round.all(&accept())).await;
    assert_eq!(heard(&done)[0]["result"], accept());
    end(gateway, &journal).await;
}

#[tokio::test]
async fn an_old_child_waits_for_the_answers_no_longer_than_it_may_drain() {
    let journal = Journal::new();
    let gateway = start(&journal, "timeouts: { drain: 300ms }").await;
    let mut client = Modern::able();
    let round = client.interview(&gateway, json!([ask(), {"hear": 1}])).await;
    let old = gateway.shard("fake").await["pid"].clone();
    gateway.write_shard("fake", &format!("{}timeouts: {{ drain: 300ms }}\n", journal.fake_shard(&["--tools", "1"])));
    eventually("the old child is gone", async || {
        let is_gone = !std::path::Path::new(&format!("/proc/{old}")).exists();
        is_gone.then_some(())
    })
    .await;
    let done = client.answer(&gateway, &round, round.all(&accept())).await;
    assert_eq!(done["result"]["isError"], true, "{done}");
    let interviews = journal.of("tools/call");
    assert_eq!(interviews.len(), 1, "it is not made again");
    end(gateway, &journal).await;
}

#[tokio::test]
async fn a_shard_that_is_taken_away_lets_what_waits_come_to_its_end() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let mut client = Modern::able();
    let round = client.interview(&gateway, json!([ask(), {"hear": 1}])).await;
    gateway.remove_shard("fake");
    eventually("it is gone from the list", async || {
        gateway.health().await["shards"].as_array().unwrap().iter().all(|shard| shard["state"] != "ready").then_some(())
    })
    .await;
    let done = client.answer(&gateway, &round, round.all(&accept())).await;
    assert_eq!(heard(&done)[0]["result"], accept());
    gateway.stop().await;
}
