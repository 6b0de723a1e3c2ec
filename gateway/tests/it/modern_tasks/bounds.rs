//! How many tasks those have together who come without a connection of their own.

use serde_json::{Value, json};

use super::{at, declaring, gateway};
use crate::support::{Http, Journal, Sse, modern_meta};

const MOST: usize = 2048;

/// The parameters of a call that makes a task without an end.
fn endless() -> Value {
    let mut params = json!({"name": "one__echo", "arguments": {"job": {}}, "_meta": modern_meta()});
    for (key, value) in declaring().as_object().unwrap() {
        params["_meta"][key] = value.clone();
    }
    params
}

/// Makes a task, as another client on the same socket would.
async fn make(http: &mut Http) -> Value {
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": endless()});
    let headers = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", "one__echo")];
    http.send("POST", "/mcp", &headers, request.to_string()).await.answer()
}

#[tokio::test]
async fn clients_without_a_connection_have_so_many_tasks_together_and_leave_room_for_those_with_one() {
    let journal = Journal::new();
    let gateway = gateway(&[("one", &journal)], "").await;
    let mut http = gateway.http().await;
    for number in 1..=MOST {
        assert_eq!(make(&mut http).await["result"]["taskId"], format!("job-{number}"));
    }
    let refused = make(&mut http).await;
    let message = refused["error"]["message"].as_str().unwrap();
    assert_eq!(refused["error"]["code"], -32603, "{refused}");
    assert!(
        message.starts_with("2048 tasks of all clients without a connection of their own are under way"),
        "{message}"
    );
    assert_eq!(journal.of("tools/call").len(), MOST, "it did not run");

    let plain = gateway.modern("tools/call", json!({"name": "one__echo", "arguments": {"n": 1}})).await.answer();
    assert_eq!(plain["result"]["structuredContent"], json!({"n": 1}), "who takes no tasks is not refused: {plain}");
    let mut connected = Sse::open_at(&gateway, "/sse").await;
    connected.request("mine", "tools/call", endless()).await;
    let made = connected.answer("mine").await;
    assert_eq!(made["result"]["taskId"], format!("job-{}", MOST + 1), "{made}");

    let clients = at(&gateway, "/mcp");
    assert_eq!(clients.follow("tasks/cancel", "job-7").await, json!({"resultType": "complete"}));
    assert_eq!(make(&mut http).await["result"]["taskId"], format!("job-{}", MOST + 2));
    assert_eq!(make(&mut http).await["error"]["code"], -32603, "one has made room for one");
    gateway.stop().await;
}
