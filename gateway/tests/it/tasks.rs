//! Tasks of 2025-11-25, and what else goes to the one shard that can own it.

mod capabilities;
mod lives;
mod unheard;

use serde_json::{Value, json};

use crate::support::{Events, Gateway, Journal, Legacy, eventually};

const RELATED: &str = "io.modelcontextprotocol/related-task";

/// A session, with what it can do for tasks.
struct Requester(Legacy);

impl Requester {
    async fn open(gateway: &Gateway) -> Self {
        Self(Legacy::open_as(gateway, "/mcp", "2025-11-25", json!({"elicitation": {}})).await.0)
    }

    /// Makes a task of `echo` at a shard; gives its id.
    async fn make(&mut self, shard: &str, work: Value) -> String {
        let params = json!({"name": format!("{shard}__echo"), "arguments": work, "task": {"ttl": 60_000}});
        let answer = self.0.ask("tools/call", params).await.answer();
        let task = &answer["result"]["task"];
        assert_eq!((&task["status"], &task["ttl"]), (&json!("working"), &json!(60_000)), "{answer}");
        assert_eq!(answer["result"]["_meta"], json!({"x": 1.0}));
        task["taskId"].as_str().unwrap().to_owned()
    }

    /// What is said of a task: the result, or the error with its code.
    async fn ask(&mut self, method: &str, id: &str) -> Value {
        let answer = self.0.ask(method, json!({"taskId": id})).await.answer();
        if let Some(error) = answer.get("error") { error.clone() } else { answer["result"].clone() }
    }

    /// Fetches a result that the shard asks for something first.
    async fn fetch(&self, gateway: &Gateway, id: &str) -> Events {
        let request = json!({"jsonrpc": "2.0", "id": "fetch", "method": "tasks/result", "params": {"taskId": id}});
        let headers = [("mcp-session-id", &*self.0.session)];
        Events::of(gateway.http().await.open("POST", "/mcp", &headers, request.to_string()).await)
    }
}

async fn gateway(journals: &[(&str, &Journal)], more: &str) -> Gateway {
    let files = journals.iter().map(|(name, journal)| (name, journal.fake_shard(&["--tasks", "--name", name]) + more));
    let builder = files.fold(Gateway::builder(), |builder, (name, file)| builder.shard(name, file));
    let gateway = builder.start().await;
    for (name, _) in journals {
        gateway.until(name, "ready").await;
    }
    gateway
}

fn ids(journal: &Journal, method: &str) -> Vec<Value> {
    journal.of(method).iter().map(|message| message["params"]["taskId"].clone()).collect()
}

#[tokio::test]
async fn a_task_is_made_looked_at_cancelled_and_fetched_by_its_own_id() {
    let journal = Journal::new();
    let gateway = gateway(&[("one", &journal)], "").await;
    let mut client = Requester::open(&gateway).await;
    let (first, second) = (client.make("one", json!({})).await, client.make("one", json!({"ms": 20})).await);
    assert_eq!((&*first, &*second), ("task-1", "task-2"));
    assert_eq!(client.ask("tasks/get", &first).await["status"], "working");
    let result = client.ask("tasks/result", &second).await;
    assert_eq!(result["structuredContent"], json!({"slept": 20}));
    assert_eq!(result["_meta"], json!({RELATED: {"taskId": "task-2"}}));
    assert_eq!(client.ask("tasks/get", &second).await["status"], "completed");
    assert_eq!(client.ask("tasks/cancel", &second).await["code"], -32602);
    assert_eq!(client.ask("tasks/cancel", &first).await["status"], "cancelled");
    assert_eq!(client.ask("tasks/get", &first).await["status"], "cancelled");
    assert_eq!(client.0.ask("tasks/list", json!({})).await.code(), Some(-32601), "it would show those of others");
    assert!(journal.of("tasks/list").is_empty());
    let call = &journal.of("tools/call")[0]["params"];
    assert_eq!(call["task"], json!({"ttl": 60_000}));
    gateway.stop().await;
}

#[tokio::test]
async fn a_task_is_nobodys_but_the_session_that_made_it() {
    let journal = Journal::new();
    let gateway = gateway(&[("one", &journal), ("two", &Journal::new())], "").await;
    let mut owner = Requester::open(&gateway).await;
    let mut other = Requester::open(&gateway).await;
    let id = owner.make("one", json!({})).await;
    let before = journal.messages().len();
    for method in ["tasks/get", "tasks/result", "tasks/cancel"] {
        let error = other.ask(method, &id).await;
        assert_eq!(error["code"], -32602, "{error}");
        assert!(error["message"].as_str().unwrap().contains("unknown task `task-1`"), "{error}");
    }
    // What claims to belong to a task is put before the task's owner by servers.
    let claim = json!({"name": "one__whoami", "_meta": {RELATED: {"taskId": id}}});
    assert_eq!(other.0.ask("tools/call", claim.clone()).await.code(), Some(-32602));
    assert_eq!(other.0.ask("vendor/look", json!({"taskId": id})).await.code(), Some(-32601));
    assert_eq!(journal.messages().len(), before, "the shard has heard of none of it");
    assert_eq!(owner.0.ask("tools/call", claim).await.answer()["result"]["structuredContent"]["name"], "one");
    let elsewhere = json!({"name": "two__whoami", "_meta": {RELATED: {"taskId": id}}});
    assert_eq!(owner.0.ask("tools/call", elsewhere).await.code(), Some(-32602), "it is another shard's");
    owner.0.turn_to("/mcp/two");
    assert_eq!(owner.ask("tasks/get", &id).await["code"], -32602, "its shard is not to be seen there");
    owner.0.turn_to("/mcp/one");
    assert_eq!(owner.ask("tasks/get", &id).await["status"], "working");
    gateway.stop().await;
}

#[tokio::test]
async fn two_shards_may_mint_the_same_id_and_each_is_reached_by_its_own() {
    let (one, two) = (Journal::new(), Journal::new());
    let gateway = gateway(&[("one", &one), ("two", &two)], "").await;
    let mut client = Requester::open(&gateway).await;
    let first = client.make("one", json!({})).await;
    let second = client.make("two", json!({"ask": "elicitation/create", "status": true})).await;
    assert_eq!((&*first, &*second), ("task-1", "task-1~1"));
    assert_eq!(client.ask("tasks/get", &first).await["taskId"], "task-1");
    assert_eq!(client.ask("tasks/get", &second).await["taskId"], "task-1~1");
    assert_eq!((ids(&one, "tasks/get"), ids(&two, "tasks/get")), (vec![json!("task-1")], vec![json!("task-1")]));
    let claim = json!({"name": "two__echo", "_meta": {RELATED: {"taskId": second}}});
    client.0.ask("tools/call", claim).await;
    assert_eq!(two.of("tools/call")[1]["params"]["_meta"][RELATED]["taskId"], "task-1");

    let mut stream = client.fetch(&gateway, &second).await;
    let question = stream.next().await.unwrap();
    assert_eq!(question["params"]["_meta"][RELATED]["taskId"], "task-1~1");
    client.0.respond(&question, json!({"action": "decline"})).await;
    let told = stream.next().await.unwrap();
    assert_eq!(
        (&told["method"], &told["params"]["taskId"]),
        (&json!("notifications/tasks/status"), &json!("task-1~1"))
    );
    let answer = stream.next().await.unwrap();
    assert_eq!(answer["result"]["structuredContent"]["result"], json!({"action": "decline"}));
    assert_eq!(answer["result"]["_meta"][RELATED]["taskId"], "task-1~1");
    assert_eq!(client.ask("tasks/cancel", &first).await["taskId"], "task-1");
    assert_eq!((ids(&one, "tasks/cancel"), ids(&two, "tasks/cancel")), (vec![json!("task-1")], vec![]));
    gateway.stop().await;
}

#[tokio::test]
async fn what_a_shard_says_of_a_task_reaches_its_owner_alone_in_calls_and_outside_of_them() {
    let journal = Journal::new();
    let gateway = gateway(&[("one", &journal)], "").await;
    let mut owner = Requester::open(&gateway).await;
    let mut other = Requester::open(&gateway).await;
    let mut heard = Events::listen(&gateway, &owner.0.session).await;
    let mut overheard = Events::listen(&gateway, &other.0.session).await;
    let work = json!({"progress": 2, "notes": true, "status": true, "ask": "elicitation/create"});
    let params = json!({"name": "one__echo", "arguments": work, "task": {}, "_meta": {"progressToken": "mine"}});
    let answer = owner.0.ask("tools/call", params).await;
    // What comes right behind the answer may still find the call's own stream; nothing is there twice.
    let mut told: Vec<Value> = answer.messages();
    told.retain(|message| message.get("method").is_some());
    while told.len() < 5 {
        told.push(heard.next().await.unwrap());
    }
    let methods: Vec<_> = told.iter().map(|message| message["method"].as_str().unwrap()).collect();
    let expected = ["progress", "progress", "message", "vendor", "tasks/status"];
    assert_eq!(methods, expected.map(|method| format!("notifications/{method}")));
    assert!(told[..2].iter().all(|message| message["params"]["progressToken"] == "mine"), "{told:?}");

    // While both have calls there, what names the task is still its owner's.
    let mut waiting = other.0.again(&gateway).await;
    let sleep = async move { waiting.call("one__sleep", json!({"ms": 200})).await };
    let fetching = async {
        journal.call_of("sleep").await;
        let mut stream = owner.fetch(&gateway, "task-1").await;
        let question = stream.next().await.unwrap();
        assert_eq!(question["method"], "elicitation/create");
        owner.0.respond(&question, json!({"action": "accept", "content": {}})).await;
        let status = stream.next().await.unwrap();
        assert_eq!(status["params"]["status"], "completed");
        stream.next().await.unwrap()["result"]["structuredContent"]["result"].take()
    };
    let (_, result) = tokio::join!(sleep, fetching);
    assert_eq!(result, json!({"action": "accept", "content": {}}));
    other.0.call("one__list_changed", json!({"kind": "tools"})).await;
    assert_eq!(overheard.notification().await, "notifications/tools/list_changed", "and nothing before it");
    gateway.stop().await;
}

#[tokio::test]
async fn a_session_that_is_over_has_no_tasks() {
    let journal = Journal::new();
    let gateway = gateway(&[("one", &journal)], "idle_stop: 1s\n").await;
    let mut client = Requester::open(&gateway).await;
    client.make("one", json!({})).await;
    let headers = [("mcp-session-id", &*client.0.session)];
    assert_eq!(gateway.http().await.send("DELETE", "/mcp", &headers, "").await.status, 204);
    // A task that nobody can ask for any more keeps no child awake.
    eventually("the shard sleeps", async || (gateway.shard("one").await["state"] == "asleep").then_some(())).await;
    gateway.stop().await;
}
