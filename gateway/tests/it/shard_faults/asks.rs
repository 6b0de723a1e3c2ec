//! What a shard asks and tells of itself.

use serde_json::{Value, json};

use crate::support::{Events, Gateway, Journal, Legacy, fake_shard};

#[tokio::test]
async fn a_shard_that_asks_is_answered_politely_though_nobody_can_be_asked() {
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("fake", journal.fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    let mut ask = async |method: &str| {
        let mut answer = client.call("fake__ask", json!({"method": method})).await;
        answer["structuredContent"].take()
    };
    assert_eq!(ask("ping").await["result"], json!({}));
    assert_eq!(ask("elicitation/create").await["result"], json!({"action": "cancel"}));
    assert_eq!(ask("roots/list").await["result"], json!({"roots": []}));
    let refused = ask("sampling/createMessage").await["error"].take();
    assert!(refused["message"].as_str().unwrap().contains("`instances: exclusive`"), "{refused}");
    assert_eq!(ask("vendor/unheard_of").await["error"]["code"], -32601);
    let declared = json!({
        "sampling": {"context": {}, "tools": {}},
        "elicitation": {"form": {}, "url": {}},
        "roots": {"listChanged": true},
    });
    assert_eq!(journal.of("initialize")[0]["params"]["capabilities"], declared);
    // Neither a ping nor roots are for a client, and the unheard-of method counts.
    let shard = gateway.shard("fake").await;
    assert_eq!((&shard["asked"], &shard["declined"]), (&json!(0), &json!(3)));
    gateway.stop().await;
}

#[tokio::test]
async fn a_list_that_changes_is_served_anew_before_clients_hear_of_it() {
    let modern = fake_shard(&["--era", "modern"]) + "prefix: new\n";
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).shard("modern", modern).start().await;
    gateway.until("fake", "ready").await;
    gateway.until("modern", "ready").await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    let headers = [("mcp-session-id", &*client.session), ("accept", "text/event-stream")];
    let mut http = gateway.http().await;
    let mut stream = Events::of(http.open("GET", "/mcp", &headers, "").await);
    let mut added_tool = String::new();
    for (kind, method, member, key) in [
        ("tools", "tools/list", "tools", "name"),
        ("prompts", "prompts/list", "prompts", "name"),
        ("resources", "resources/list", "resources", "uri"),
    ] {
        let before = client.names(method, member, key).await;
        let mut changed = client.call("fake__list_changed", json!({"kind": kind})).await;
        let Value::String(added) = changed["content"][0]["text"].take() else { panic!("{changed}") };
        let added = if kind == "resources" { format!("fake://{added}") } else { format!("fake__{added}") };
        assert_eq!(stream.notification().await, format!("notifications/{kind}/list_changed"));
        let mut after = client.names(method, member, key).await;
        assert!(after.contains(&added), "{added} is in {after:?}");
        after.retain(|name| *name != added);
        assert_eq!(after, before);
        if kind == "tools" {
            added_tool = added;
        }
    }
    client.call(&added_tool, json!({})).await;
    gateway.stop().await;
}
