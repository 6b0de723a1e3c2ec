//! `subscriptions/listen`, both ways: what a modern client hears, and what the gateway hears of modern shards.

mod connections;
mod faults;
mod floods;
mod lives;
mod shards;

use serde_json::{Value, json};

use crate::support::{Events, Gateway, Journal, Legacy, Response, eventually, modern_meta};

const LISTEN: &str = "subscriptions/listen";
const ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";
const UPDATED: &str = "notifications/resources/updated";
const ID: &str = "io.modelcontextprotocol/subscriptionId";
/// The shard reports on every resource but this one.
const REFUSED: &str = "fake://item/refused";
const ERAS: [&str; 2] = ["legacy", "modern"];

fn request(id: &Value, filter: &Value) -> Value {
    let params = json!({"_meta": modern_meta(), "notifications": filter});
    json!({"jsonrpc": "2.0", "id": id, "method": LISTEN, "params": params})
}

async fn post(gateway: &Gateway, path: &str, id: &Value, filter: &Value) -> hyper::Response<hyper::body::Incoming> {
    let headers = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", LISTEN)];
    gateway.http().await.open("POST", path, &headers, request(id, filter).to_string()).await
}

/// Listens, and gives what is acknowledged too.
async fn listen_at(gateway: &Gateway, path: &str, id: Value, filter: Value) -> (Events, Value) {
    let mut stream = Events::of(post(gateway, path, &id, &filter).await);
    let mut first = stream.next().await.expect("an acknowledgement");
    assert_eq!((&first["method"], &first["params"]["_meta"]), (&json!(ACKNOWLEDGED), &json!({ID: id})));
    (stream, first["params"]["notifications"].take())
}

async fn listen(gateway: &Gateway, id: Value, filter: Value) -> (Events, Value) {
    listen_at(gateway, "/mcp", id, filter).await
}

async fn to_resources(gateway: &Gateway, uris: &[&str]) -> (Events, Value) {
    listen(gateway, json!(1), json!({"resourceSubscriptions": uris})).await
}

/// A shard of this era that is ready.
async fn start(journal: &Journal, era: &str, flags: &[&str], keys: &str) -> Gateway {
    let shard = journal.fake_shard(&[&["--era", era], flags].concat()) + keys;
    let gateway = Gateway::builder().shard("fake", shard).start().await;
    gateway.until("fake", "ready").await;
    gateway
}

/// A call of one of the shard's tools by a modern client.
async fn call(gateway: &Gateway, tool: &str, arguments: Value) -> Value {
    let params = json!({"name": format!("fake__{tool}"), "arguments": arguments});
    let mut answer = gateway.modern("tools/call", params).await.answer();
    assert!(answer["error"].is_null() && answer["result"]["isError"] != true, "{answer}");
    answer["result"].take()
}

/// Has the shard say that this was updated.
async fn update(gateway: &Gateway, uri: &str) {
    call(gateway, "updated", json!({"uri": uri})).await;
}

/// The uri of the next message, which must say that it was updated.
async fn heard(stream: &mut Events) -> String {
    let message = stream.next().await.expect("an update");
    assert_eq!(message["method"], UPDATED, "{message}");
    message["params"]["uri"].as_str().unwrap().to_owned()
}

/// The filters of the requests that a modern shard has had.
fn filters(journal: &Journal) -> Vec<Value> {
    journal.of(LISTEN).iter().map(|request| request["params"]["notifications"].clone()).collect()
}

/// The uris that the shard is to report on, as far as it has been told.
fn followed(journal: &Journal, era: &str) -> Vec<String> {
    let mut uris: Vec<String> = Vec::new();
    if era == "modern" {
        let last = filters(journal).pop().unwrap_or_default();
        let asked: Vec<String> = serde_json::from_value(last["resourceSubscriptions"].clone()).unwrap_or_default();
        return asked.into_iter().filter(|uri| uri != REFUSED).collect();
    }
    for message in journal.messages() {
        let uri = message["params"]["uri"].as_str().unwrap_or_default();
        match message["method"].as_str() {
            Some("resources/subscribe") if uri != REFUSED => uris.push(uri.to_owned()),
            Some("resources/unsubscribe") => uris.retain(|other| other != uri),
            _ => {}
        }
    }
    uris.sort();
    // Each client of the legacy era asks the shard, too.
    uris.dedup();
    uris
}

async fn until_followed(journal: &Journal, era: &str, uris: &[&str]) {
    eventually(&format!("the {era} shard reports on {uris:?}"), async || {
        (followed(journal, era) == uris).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_client_hears_what_it_asked_for_and_was_granted_and_nothing_else() {
    for era in ERAS {
        let journal = Journal::new();
        let gateway = start(&journal, era, &[], "").await;
        let wished = ["fake://one", "fake://item/1", "fake://item/refused", "nobody://x"];
        let filter = json!({"resourcesListChanged": true, "toolsListChanged": false, "resourceSubscriptions": wished});
        let (mut stream, granted) = listen(&gateway, json!("l-1"), filter).await;
        let expected = json!({"resourcesListChanged": true, "resourceSubscriptions": ["fake://item/1", "fake://one"]});
        assert_eq!(granted, expected, "{era}");
        until_followed(&journal, era, &["fake://item/1", "fake://one"]).await;

        for uri in ["fake://two", "fake://item/refused", "fake://one"] {
            update(&gateway, uri).await;
        }
        let told = json!({
            "jsonrpc": "2.0", "method": UPDATED, "params": {"uri": "fake://one", "_meta": {ID: "l-1"}}
        });
        assert_eq!(stream.next().await.unwrap(), told, "{era}");
        for kind in ["tools", "prompts", "resources"] {
            call(&gateway, "list_changed", json!({"kind": kind})).await;
        }
        let told = json!({
            "jsonrpc": "2.0", "method": "notifications/resources/list_changed", "params": {"_meta": {ID: "l-1"}}
        });
        assert_eq!(stream.next().await.unwrap(), told, "{era}");
        let listed = gateway.modern("resources/list", json!({})).await.answer();
        assert!(listed["result"]["resources"].as_array().unwrap().len() > 2, "the new list was there before: {listed}");

        drop(stream);
        until_followed(&journal, era, &[]).await;
        gateway.stop().await;
    }
}

#[tokio::test]
async fn a_request_is_named_by_its_id_as_it_was_written() {
    let journal = Journal::new();
    let gateway = start(&journal, "modern", &[], "").await;
    for id in ["7", "7.0", r#""7""#, r#""\u0037é""#, "-1"] {
        let filter = r#"{"resourceSubscriptions":["fake://one"]}"#;
        let body = request(&json!("PLACE"), &json!("FILTER")).to_string();
        let body = body.replace(r#""PLACE""#, id).replace(r#""FILTER""#, filter);
        let headers = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", LISTEN)];
        let mut stream = Events::of(gateway.http().await.open("POST", "/mcp", &headers, body).await);
        let stamp = format!(r#""{ID}":{id}}}"#);
        let (_, first) = stream.event().await.unwrap();
        assert!(first.contains(&stamp), "{first}");
        update(&gateway, "fake://one").await;
        let (_, second) = stream.event().await.unwrap();
        assert!(second.contains(&stamp) && second.contains(UPDATED), "{second}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn clients_of_both_eras_share_what_the_shard_reports() {
    for era in ERAS {
        let journal = Journal::new();
        let gateway = start(&journal, era, &[], "").await;
        let (mut modern, _) = to_resources(&gateway, &["fake://one"]).await;
        let mut other = Legacy::open(&gateway, "2025-11-25").await;
        let mut others = Events::listen(&gateway, &other.session).await;
        if era == "legacy" {
            let answer = other.ask("resources/subscribe", json!({"uri": "fake://one"})).await.answer();
            assert_eq!(answer["result"], json!({}));
            update(&gateway, "fake://one").await;
            assert_eq!(
                (heard(&mut modern).await, heard(&mut others).await),
                ("fake://one".into(), "fake://one".into())
            );
            let answer = other.ask("resources/unsubscribe", json!({"uri": "fake://one"})).await.answer();
            assert_eq!(answer["result"], json!({}));
            assert_eq!(journal.of("resources/unsubscribe").len(), 0, "the modern one still follows it");
        }
        update(&gateway, "fake://one").await;
        assert_eq!(heard(&mut modern).await, "fake://one");
        let (mut second, _) = to_resources(&gateway, &["fake://one", "fake://two"]).await;
        until_followed(&journal, era, &["fake://one", "fake://two"]).await;
        drop(modern);
        update(&gateway, "fake://one").await;
        assert_eq!(heard(&mut second).await, "fake://one");
        until_followed(&journal, era, &["fake://one", "fake://two"]).await;
        gateway.stop().await;
    }
}

#[tokio::test]
async fn each_view_is_heard_of_alone() {
    let (one, two) = (Journal::new(), Journal::new());
    let gateway = start(&one, "modern", &[], "").await;
    // Where both are seen, what both have belongs to the one that was there first.
    gateway.write_shard("two", &two.fake_shard(&["--era", "legacy"]));
    gateway.until("two", "ready").await;
    let filter = json!({"toolsListChanged": true, "resourceSubscriptions": ["fake://one"]});
    let (mut all, _) = listen(&gateway, json!(1), filter.clone()).await;
    let (mut alone, granted) = listen_at(&gateway, "/mcp/two", json!(1), filter).await;
    assert_eq!(granted["resourceSubscriptions"], json!(["fake://one"]), "both shards have one");
    assert_eq!(
        (followed(&one, "modern"), followed(&two, "legacy")),
        (vec!["fake://one".into()], vec!["fake://one".into()])
    );
    update(&gateway, "fake://one").await;
    assert_eq!(heard(&mut all).await, "fake://one");
    call(&gateway, "list_changed", json!({"kind": "tools"})).await;
    assert_eq!(all.notification().await, "notifications/tools/list_changed");
    let params = json!({"name": "two__list_changed", "arguments": {"kind": "tools"}});
    gateway.modern("tools/call", params).await;
    assert_eq!(alone.notification().await, "notifications/tools/list_changed", "nothing of the other shard before it");
    gateway.stop().await;
}

async fn refused(gateway: &Gateway, params: Value) -> (u16, i64, String) {
    let response = gateway.modern(LISTEN, params).await;
    let error = &response.answer()["error"];
    (response.status, error["code"].as_i64().unwrap(), error["message"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_filter_of_another_shape_is_refused_and_says_why() {
    let gateway = Gateway::builder().start().await;
    for (params, words) in [
        (json!({}), "`params.notifications` must be an object"),
        (json!({"notifications": []}), "`params.notifications` must be an object"),
        (json!({"notifications": {"toolsListChanged": "yes"}}), "must be true or false"),
        (json!({"notifications": {"resourceSubscriptions": "fake://one"}}), "must be an array of strings"),
        (json!({"notifications": {"resourceSubscriptions": [1]}}), "must be an array of strings"),
        (
            json!({"notifications": {"resourceSubscriptions": (0..1025).map(|n| format!("a:{n}")).collect::<Vec<_>>()}}),
            "more than 1024 uris",
        ),
    ] {
        let (status, code, message) = refused(&gateway, params).await;
        assert!((status, code) == (200, -32602) && message.contains(words), "{status} {code} {message}");
    }
    let headers = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", LISTEN), ("accept", "application/json")];
    let body = request(&json!(1), &json!({})).to_string();
    let response = gateway.http().await.send("POST", "/mcp", &headers, body).await;
    assert_eq!((response.status, response.code()), (406, Some(-32600)));
    gateway.stop().await;
}

#[tokio::test]
async fn a_client_is_told_that_it_can_listen() {
    let gateway = Gateway::builder().start().await;
    let discovered = gateway.modern("server/discover", json!({})).await.answer();
    let capabilities = &discovered["result"]["capabilities"];
    assert_eq!(capabilities["resources"], json!({"subscribe": true, "listChanged": true}));
    assert_eq!(
        (&capabilities["tools"], &capabilities["prompts"]),
        (&json!({"listChanged": true}), &json!({"listChanged": true}))
    );
    gateway.stop().await;
}

#[tokio::test]
async fn streams_count_among_the_open_ones_and_are_named_when_there_are_too_many() {
    let gateway = Gateway::builder().flags(&["--max-streams", "2"]).start().await;
    let (_one, _) = listen(&gateway, json!(1), json!({})).await;
    let (two, _) = listen(&gateway, json!(1), json!({})).await;
    let response = Response::of(post(&gateway, "/mcp", &json!(1), &json!({})).await).await;
    let answer = response.answer();
    assert_eq!((response.status, &answer["id"]), (503, &json!(1)));
    assert!(answer["error"]["message"].as_str().unwrap().contains("`--max-streams`"), "{answer}");
    drop(two);
    eventually("its place is free", async || {
        (post(&gateway, "/mcp", &json!(1), &json!({})).await.status() == 200).then_some(())
    })
    .await;
    gateway.stop().await;
}
