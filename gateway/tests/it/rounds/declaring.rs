//! What a modern shard hears that a legacy client can be asked: what the client declared and its revision can carry.

use serde_json::{Value, json};

use super::{ask, client_as, elicitation, failure, legs, sampling, start};
use crate::support::{Gateway, Journal, Legacy};

const KEY: &str = "io.modelcontextprotocol/clientCapabilities";

/// What the shard heard with the latest call.
async fn told(gateway: &Gateway, journal: &Journal, revision: &str, declared: Value) -> Value {
    let mut client = Legacy::open_as(gateway, "/mcp", revision, declared).await.0;
    client.call("fake__echo", json!({})).await;
    journal.of("tools/call").pop().unwrap()["params"]["_meta"][KEY].take()
}

#[tokio::test]
async fn each_call_carries_what_its_client_declared_as_far_as_its_revision_goes() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let all = json!({"sampling": {"tools": {}, "context": {}}, "elicitation": {"form": {}, "url": {}},
        "roots": {"listChanged": true}, "experimental": {"x": {}}});
    let newest = json!({"sampling": {"tools": {}, "context": {}}, "elicitation": {"form": {}, "url": {}}, "roots": {}});
    let oldest = json!({"sampling": {}, "roots": {}});
    for (revision, declared, expected) in [
        ("2025-11-25", &all, newest),
        ("2025-06-18", &all, json!({"sampling": {}, "elicitation": {"form": {}}, "roots": {}})),
        ("2025-03-26", &all, oldest.clone()),
        ("2024-11-05", &all, oldest),
        ("2025-11-25", &json!({"elicitation": {}}), json!({"elicitation": {"form": {}}})),
        ("2025-11-25", &json!({}), json!({})),
    ] {
        assert_eq!(told(&gateway, &journal, revision, declared.clone()).await, expected, "{revision} {declared}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn nothing_is_declared_for_a_client_whose_answer_must_be_json() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let mut client = client_as(&gateway, json!({"elicitation": {}})).await;
    let mut call = async |arguments: Value| {
        let params = json!({"name": "fake__input", "arguments": arguments});
        let call = json!({"jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": params});
        let headers = [("mcp-session-id", &*client.session), ("accept", "application/json")];
        client.http.send("POST", "/mcp", &headers, call.to_string()).await.answer()
    };
    let rounds = json!([{"a": elicitation("?")}]);
    let refused = call(json!({"strict": true, "rounds": rounds})).await;
    assert_eq!(refused["error"]["code"], -32021);
    assert_eq!(refused["error"]["data"]["requiredCapabilities"], json!({"elicitation": {}}));
    // A shard that asks all the same hears that the person has cancelled.
    let asked = call(json!({"rounds": rounds})).await;
    assert_eq!(asked["result"]["structuredContent"]["responses"], json!({"a": {"action": "cancel"}}));
    assert!(legs(&journal).iter().all(|leg| leg["params"]["_meta"][KEY] == json!({})));
    gateway.stop().await;
}

#[tokio::test]
async fn what_the_client_has_not_declared_it_is_not_asked() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let mut client = client_as(&gateway, json!({"roots": {}, "elicitation": {}})).await;
    let strict = json!({"strict": true, "rounds": [{"a": sampling()}]});
    let refused = client.ask("tools/call", json!({"name": "fake__input", "arguments": strict})).await.answer();
    assert_eq!((&refused["error"]["code"], legs(&journal).len()), (&json!(-32021), 1));

    // Not even what it can be asked, since that would be for nothing.
    let rounds = json!([{"a": elicitation("?"), "b": sampling()}]);
    let answer = client.call("fake__input", json!({"rounds": rounds})).await;
    let text = answer["content"][0]["text"].as_str().unwrap();
    assert!(answer["isError"] == true && text.contains("`sampling/createMessage`"), "{answer}");
    assert!(text.contains("shard `fake`") && text.contains("not declared"), "{text}");
    assert_eq!(legs(&journal).len(), 2, "the shard is not called again");
    let shard = gateway.shard("fake").await;
    assert_eq!((&shard["asked"], &shard["declined"]), (&json!(0), &json!(1)));

    // A client before 2025-11-25 cannot be sent to a URL, whatever it declares.
    let url = json!({"elicitation": {"form": {}, "url": {}}});
    let mut older = Legacy::open_as(&gateway, "/mcp", "2025-06-18", url).await.0;
    let params = json!({"mode": "url", "message": "?", "url": "https://example.com/"});
    let rounds = json!([{"a": {"method": "elicitation/create", "params": params}}]);
    let heard = older.call("fake__input", json!({"rounds": rounds})).await;
    assert_eq!(heard["structuredContent"]["responses"], json!({"a": {"action": "cancel"}}));
    gateway.stop().await;
}

#[tokio::test]
async fn a_client_that_refuses_an_elicitation_has_cancelled_it_and_one_that_refuses_a_sampling_ends_the_call() {
    for sharing in super::SHARINGS {
        let journal = Journal::new();
        let gateway = super::start_as(&journal, sharing).await;
        let mut client = super::client(&gateway).await;
        let refuse = json!({"code": -1, "message": "user rejected"});
        let mut stream = ask(&mut client, &gateway, json!([{"a": elicitation("?")}])).await;
        let question = super::question(&mut stream, "elicitation/create").await;
        let answer = json!({"jsonrpc": "2.0", "id": question["id"], "error": refuse});
        assert_eq!(client.post(answer.to_string()).await.status, 202);
        assert_eq!(super::heard(&mut stream).await["responses"], json!({"a": {"action": "cancel"}}));

        let before = legs(&journal).len();
        let asked = json!([{"a": elicitation("?"), "b": sampling(), "c": super::roots()}]);
        let mut stream = ask(&mut client, &gateway, asked).await;
        let open = super::question(&mut stream, "elicitation/create").await;
        let sampling = super::question(&mut stream, "sampling/createMessage").await;
        let roots = super::question(&mut stream, "roots/list").await;
        let answer = json!({"jsonrpc": "2.0", "id": sampling["id"], "error": refuse});
        assert_eq!(client.post(answer.to_string()).await.status, 202);
        for question in [open, roots] {
            let taken_back = stream.next().await.unwrap();
            assert_eq!(taken_back["method"], "notifications/cancelled");
            assert_eq!(taken_back["params"]["requestId"], question["id"]);
        }
        let text = failure(&mut stream).await;
        assert!(text.contains("`sampling/createMessage`") && text.contains("error -1"), "{text}");
        assert_eq!(legs(&journal).len(), before + 1, "the shard is not called again");
        gateway.stop().await;
    }
}
