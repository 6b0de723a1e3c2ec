//! What a call says while it runs, and what becomes of a change whose client has gone.
//!
//! Invariant: a change that has begun ends whole, live or taken back, whether anybody waits for it or not.

mod wire;

use std::fs;

use serde_json::{Value, json};

use self::wire::Wire;
use crate::support::{Lab, LabOptions, Launch, Shard};

const FILE: &str = "mcp-managed/app.yml";

fn unnoticing() -> LabOptions {
    LabOptions { watch: false, ..LabOptions::default() }
}

fn route(lab: &Lab, wait_seconds: u32) -> Value {
    let backend = lab.backend().url();
    json!({"name": "app", "host": "app.lab.test", "backend_url": backend, "wait_seconds": wait_seconds})
}

/// A shard in the middle of making a route that Traefik has not noticed: the file is there, the call is the first.
async fn in_the_middle(lab: &Lab, launch: &Launch, wait_seconds: u32) -> Wire {
    let mut wire = Wire::start(launch).await;
    wire.call(1, "create_route", route(lab, wait_seconds), json!({})).await;
    lab.until("the file is there", async |lab| lab.tree_bytes().contains_key(FILE).then_some(())).await;
    wire
}

async fn until_files_are(lab: &Lab, files: &[&str]) {
    lab.until("the change has ended", async |lab| (lab.all_files() == files).then_some(())).await;
}

/// What the audit log says came of it, action and outcome.
fn audited(lab: &Lab) -> Vec<(String, String)> {
    let log = fs::read_to_string(lab.state_dir().join("audit.log")).unwrap_or_default();
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    lines.map(|line| (word(&line["action"]), word(&line["outcome"]))).collect()
}

#[tokio::test]
async fn a_client_that_asks_for_progress_hears_each_step_before_the_answer() {
    let lab = Lab::start(LabOptions::default()).await;
    let mut wire = Wire::start(&lab.shard()).await;
    wire.call(1, "create_route", route(&lab, 10), json!({"progressToken": "mine"})).await;
    let (before, answer) = wire.answer(1).await;
    assert_eq!(answer["structuredContent"]["status"], "enabled", "{answer:#}");
    let steps: Vec<&str> = before.iter().map(|step| step["params"]["message"].as_str().unwrap()).collect();
    let expected = [
        "waiting for the turn to write",
        "checking against the files and against Traefik",
        "waiting until Traefik serves the route",
    ];
    assert_eq!(steps, expected);
    for (at, step) in before.iter().enumerate() {
        assert_eq!(
            (&step["method"], &step["params"]["progressToken"]),
            (&json!("notifications/progress"), &json!("mine"))
        );
        assert_eq!(step["params"]["progress"].as_f64(), Some(at as f64 + 1.0), "{step}");
    }
    wire.call(2, "delete_route", json!({"name": "app"}), json!({})).await;
    let (before, answer) = wire.answer(2).await;
    assert_eq!((before, &answer["structuredContent"]["status"]), (vec![], &json!("gone")), "nobody asked");
    wire.close().await;
}

#[tokio::test]
async fn a_cancelled_change_that_traefik_notices_ends_live() {
    let lab = Lab::start(unnoticing()).await;
    let mut wire = in_the_middle(&lab, &lab.shard(), 60).await;
    wire.send(json!({"method": "notifications/cancelled", "params": {"requestId": 1}})).await;
    wire.send(json!({"id": 2, "method": "ping"})).await;
    wire.answer(2).await;
    lab.hang_up();
    until_files_are(&lab, &["human.yml", "mcp-managed/.lock", FILE]).await;
    assert_eq!(lab.get("web", "app.lab.test", "/").await.body, "human GET /");
    assert_eq!(audited(&lab), [("create".to_owned(), "ok".to_owned())]);
    wire.close().await;
}

#[tokio::test]
async fn a_cancelled_change_that_traefik_never_notices_is_taken_back_and_the_next_one_is_served() {
    let lab = Lab::start(unnoticing()).await;
    let mut wire = in_the_middle(&lab, &lab.shard(), 1).await;
    wire.send(json!({"method": "notifications/cancelled", "params": {"requestId": 1}})).await;
    until_files_are(&lab, &["human.yml", "mcp-managed/.lock"]).await;
    assert_eq!(audited(&lab), [("create".to_owned(), "rolled_back".to_owned())]);
    wire.call(2, "delete_route", json!({"name": "app"}), json!({})).await;
    let (_, answer) = wire.answer(2).await;
    assert_eq!(answer["structuredContent"]["code"], "not_found", "{answer:#}");
    wire.close().await;
}

#[tokio::test]
async fn a_change_that_waits_its_turn_and_is_cancelled_is_never_begun() {
    let lab = Lab::start(unnoticing()).await;
    let mut wire = in_the_middle(&lab, &lab.shard(), 60).await;
    let mut other = route(&lab, 60);
    other["name"] = json!("other");
    other["host"] = json!("other.lab.test");
    wire.call(2, "create_route", other, json!({})).await;
    wire.send(json!({"method": "notifications/cancelled", "params": {"requestId": 2}})).await;
    wire.send(json!({"id": 3, "method": "ping"})).await;
    wire.answer(3).await;
    lab.hang_up();
    let (_, answer) = wire.answer(1).await;
    assert_eq!(answer["structuredContent"]["status"], "enabled", "{answer:#}");
    wire.call(4, "delete_route", json!({"name": "other"}), json!({})).await;
    let (_, answer) = wire.answer(4).await;
    assert_eq!(answer["structuredContent"]["code"], "not_found", "{answer:#}");
    assert_eq!(audited(&lab), [("create".to_owned(), "ok".to_owned())]);
    wire.close().await;
}

#[tokio::test]
async fn a_shard_told_to_stop_in_the_middle_of_a_change_sees_it_live_first() {
    let lab = Lab::start(unnoticing()).await;
    let wire = in_the_middle(&lab, &lab.shard(), 60).await;
    // The shard has lost its client before Traefik notices anything.
    tokio::join!(wire.close(), async { lab.hang_up() });
    until_files_are(&lab, &["human.yml", "mcp-managed/.lock", FILE]).await;
    assert_eq!(lab.get("web", "app.lab.test", "/").await.body, "human GET /");
    assert_eq!(audited(&lab), [("create".to_owned(), "ok".to_owned())]);
}

#[tokio::test]
async fn a_shard_told_to_stop_ends_in_time_and_leaves_an_endless_change_to_the_next() {
    let lab = Lab::start(unnoticing()).await;
    let before = lab.tree_bytes();
    in_the_middle(&lab, &lab.shard(), 120).await.close().await;
    assert!(lab.all_files().contains(&"mcp-managed/.journal".to_owned()), "{:?}", lab.all_files());
    let next = Shard::start(&lab.shard()).await;
    until_files_are(&lab, &["human.yml", "mcp-managed/.lock"]).await;
    assert!(lab.tree_bytes() == before);
    next.end().await;
    assert_eq!(audited(&lab), [("recovered_undone".to_owned(), "ok".to_owned())]);
}
