//! Tasks over the lives of the children that run them.

use serde_json::json;

use super::{Requester, gateway, ids};
use crate::support::{Gateway, Journal, Legacy, eventually};

#[tokio::test]
async fn a_task_whose_child_has_ended_is_lost_with_one_clear_error_and_its_id_is_free_again() {
    let journal = Journal::new();
    let gateway = gateway(&[("one", &journal)], "").await;
    let mut client = Requester::open(&gateway).await;
    let id = client.make("one", json!({})).await;
    client.0.call("one__crash", json!({})).await;
    gateway.until("one", "ready").await;
    for method in ["tasks/get", "tasks/result", "tasks/cancel"] {
        let error = client.ask(method, &id).await;
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("task `task-1` is lost") && message.contains("exit status: 3"), "{error}");
        assert_eq!((&error["code"], &error["data"]["shard"]), (&json!(-32603), &json!("one")));
    }
    assert!(ids(&journal, "tasks/get").is_empty(), "the next child is not asked for it");
    assert_eq!(client.make("one", json!({})).await, "task-1");
    assert_eq!(client.ask("tasks/get", "task-1").await["status"], "working");
    gateway.stop().await;
}

#[tokio::test]
async fn a_result_that_is_waited_for_when_the_child_ends_is_one_clear_error() {
    let journal = Journal::new();
    let gateway = gateway(&[("one", &journal)], "").await;
    let mut client = Requester::open(&gateway).await;
    let id = client.make("one", json!({})).await;
    let mut other = Legacy::open(&gateway, "2025-11-25").await;
    let crash = async {
        eventually("the result is waited for", async || journal.of("tasks/result").pop()).await;
        other.call("one__crash", json!({})).await
    };
    let (error, _) = tokio::join!(client.ask("tasks/result", &id), crash);
    assert!(error["message"].as_str().unwrap().contains("exit status: 3"), "{error}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_child_that_was_replaced_answers_for_its_tasks_until_they_are_fetched() {
    let (old, new) = (Journal::new(), Journal::new());
    let gateway = gateway(&[("one", &old)], "").await;
    let mut client = Requester::open(&gateway).await;
    let pid = gateway.shard("one").await["pid"].clone();
    let first = client.make("one", json!({"ask": "elicitation/create"})).await;
    gateway.write_shard("one", &new.fake_shard(&["--tasks", "--name", "one"]));
    eventually("the new child serves", async || {
        let shard = gateway.shard("one").await;
        (shard["state"] == "ready" && shard["pid"] != pid).then_some(())
    })
    .await;
    let second = client.make("one", json!({})).await;
    assert_eq!((&*first, &*second), ("task-1", "task-1~1"), "both live, and both call it the same");
    assert_eq!(client.ask("tasks/get", &first).await["status"], "working");
    assert_eq!((ids(&old, "tasks/get").len(), ids(&new, "tasks/get").len()), (1, 0));
    let mut stream = client.fetch(&gateway, &first).await;
    let question = stream.next().await.unwrap();
    client.0.respond(&question, json!({"action": "cancel"})).await;
    let answer = stream.next().await.unwrap();
    assert_eq!(answer["result"]["structuredContent"]["result"], json!({"action": "cancel"}));
    // With its result fetched nothing is left to wait for, long before `timeouts.drain`.
    eventually("the old child goes", async || old.keepers().is_empty().then_some(())).await;
    let error = client.ask("tasks/get", &first).await;
    assert!(error["message"].as_str().unwrap().contains("task `task-1` is lost"), "{error}");
    assert_eq!(client.ask("tasks/get", &second).await["status"], "working");
    gateway.stop().await;
}

#[tokio::test]
async fn a_shard_does_not_sleep_while_it_is_at_work_on_a_task() {
    let journal = Journal::new();
    let gateway = gateway(&[("one", &journal)], "idle_stop: 1s\n").await;
    let mut client = Requester::open(&gateway).await;
    let id = client.make("one", json!({"ms": 2500})).await;
    let pid = gateway.shard("one").await["pid"].clone();
    assert_eq!(client.ask("tasks/get", &id).await["status"], "working");
    eventually("the task ends of itself", async || {
        assert_eq!(gateway.shard("one").await["pid"], pid);
        (client.ask("tasks/get", &id).await["status"] == "completed").then_some(())
    })
    .await;
    assert_eq!(client.ask("tasks/result", &id).await["structuredContent"], json!({"slept": 2500}));
    eventually("now it sleeps", async || (gateway.shard("one").await["state"] == "asleep").then_some(())).await;
    gateway.stop().await;
}

#[tokio::test]
async fn each_child_of_an_exclusive_shard_keeps_its_own_tasks() {
    let journal = Journal::new();
    let file = journal.fake_shard(&["--tasks"]) + "instances: exclusive\n";
    let gateway = Gateway::builder().shard("one", file).start().await;
    gateway.until("one", "ready").await;
    let (mut one, mut two) = (Requester::open(&gateway).await, Requester::open(&gateway).await);
    let first = one.make("one", json!({"ms": 300})).await;
    // The child that is at work is nobody else's, so that the second task is another child's first.
    assert_eq!(two.make("one", json!({"ms": 10})).await, "task-1");
    let (fetched, other) = tokio::join!(one.ask("tasks/result", &first), two.ask("tasks/result", "task-1"));
    assert_eq!(
        (&fetched["structuredContent"], &other["structuredContent"]),
        (&json!({"slept": 300}), &json!({"slept": 10}))
    );
    gateway.stop().await;
}
