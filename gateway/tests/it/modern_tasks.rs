//! Tasks of 2026-07-28: the extension `io.modelcontextprotocol/tasks`.

mod bounds;
mod bridged;
mod heard;
mod lives;
mod offered;
mod over_stdio;
mod refused;

use serde_json::{Value, json};

use crate::support::{Gateway, Journal, Response, eventually};

const TASKS: &str = "io.modelcontextprotocol/tasks";
const KINDS: [&str; 2] = ["shared", "exclusive"];

/// What a request says whose client takes tasks.
fn declaring() -> Value {
    json!({"io.modelcontextprotocol/clientCapabilities": {"elicitation": {}, "extensions": {TASKS: {}}}})
}

/// Modern clients that take tasks, as they see a gateway at one address.
struct Clients<'g> {
    gateway: &'g Gateway,
    path: &'static str,
}

impl Clients<'_> {
    async fn ask(&self, method: &str, params: Value) -> Response {
        self.gateway.modern_at(self.path, method, params, declaring()).await
    }

    /// Makes a task at a tool; gives its id.
    async fn make(&self, tool: &str, job: Value) -> String {
        let answer = self.ask("tools/call", json!({"name": tool, "arguments": {"job": job}})).await.answer();
        assert_eq!(answer["result"]["resultType"], "task", "{answer}");
        answer["result"]["taskId"].as_str().unwrap().to_owned()
    }

    /// What is said of a task: the result, or the error with its code.
    async fn follow(&self, method: &str, id: &str) -> Value {
        let mut answer = self.ask(method, json!({"taskId": id})).await.answer();
        if let Some(error) = answer.get_mut("error") { error.take() } else { answer["result"].take() }
    }

    async fn until(&self, id: &str, status: &str) -> Value {
        eventually(&format!("`{id}` is {status}"), async || {
            Some(self.follow("tasks/get", id).await).filter(|task| task["status"] == status)
        })
        .await
    }
}

fn at<'g>(gateway: &'g Gateway, path: &'static str) -> Clients<'g> {
    Clients { gateway, path }
}

/// Modern shards with tasks, each with its journal.
async fn gateway(journals: &[(&str, &Journal)], more: &str) -> Gateway {
    let file = |name: &str, journal: &Journal| modern_shard(name, journal) + more;
    let files = journals.iter().map(|(name, journal)| (name, file(name, journal)));
    let gateway = files.fold(Gateway::builder(), |builder, (name, file)| builder.shard(name, file)).start().await;
    for (name, _) in journals {
        gateway.until(name, "ready").await;
    }
    gateway
}

fn modern_shard(name: &str, journal: &Journal) -> String {
    journal.fake_shard(&["--era", "modern", "--tasks", "--name", name])
}

/// The ids by which a shard was asked.
fn ids(journal: &Journal, method: &str) -> Vec<Value> {
    journal.of(method).iter().map(|message| message["params"]["taskId"].clone()).collect()
}

#[tokio::test]
async fn a_task_is_made_looked_at_and_answered_without_a_byte_changed() {
    for (instances, path) in [("shared", "/mcp"), ("exclusive", "/mcp?shards=one")] {
        let journal = Journal::new();
        let gateway = gateway(&[("one", &journal)], &format!("instances: {instances}\n")).await;
        let clients = at(&gateway, path);
        let params = json!({"name": "one__echo", "arguments": {"job": {"ask": ["b", "a"], "ttl": 60_000}, "n": 1.50}});
        let made = clients.ask("tools/call", params).await;
        let task = r#""taskId":"job-1","status":"input_required","createdAt":"2026-01-01T00:00:00Z","lastUpdatedAt":"2026-01-01T00:00:00Z","ttlMs":60000,"pollIntervalMs":10"#;
        let result = format!(r#""result":{{"resultType":"task",{task}, "_meta":{{"x":1.0}}}}}}"#);
        assert!(made.text().ends_with(&result), "{}", made.text());
        let call = &journal.of("tools/call")[0]["params"];
        assert_eq!(call["_meta"]["io.modelcontextprotocol/clientCapabilities"]["extensions"], json!({TASKS: {}}));

        let request = r#"{"method":"elicitation/create","params":{"message":"Proceed?","requestedSchema":{"type":"object","properties":{}}, "n":1.0}}"#;
        let looked = clients.ask("tasks/get", json!({"taskId": "job-1"})).await;
        let result =
            format!(r#""result":{{"resultType":"complete",{task},"inputRequests":{{"b":{request},"a":{request}}}}}}}"#);
        assert!(looked.text().ends_with(&result), "{}", looked.text());

        let answers = json!({"a": {"action": "accept", "content": {"n": 1.0}}, "other": 1});
        let first = json!({"taskId": "job-1", "inputResponses": answers});
        let taken = clients.ask("tasks/update", first).await;
        assert!(taken.text().ends_with(r#""result":{"resultType":"complete"}}"#), "{}", taken.text());
        assert_eq!(journal.of("tasks/update")[0]["params"]["inputResponses"], answers);
        let open = clients.follow("tasks/get", "job-1").await;
        assert_eq!((&open["status"], open["inputRequests"].as_object().unwrap().len()), (&json!("input_required"), 1));
        let second = json!({"taskId": "job-1", "inputResponses": {"b": {"action": "decline"}}});
        clients.ask("tasks/update", second).await;
        let ended = clients.ask("tasks/get", json!({"taskId": "job-1"})).await;
        let answers =
            r#""structuredContent":{"a":{"action":"accept","content":{"n":1.0}},"b":{"action":"decline"}}}}}"#;
        assert!(ended.text().ends_with(answers), "{}", ended.text());
        gateway.stop().await;
    }
}

#[tokio::test]
async fn a_task_ends_in_its_result_its_error_or_its_cancellation_and_stays_known() {
    for instances in KINDS {
        let journal = Journal::new();
        let gateway = gateway(&[("one", &journal)], &format!("instances: {instances}\n")).await;
        let clients = at(&gateway, "/mcp/one");
        let well = clients.make("echo", json!({"ms": 10, "id": "well"})).await;
        let badly = clients.make("echo", json!({"ms": 10, "id": "badly", "fails": true})).await;
        let never = clients.make("echo", json!({"id": "never"})).await;
        assert_eq!(clients.follow("tasks/get", &never).await["status"], "working");
        assert_eq!(clients.until(&well, "completed").await["result"]["structuredContent"], json!({}));
        assert_eq!(clients.until(&badly, "failed").await["error"]["code"], -32603);
        for id in [&never, &never, &well] {
            assert_eq!(clients.follow("tasks/cancel", id).await, json!({"resultType": "complete"}), "{id}");
        }
        assert_eq!(clients.follow("tasks/get", &never).await["status"], "cancelled");
        assert_eq!(clients.follow("tasks/get", &well).await["status"], "completed");
        gateway.stop().await;
    }
}

#[tokio::test]
async fn two_children_may_mint_the_same_id_and_each_is_reached_by_its_own() {
    let (one, two) = (Journal::new(), Journal::new());
    let gateway = gateway(&[("one", &one), ("two", &two)], "").await;
    let clients = at(&gateway, "/mcp");
    let first = clients.make("one__echo", json!({"ask": ["k"]})).await;
    let second = clients.make("two__echo", json!({"ask": ["k"]})).await;
    assert_eq!((&*first, &*second), ("job-1", "job-1~1"));
    assert_eq!(clients.follow("tasks/get", &first).await["taskId"], "job-1");
    assert_eq!(clients.follow("tasks/get", &second).await["taskId"], "job-1~1");
    let answer = json!({"taskId": second, "inputResponses": {"k": {"action": "cancel"}}});
    clients.ask("tasks/update", answer).await;
    assert_eq!(clients.follow("tasks/get", &second).await["status"], "completed");
    assert_eq!(clients.follow("tasks/cancel", &first).await, json!({"resultType": "complete"}));
    for (method, at_one, at_two) in [("tasks/get", 1, 2), ("tasks/update", 0, 1), ("tasks/cancel", 1, 0)] {
        assert_eq!(ids(&one, method), vec![json!("job-1"); at_one], "{method}");
        assert_eq!(ids(&two, method), vec![json!("job-1"); at_two], "{method}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn each_child_of_an_exclusive_shard_has_its_own_tasks_and_no_other_call_while_it_is_at_work() {
    let journal = Journal::new();
    let gateway = gateway(&[("one", &journal)], "instances: exclusive\n").await;
    let clients = at(&gateway, "/mcp");
    let first = clients.make("one__echo", json!({"ask": ["k"]})).await;
    let second = clients.make("one__echo", json!({"ask": ["k"]})).await;
    assert_eq!((&*first, &*second), ("job-1", "job-1~1"), "each is another child's first");
    let at_work: Vec<u32> = gateway.children().iter().map(|child| child.pid).collect();
    assert_eq!(at_work.len(), 2, "each has a child to itself");
    let whoami = || clients.ask("tools/call", json!({"name": "one__whoami"}));
    let (one, other) = tokio::join!(whoami(), whoami());
    for answer in [one, other] {
        let who = answer.answer()["result"]["structuredContent"]["pid"].as_u64().unwrap();
        assert!(at_work.iter().all(|pid| u64::from(*pid) != who), "{who} is at work on a task: {at_work:?}");
    }
    for id in [&second, &first] {
        clients.ask("tasks/update", json!({"taskId": id, "inputResponses": {"k": {"of": id}}})).await;
        let ended = clients.follow("tasks/get", id).await;
        assert_eq!(ended["result"]["structuredContent"], json!({"k": {"of": id}}));
    }
    gateway.stop().await;
}

#[tokio::test]
async fn what_the_result_of_a_task_shows_can_be_read() {
    let journal = Journal::new();
    let gateway = gateway(&[("one", &journal)], "").await;
    let clients = at(&gateway, "/mcp");
    let id = clients.make("one__echo", json!({"ms": 1, "link": "hidden://1"})).await;
    let read = json!({"uri": "hidden://1"});
    assert_eq!(gateway.modern("resources/read", read.clone()).await.code(), Some(-32602));
    assert!(journal.of("resources/read").is_empty(), "nobody knows whose it is");
    clients.until(&id, "completed").await;
    gateway.modern("resources/read", read).await;
    assert_eq!(journal.of("resources/read").len(), 1, "now the shard is asked");
    gateway.stop().await;
}
