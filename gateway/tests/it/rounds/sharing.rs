//! Several clients whose calls go round at one shard.

use serde_json::{Value, json};

use super::{SHARINGS, accepted, ask, client, client_as, elicitation, heard, legs, question, roots, start_as};
use crate::support::{Events, Journal, Legacy};

#[tokio::test]
async fn the_rounds_of_two_clients_never_mix() {
    for sharing in SHARINGS {
        let journal = Journal::new();
        let gateway = start_as(&journal, sharing).await;
        let mut clients: Vec<(Legacy, Events)> = Vec::new();
        for name in ["one", "two"] {
            let mut client = client(&gateway).await;
            let rounds = json!([{"q": elicitation(name)}, {"q": roots()}, {"q": elicitation(name)}]);
            let stream = ask(&mut client, &gateway, rounds).await;
            clients.push((client, stream));
        }
        for method in ["elicitation/create", "roots/list", "elicitation/create"] {
            let mut questions = Vec::new();
            for (_, stream) in &mut clients {
                questions.push(question(stream, method).await);
            }
            // Each tries the other's first; the second to be asked is the first to answer.
            for (at, other) in [(1, 0), (0, 1)] {
                let foreign = json!({"action": "accept", "content": {"stolen": true}, "roots": []});
                assert_eq!(clients[at].0.respond(&questions[other], foreign).await, 202);
                let name = ["one", "two"][at];
                let answer = match method {
                    "roots/list" => json!({"roots": [{"uri": format!("file:///{name}")}]}),
                    _ => accepted(&json!({"name": name})),
                };
                assert_eq!(clients[at].0.respond(&questions[at], answer).await, 202);
            }
        }
        for (name, (_, stream)) in ["one", "two"].iter().zip(&mut clients) {
            let heard = heard(stream).await;
            assert_eq!(heard["responses"], json!({"q": accepted(&json!({"name": name}))}));
        }
        for leg in legs(&journal) {
            let params = &leg["params"];
            let name = params["arguments"]["rounds"][0]["q"]["params"]["message"].as_str().unwrap();
            let (told, other) = (params["inputResponses"].to_string(), if name == "one" { "two" } else { "one" });
            assert!(!told.contains(other) && !told.contains("stolen"), "{name}: {told}");
        }
        assert_eq!(legs(&journal).len(), 8, "four calls for each");
        gateway.stop().await;
    }
}

#[tokio::test]
async fn a_person_who_thinks_holds_no_child() {
    let journal = Journal::new();
    let gateway = start_as(&journal, "exclusive").await;
    let mut asked: Vec<(Legacy, Events, Value)> = Vec::new();
    // More than there can be children.
    for _ in 0..6 {
        let mut client = client(&gateway).await;
        let mut stream = ask(&mut client, &gateway, json!([{"q": elicitation("?")}])).await;
        let question = question(&mut stream, "elicitation/create").await;
        asked.push((client, stream, question));
    }
    assert_eq!(gateway.shard("fake").await["in_flight"], 0);
    client(&gateway).await.call("fake__echo", json!({})).await;
    for (at, (client, stream, question)) in asked.iter_mut().enumerate().rev() {
        assert_eq!(client.respond(question, accepted(&json!({"n": at}))).await, 202);
        assert_eq!(heard(stream).await["responses"]["q"], accepted(&json!({"n": at})));
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_modern_shard_that_is_shared_hears_the_roots_of_the_client_that_calls() {
    let journal = Journal::new();
    let gateway = super::start(&journal, "roots: [\"file:///the/files/own\"]\n").await;
    for name in ["one", "two"] {
        let mut client = client_as(&gateway, json!({"roots": {}})).await;
        let mut stream = ask(&mut client, &gateway, json!([{"q": roots()}])).await;
        let question = question(&mut stream, "roots/list").await;
        let own = json!({"roots": [{"uri": format!("file:///{name}"), "name": name}]});
        assert_eq!(client.respond(&question, own.clone()).await, 202);
        assert_eq!(heard(&mut stream).await["responses"], json!({"q": own}));
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_sessions_own_child_gets_its_sessions_rounds() {
    let journal = Journal::new();
    let gateway = start_as(&journal, "per_session").await;
    let mut client = client(&gateway).await;
    let own = client.call("fake__whoami", json!({})).await["structuredContent"]["pid"].take();
    let mut stream = ask(&mut client, &gateway, json!([{"q": elicitation("?")}])).await;
    let question = question(&mut stream, "elicitation/create").await;
    assert_eq!(client.respond(&question, accepted(&json!({}))).await, 202);
    assert_eq!(heard(&mut stream).await["rounds"], 1);
    assert_eq!(client.call("fake__whoami", json!({})).await["structuredContent"]["pid"], own);
    gateway.stop().await;
}
