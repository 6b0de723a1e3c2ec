//! Tasks over the lives of the children that run them.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::{KINDS, at, gateway, ids, modern_shard};
use crate::support::{Gateway, Journal, eventually};

async fn pid(gateway: &Gateway) -> Value {
    gateway.shard("one").await["pid"].clone()
}

async fn until_another(gateway: &Gateway, before: &Value) {
    eventually("a new child serves", async || {
        let shard = gateway.shard("one").await;
        (shard["state"] == "ready" && shard["pid"] != *before).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_task_whose_child_was_killed_is_lost_with_one_clear_error_and_its_id_is_free_again() {
    for instances in KINDS {
        let journal = Journal::new();
        let gateway = gateway(&[("one", &journal)], &format!("instances: {instances}\n")).await;
        let clients = at(&gateway, "/mcp");
        let id = clients.make("one__echo", json!({})).await;
        let children: Vec<i32> = gateway.children().iter().map(|child| child.pid.try_into().unwrap()).collect();
        for child in children {
            kill_process(Pid::from_raw(child).unwrap(), Signal::KILL).unwrap();
        }
        let lost = eventually("the task is lost", async || {
            Some(clients.follow("tasks/get", &id).await).filter(|error| error["code"] == -32602)
        });
        lost.await;
        for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
            let error = clients.follow(method, &id).await;
            let message = error["message"].as_str().unwrap();
            assert!(message.contains("task `job-1` is lost") && message.contains("signal: 9"), "{error}");
            assert_eq!((&error["code"], &error["data"]["shard"]), (&json!(-32602), &json!("one")), "{instances}");
        }
        let asked = ids(&journal, "tasks/get").len();
        assert_eq!(clients.make("one__echo", json!({})).await, "job-1");
        assert_eq!(clients.follow("tasks/get", "job-1").await["status"], "working");
        assert_eq!(ids(&journal, "tasks/get").len(), asked + 1, "only for the new one was a child asked");
        gateway.stop().await;
    }
}

#[tokio::test]
async fn a_child_that_was_replaced_answers_for_its_tasks_until_their_clients_have_seen_them_end() {
    let (old, new) = (Journal::new(), Journal::new());
    let gateway = gateway(&[("one", &old)], "").await;
    let clients = at(&gateway, "/mcp");
    let before = pid(&gateway).await;
    let first = clients.make("one__echo", json!({"ask": ["k"]})).await;
    gateway.write_shard("one", &modern_shard("one", &new));
    until_another(&gateway, &before).await;
    let second = clients.make("one__echo", json!({})).await;
    assert_eq!((&*first, &*second), ("job-1", "job-1~1"), "both live, and both call it the same");
    assert_eq!(clients.follow("tasks/get", &first).await["status"], "input_required");
    clients.ask("tasks/update", json!({"taskId": first, "inputResponses": {"k": {"action": "accept"}}})).await;
    let ended = clients.follow("tasks/get", &first).await;
    assert_eq!(ended["result"]["structuredContent"], json!({"k": {"action": "accept"}}));
    assert!(ids(&new, "tasks/get").is_empty() && ids(&new, "tasks/update").is_empty());
    // With its end seen nothing is left to wait for, long before `timeouts.drain`.
    eventually("the old child goes", async || old.keepers().is_empty().then_some(())).await;
    let error = clients.follow("tasks/get", &first).await;
    assert!(error["message"].as_str().unwrap().contains("task `job-1` is lost"), "{error}");
    assert_eq!(clients.follow("tasks/get", &second).await["status"], "working");
    gateway.stop().await;
}

#[tokio::test]
async fn a_task_that_outlasts_the_drain_is_lost_with_its_child() {
    let (old, new) = (Journal::new(), Journal::new());
    let more = "reload: restart\ntimeouts: { drain: 300ms }\n";
    let gateway = gateway(&[("one", &old)], more).await;
    let clients = at(&gateway, "/mcp");
    let before = pid(&gateway).await;
    let id = clients.make("one__echo", json!({})).await;
    gateway.write_shard("one", &(modern_shard("one", &new) + more));
    until_another(&gateway, &before).await;
    let error = clients.follow("tasks/get", &id).await;
    assert!(error["message"].as_str().unwrap().contains("task `job-1` is lost"), "{error}");
    assert!(ids(&new, "tasks/get").is_empty(), "the next child is not asked for it");
    gateway.stop().await;
}

#[tokio::test]
async fn a_shard_does_not_sleep_before_the_end_of_its_task_was_seen() {
    let (journal, idle) = (Journal::new(), Journal::new());
    let gateway = gateway(&[("one", &journal)], "idle_stop: 1s\n").await;
    let clients = at(&gateway, "/mcp");
    let before = pid(&gateway).await;
    let id = clients.make("one__echo", json!({"ms": 10, "ttl": 600_000})).await;
    // Nobody asks for the task until a shard that began later and waits longer sleeps: to be asked would keep it awake, too.
    gateway.write_shard("idle", &(modern_shard("idle", &idle) + "idle_stop: 2s\n"));
    gateway.until("idle", "asleep").await;
    assert_eq!((pid(&gateway).await, ids(&journal, "tasks/get").len()), (before.clone(), 0));
    let ended = clients.until(&id, "completed").await;
    assert_eq!((pid(&gateway).await, &ended["result"]["structuredContent"]), (before, &json!({})));
    gateway.until("one", "asleep").await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_task_keeps_no_child_awake_for_longer_than_its_shard_keeps_the_task() {
    let journal = Journal::new();
    let gateway = gateway(&[("one", &journal)], "idle_stop: 1s\n").await;
    let clients = at(&gateway, "/mcp");
    clients.make("one__echo", json!({"ttl": 1500})).await;
    eventually("it sleeps", async || (gateway.shard("one").await["state"] == "asleep").then_some(())).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_gateway_that_was_started_anew_knows_no_task_of_the_one_before() {
    let journal = Journal::new();
    let before = gateway(&[("one", &journal)], "").await;
    let id = at(&before, "/mcp").make("one__echo", json!({})).await;
    let dir = before.dir().clone();
    before.stop().await;
    let after = Gateway::builder().in_dir(&dir).start().await;
    after.until("one", "ready").await;
    let error = at(&after, "/mcp").follow("tasks/get", &id).await;
    assert_eq!(error["code"], -32602);
    assert!(error["message"].as_str().unwrap().contains("since the gateway was started"), "{error}");
    assert!(ids(&journal, "tasks/get").is_empty());
    after.stop().await;
}
