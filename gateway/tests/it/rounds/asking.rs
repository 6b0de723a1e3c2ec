//! What is asked, in which order, and what the shard hears of it.

use serde_json::{Value, json};

use super::{
    SHARINGS, accepted, ask, client, elicitation, heard, legs, question, roots, sampling, settle, start, start_as,
};
use crate::support::Journal;

const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

#[tokio::test]
async fn questions_of_one_round_go_out_together_and_the_call_is_made_again_when_all_are_answered() {
    for sharing in SHARINGS {
        let journal = Journal::new();
        let gateway = start_as(&journal, sharing).await;
        let mut client = client(&gateway).await;
        let asked = json!({"a": elicitation("ü?"), "b": sampling(), "c": roots()});
        let mut stream = ask(&mut client, &gateway, json!([asked])).await;
        let mut questions = Vec::new();
        for key in ["a", "b", "c"] {
            let question = question(&mut stream, asked[key]["method"].as_str().unwrap()).await;
            assert_eq!(question["params"], asked[key]["params"], "untouched");
            questions.push(question);
        }
        let said = json!({"role": "assistant", "content": {"type": "text", "text": "ü"}, "model": "none"});
        let answers = [accepted(&json!({"n": 2.50})), said, json!({"roots": [{"uri": "file:///home/ü"}]})];
        for at in [2, 0] {
            assert_eq!(client.respond(&questions[at], answers[at].clone()).await, 202);
        }
        settle(&gateway, &journal).await;
        assert_eq!(legs(&journal).len(), 1, "one is still open");
        assert_eq!(client.respond(&questions[1], answers[1].clone()).await, 202);
        let heard = heard(&mut stream).await;
        assert_eq!(heard["responses"], json!({"a": answers[0], "b": answers[1], "c": answers[2]}));

        let legs = legs(&journal);
        assert_eq!(legs.len(), 2);
        assert_ne!(legs[0]["id"], legs[1]["id"], "a retry is a request of its own");
        assert_eq!(legs[0]["params"]["arguments"], legs[1]["params"]["arguments"]);
        for leg in &legs {
            let told = json!({"elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {}});
            assert_eq!(leg["params"]["_meta"][CAPABILITIES], told);
        }
        let shard = gateway.shard("fake").await;
        assert_eq!((&shard["asked"], &shard["declined"]), (&json!(3), &json!(0)));
        gateway.stop().await;
    }
}

#[tokio::test]
async fn rounds_follow_each_other_until_the_shard_is_satisfied() {
    for sharing in SHARINGS {
        let journal = Journal::new();
        let gateway = start_as(&journal, sharing).await;
        let mut client = client(&gateway).await;
        // The second asks nothing: the shard only wants to be called again.
        let rounds = json!([{"first": elicitation("1")}, {}, {"third": roots()}, {"last": elicitation("4")}]);
        let mut stream = ask(&mut client, &gateway, rounds).await;
        for (method, answer) in [
            ("elicitation/create", accepted(&json!({"n": 1}))),
            ("roots/list", json!({"roots": []})),
            ("elicitation/create", json!({"action": "decline"})),
        ] {
            let question = question(&mut stream, method).await;
            assert_eq!(client.respond(&question, answer).await, 202);
        }
        let heard = heard(&mut stream).await;
        assert_eq!((&heard["rounds"], &heard["responses"]), (&json!(4), &json!({"last": {"action": "decline"}})));

        let legs = legs(&journal);
        let told: Vec<_> = legs.iter().map(|leg| leg["params"].get("inputResponses").cloned()).collect();
        let expected = [
            None,
            Some(json!({"first": accepted(&json!({"n": 1}))})),
            None,
            Some(json!({"third": {"roots": []}})),
            Some(json!({"last": {"action": "decline"}})),
        ];
        assert_eq!(told, expected, "each retry tells of its own round alone");
        let states: Vec<_> = legs.iter().map(|leg| leg["params"]["requestState"].as_str().unwrap_or("none")).collect();
        for (at, state) in states.iter().enumerate() {
            let expected = if at == 0 { "none".to_owned() } else { format!("state-{at}/") };
            assert!(state.starts_with(&expected), "{states:?}");
        }
        gateway.stop().await;
    }
}

#[tokio::test]
async fn the_shard_reads_answers_and_its_own_state_as_they_were_written() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let mut client = client(&gateway).await;
    let mut stream = ask(&mut client, &gateway, json!([{"a": elicitation("?"), "b": elicitation("!")}])).await;
    let odd = [
        r#"{ "z":1e5,"action" : "accept","content":{"n":12345678901234567890.10,"s":"\u00fc\/\ud83d\ude00"},"a":-0 }"#,
        r#"{"action":"decline","_meta":{"k":[ ]}}"#,
    ];
    for text in odd {
        let question = question(&mut stream, "elicitation/create").await;
        let answer = format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{text}}}", question["id"]);
        assert_eq!(client.post(answer).await.status, 202);
    }
    heard(&mut stream).await;
    let journal = String::from_utf8(journal.bytes()).unwrap();
    let retry = journal.lines().last().unwrap();
    let expected = format!(r#""inputResponses":{{"a":{},"b":{}}}"#, odd[0], odd[1]);
    assert!(retry.contains(&expected), "{retry}");
    assert!(retry.contains(r#""requestState":"st\u0061te-1/"#), "{retry}");
    gateway.stop().await;
}

#[tokio::test]
async fn prompts_and_resources_may_need_input_too() {
    let journal = Journal::new();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), r#"[{"name":"needs_input"}]"#).unwrap();
    let flags = ["--era", "modern", "--prompts-file", file.path().to_str().unwrap()];
    let gateway = crate::support::Gateway::builder().shard("fake", journal.fake_shard(&flags)).start().await;
    gateway.until("fake", "ready").await;
    let mut client = client(&gateway).await;
    for (id, method, params) in [
        (7, "prompts/get", json!({"name": "fake__needs_input"})),
        (8, "resources/read", json!({"uri": "fake://item/needs_input"})),
    ] {
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string();
        let headers = [("mcp-session-id", &*client.session)];
        let mut stream = crate::support::Events::of(gateway.http().await.open("POST", "/mcp", &headers, request).await);
        let question = question(&mut stream, "elicitation/create").await;
        assert_eq!(client.respond(&question, accepted(&json!({"name": "ü"}))).await, 202);
        let result = super::result(&mut stream).await;
        let text = match method {
            "prompts/get" => &result["messages"][0]["content"]["text"],
            _ => &result["contents"][0]["text"],
        };
        let told: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
        assert_eq!(told, json!({"who": accepted(&json!({"name": "ü"}))}), "{method}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn progress_and_logs_of_each_round_reach_the_client_under_its_own_token() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let mut client = client(&gateway).await;
    let params = json!({"name": "fake__input", "arguments": {"rounds": [{}, {}], "notes": true}, "_meta": {"progressToken": "mine"}});
    let messages = client.ask("tools/call", params).await.messages();
    let (result, notices) = messages.split_last().unwrap();
    assert_eq!(result["result"]["structuredContent"]["rounds"], 2, "{result}");
    let told: Vec<_> = notices
        .iter()
        .map(|notice| {
            let params = &notice["params"];
            (notice["method"].as_str().unwrap(), [&params["progressToken"], &params["progress"], &params["data"]])
        })
        .collect();
    let (mine, none) = (json!("mine"), Value::Null);
    let steps: Vec<_> = (1..=3).map(|step| (json!(step), json!(format!("line {step}")))).collect();
    let expected: Vec<_> = steps
        .iter()
        .flat_map(|(step, line)| {
            [("notifications/progress", [&mine, step, &none]), ("notifications/message", [&none, &none, line])]
        })
        .collect();
    assert_eq!(told, expected);
    for leg in legs(&journal) {
        assert_eq!(leg["params"]["_meta"]["progressToken"], leg["id"]);
    }
    gateway.stop().await;
}

#[tokio::test]
async fn progress_that_begins_anew_in_each_round_goes_on_for_the_client() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let mut client = client(&gateway).await;
    let arguments = json!({"rounds": [{}, {}], "notes": true, "anew": true});
    let params = json!({"name": "fake__input", "arguments": arguments, "_meta": {"progressToken": "mine"}});
    let messages = client.ask("tools/call", params).await.messages();
    let told = messages.iter().filter(|message| message["method"] == "notifications/progress");
    let told: Vec<_> = told.map(|told| (&told["params"]["progress"], &told["params"]["total"])).collect();
    let expected = [1, 2, 3].map(|step| (json!(step), json!(2 + step)));
    assert_eq!(told, expected.each_ref().map(|(step, total)| (step, total)));
    gateway.stop().await;
}

#[tokio::test]
async fn a_way_to_a_url_has_the_id_that_a_client_of_the_legacy_era_needs() {
    let journal = Journal::new();
    let gateway = start(&journal, "").await;
    let mut client = client(&gateway).await;
    let params = json!({"mode": "url", "message": "Sign in.", "url": "https://example.com/"});
    let asked = json!({"method": "elicitation/create", "params": params});
    let mut own = asked.clone();
    own["params"]["elicitationId"] = json!("the shard's own");
    let mut stream = ask(&mut client, &gateway, json!([{"a": asked, "b": own}])).await;
    let mut first = question(&mut stream, "elicitation/create").await;
    let id = first["params"].as_object_mut().unwrap().remove("elicitationId");
    assert!(id.is_some_and(|id| id.is_string()) && first["params"] == params, "{first}");
    let second = question(&mut stream, "elicitation/create").await;
    assert_eq!(second["params"], own["params"]);
    for question in [first, second] {
        assert_eq!(client.respond(&question, json!({"action": "accept"})).await, 202);
    }
    assert_eq!(heard(&mut stream).await["responses"]["a"], json!({"action": "accept"}));
    gateway.stop().await;
}
