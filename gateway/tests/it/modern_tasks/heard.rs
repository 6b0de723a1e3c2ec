//! What clients hear of their tasks on `subscriptions/listen`.

use serde_json::{Value, json};

use super::{KINDS, at, declaring, gateway, modern_shard};
use crate::support::{Events, Gateway, Journal, Stdio, eventually, fake_shard, modern_meta};

const ID: &str = "io.modelcontextprotocol/subscriptionId";

fn request(meta: &Value, filter: &Value) -> Value {
    let mut all = modern_meta();
    for (key, value) in meta.as_object().unwrap() {
        all[key] = value.clone();
    }
    let params = json!({"_meta": all, "notifications": filter});
    json!({"jsonrpc": "2.0", "id": "mine", "method": "subscriptions/listen", "params": params})
}

async fn post(gateway: &Gateway, path: &str, request: &Value) -> hyper::Response<hyper::body::Incoming> {
    let headers = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "subscriptions/listen")];
    gateway.http().await.open("POST", path, &headers, request.to_string()).await
}

/// Listens to tasks; gives what is acknowledged of the filter too.
async fn listen(gateway: &Gateway, path: &str, ids: &[&str]) -> (Events, Value) {
    let mut stream = Events::of(post(gateway, path, &request(&declaring(), &json!({"taskIds": ids}))).await);
    let mut first = stream.next().await.expect("an acknowledgement");
    assert_eq!(first["method"], "notifications/subscriptions/acknowledged");
    (stream, first["params"]["notifications"].take())
}

async fn answer(gateway: &Gateway, id: &str) {
    let params = json!({"taskId": id, "inputResponses": {"k": {"of": id}}});
    let answer = at(gateway, "/mcp").ask("tasks/update", params).await;
    assert_eq!(answer.code(), None, "{}", answer.text());
}

/// What is told next, which must be of a task and name the request.
async fn told(stream: &mut Events) -> Value {
    let mut message = stream.next().await.expect("a notification");
    assert_eq!((&message["method"], &message["params"]["_meta"][ID]), (&json!("notifications/tasks"), &json!("mine")));
    message["params"].take()
}

/// How many requests to listen to tasks are open at a shard.
fn open(journal: &Journal) -> usize {
    let of_tasks = |message: &Value| message["params"]["notifications"].get("taskIds").is_some();
    let asked: Vec<_> = journal.of("subscriptions/listen").into_iter().filter(of_tasks).collect();
    let cancelled = journal.cancelled();
    asked.iter().filter(|message| !cancelled.contains(&message["id"])).count()
}

#[tokio::test]
async fn a_client_hears_of_the_tasks_that_it_has_named_and_of_no_others() {
    for instances in KINDS {
        let (one, two) = (Journal::new(), Journal::new());
        let gateway = gateway(&[("one", &one), ("two", &two)], &format!("instances: {instances}\n")).await;
        let clients = at(&gateway, "/mcp");
        let first = clients.make("one__echo", json!({"ask": ["k"], "ttl": 60_000})).await;
        let second = clients.make("two__echo", json!({"ask": ["k"]})).await;
        let unnamed = clients.make("two__echo", json!({"ask": ["k"], "id": "unnamed"})).await;
        let (mut stream, honoured) = listen(&gateway, "/mcp", &[&second, "unknown", &first]).await;
        assert_eq!(honoured, json!({"taskIds": ["job-1", "job-1~1"]}), "{instances}");
        let of_tasks = |journal: &Journal| journal.of("subscriptions/listen").pop().unwrap()["params"].take();
        assert_eq!(of_tasks(&two)["notifications"], json!({"taskIds": ["job-1"]}), "by the shard's own id");
        answer(&gateway, &unnamed).await;
        answer(&gateway, &second).await;
        let mut ended = told(&mut stream).await;
        assert_eq!((&ended["taskId"], &ended["status"]), (&json!("job-1~1"), &json!("completed")));
        assert_eq!(ended["result"]["structuredContent"].take(), json!({"k": {"of": "job-1~1"}}));
        clients.follow("tasks/cancel", &first).await;
        let cancelled = told(&mut stream).await;
        assert_eq!((&cancelled["taskId"], &cancelled["status"]), (&json!("job-1"), &json!("cancelled")));
        assert_eq!(cancelled["ttlMs"], 60_000);
        assert_eq!((open(&one), open(&two)), (1, 1));
        drop(stream);
        let taken_back = async || (open(&one) + open(&two) == 0).then_some(());
        eventually("the shards need not tell any more", taken_back).await;
        gateway.stop().await;
    }
}

#[tokio::test]
async fn whoever_has_not_declared_the_extension_is_refused_and_what_is_not_seen_is_not_honoured() {
    let (one, two) = (Journal::new(), Journal::new());
    let gateway = gateway(&[("one", &one), ("two", &two)], "").await;
    let id = at(&gateway, "/mcp").make("one__echo", json!({"ask": ["k"]})).await;
    let refused = post(&gateway, "/mcp", &request(&json!({}), &json!({"taskIds": [id]}))).await;
    assert_eq!(refused.status(), 400);
    let (_stream, honoured) = listen(&gateway, "/mcp/two", &[&id]).await;
    assert_eq!(honoured, json!({}));
    let (_stream, honoured) = listen(&gateway, "/mcp/one", &[&id]).await;
    assert_eq!(honoured, json!({"taskIds": [id]}));
    gateway.stop().await;
}

#[tokio::test]
async fn a_child_that_drains_still_tells_and_one_that_was_killed_ends_nothing_else() {
    let (old, new, other) = (Journal::new(), Journal::new(), Journal::new());
    let gateway = gateway(&[("one", &old), ("two", &other)], "").await;
    let clients = at(&gateway, "/mcp");
    let pid = gateway.shard("one").await["pid"].clone();
    let drained = clients.make("one__echo", json!({"ask": ["k"]})).await;
    let stays = clients.make("two__echo", json!({"ask": ["k"], "id": "stays"})).await;
    gateway.write_shard("one", &modern_shard("one", &new));
    eventually("the new child serves", async || {
        let shard = gateway.shard("one").await;
        (shard["state"] == "ready" && shard["pid"] != pid).then_some(())
    })
    .await;
    let killed = clients.make("one__echo", json!({"ask": ["k"], "id": "killed"})).await;
    let (mut stream, honoured) = listen(&gateway, "/mcp", &[&drained, &stays, &killed]).await;
    assert_eq!(honoured, json!({"taskIds": ["job-1", "killed", "stays"]}));
    gateway.modern("tools/call", json!({"name": "one__crash"})).await;
    answer(&gateway, &drained).await;
    let ended = told(&mut stream).await;
    assert_eq!(
        (&ended["taskId"], &ended["result"]["structuredContent"]),
        (&json!(drained), &json!({"k": {"of": drained}}))
    );
    eventually("the old child goes", async || old.keepers().is_empty().then_some(())).await;
    answer(&gateway, &stays).await;
    assert_eq!(told(&mut stream).await["taskId"], "stays");
    gateway.stop().await;
}

/// A client of the shard `one` hears how its task ends.
async fn hears_of_its_task(mut client: Stdio) {
    let mut params = json!({"name": "one__echo", "arguments": {"job": {"ask": ["k"]}}});
    params["_meta"] = request(&declaring(), &json!({}))["params"]["_meta"].take();
    client.request(1, "tools/call", params.clone()).await;
    assert_eq!(client.answer(1).await["result"]["taskId"], "job-1");
    client.send(request(&declaring(), &json!({"taskIds": ["job-1"]}))).await;
    let first = client.next().await.unwrap();
    assert_eq!(first["params"]["notifications"], json!({"taskIds": ["job-1"]}));
    let update = json!({"taskId": "job-1", "inputResponses": {"k": 1}, "_meta": params["_meta"]});
    client.request(2, "tasks/update", update).await;
    client.answer(2).await;
    let told = client.next().await.unwrap();
    assert_eq!((&told["method"], &told["params"]["status"]), (&json!("notifications/tasks"), &json!("completed")));
    assert_eq!(told["params"]["_meta"], json!({ID: "mine"}));
    client.finish().await;
}

#[tokio::test]
async fn a_task_is_told_of_over_stdio() {
    let journal = Journal::new();
    hears_of_its_task(Gateway::builder().shard("one", modern_shard("one", &journal)).stdio()).await;
}

#[tokio::test]
async fn a_client_that_joins_a_gateway_is_told_of_its_task() {
    let journal = Journal::new();
    let gateway = gateway(&[("one", &journal)], "").await;
    hears_of_its_task(Gateway::builder().flags(&["--connect", &gateway.url()]).stdio()).await;
    eventually("the shard need not tell any more", async || (open(&journal) == 0).then_some(())).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_task_is_acknowledged_although_the_shard_of_a_resource_takes_longer_to_say_nothing() {
    let journal = Journal::new();
    // Whoever is there first has the resources.
    let mute = fake_shard(&["--era", "modern", "--on-listen", "silent"]);
    let gateway = Gateway::builder().shard("mute", mute).start().await;
    gateway.until("mute", "ready").await;
    gateway.write_shard("one", &modern_shard("one", &journal));
    gateway.until("one", "ready").await;
    let id = at(&gateway, "/mcp").make("one__echo", json!({"ask": ["k"]})).await;
    let filter = json!({"taskIds": [id], "resourceSubscriptions": ["fake://one"]});
    let mut streams = Vec::new();
    for _ in 0..8 {
        streams.push(Events::of(post(&gateway, "/mcp", &request(&declaring(), &filter)).await));
    }
    for stream in &mut streams {
        let first = stream.next().await.expect("an acknowledgement");
        assert_eq!(first["params"]["notifications"], json!({"taskIds": [id]}));
    }
    answer(&gateway, &id).await;
    for stream in &mut streams {
        assert_eq!(told(stream).await["status"], "completed");
    }
    gateway.stop().await;
}
