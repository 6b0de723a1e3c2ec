//! A legacy shard that wants the person to go to a URL before the call.

use serde_json::{Value, json};

use crate::support::{Gateway, Journal, Legacy, Response, fake_shard};

const ERROR: &str = concat!(
    r#"{"code":-32042,"message":"log in","data":{"elicitations":[{"mode":"url","elicitationId":"e1","#,
    r#""url":"https://example.org/login","message":"Log in there"}]}}"#
);

async fn ask(gateway: &Gateway, capabilities: Value, more: Value) -> Response {
    let mut params = json!({"name": "old__raw_error", "arguments": {"text": ERROR}});
    for (key, value) in more.as_object().unwrap() {
        params[key] = value.clone();
    }
    let meta = json!({"io.modelcontextprotocol/clientCapabilities": capabilities});
    gateway.modern_with("tools/call", params, meta).await
}

#[tokio::test]
async fn a_modern_client_sends_the_person_there_and_makes_the_call_again() {
    for instances in ["shared", "exclusive"] {
        let journal = Journal::new();
        let shard = format!("{}instances: {instances}\n", journal.fake_shard(&[]));
        let gateway = Gateway::builder().shard("old", shard).start().await;
        gateway.until("old", "ready").await;
        let able = json!({"elicitation": {"url": {}}});

        let response = ask(&gateway, able.clone(), json!({})).await;
        let question = json!({"mode": "url", "url": "https://example.org/login", "message": "Log in there"});
        let requests = json!({"mcp_gateway_url_1": {"method": "elicitation/create", "params": question}});
        let expected = json!({"resultType": "input_required", "inputRequests": requests});
        assert_eq!((response.status, &response.answer()["result"]), (200, &expected), "{instances}");

        let answers = |action: &str| json!({"inputResponses": {"mcp_gateway_url_1": {"action": action}}});
        let again = ask(&gateway, able.clone(), answers("accept")).await;
        assert_eq!(again.answer()["result"], expected, "this shard is never content");
        let calls = journal.of("tools/call");
        let params = &calls[1]["params"];
        assert_eq!((calls.len(), &params["name"]), (2, &json!("raw_error")), "{calls:?}");
        assert_eq!((params.get("inputResponses"), params.get("_meta")), (None, Some(&json!({}))), "{params}");

        let declined = ask(&gateway, able, answers("decline")).await.answer();
        assert_eq!(declined["result"]["isError"], true, "{declined}");
        assert_eq!(journal.of("tools/call").len(), 2, "who declines is not asked again");

        let unable = ask(&gateway, json!({"elicitation": {}}), json!({})).await;
        let error = unable.answer()["error"].take();
        assert_eq!((unable.status, &error["code"]), (400, &json!(-32021)), "{error}");
        assert_eq!(error["data"]["requiredCapabilities"], json!({"elicitation": {"url": {}}}));
        assert!(error["message"].as_str().unwrap().contains("log in"), "{error}");
        gateway.stop().await;
    }
}

#[tokio::test]
async fn a_legacy_client_gets_the_error_of_its_revision() {
    let gateway = Gateway::builder().shard("old", fake_shard(&[])).start().await;
    gateway.until("old", "ready").await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    let response = client.ask("tools/call", json!({"name": "old__raw_error", "arguments": {"text": ERROR}})).await;
    assert_eq!(response.answer()["error"], serde_json::from_str::<Value>(ERROR).unwrap());
    gateway.stop().await;
}
