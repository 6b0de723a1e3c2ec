//! Methods and notifications that no revision names, completions, and errors that are to be passed on as they are.

use serde_json::{Value, json};

use super::{Requester, gateway};
use crate::support::{Gateway, Journal, Legacy, eventually, fake_shard};

#[tokio::test]
async fn an_unheard_of_method_goes_to_the_shard_that_owns_what_it_names() {
    let (one, two) = (Journal::new(), Journal::new());
    let gateway = gateway(&[("one", &one), ("two", &two)], "").await;
    let mut client = Requester::open(&gateway).await;
    let id = client.make("two", json!({})).await;
    let cases = [
        (json!({"name": "two__echo", "x": [1.50]}), json!({"name": "echo", "x": [1.50]}), "two"),
        (json!({"taskId": id, "y": null}), json!({"taskId": "task-1", "y": null}), "two"),
        (json!({"name": "one__echo"}), json!({"name": "echo"}), "one"),
    ];
    for (params, expected, shard) in cases {
        let answer = client.0.ask("vendor/run", params).await.answer();
        assert_eq!(answer["result"], json!({"by": shard, "params": expected}));
    }
    for params in [json!({}), json!({"name": "nobody__has"}), json!({"name": "one__echo", "taskId": id})] {
        let error = client.0.ask("vendor/run", params).await.answer()["error"].take();
        assert_eq!(error["code"], -32601, "{error}");
    }
    let modern = gateway.modern("vendor/run", json!({"name": "one__echo"})).await;
    assert_eq!(modern.code(), Some(-32601));
    gateway.stop().await;
}

#[tokio::test]
async fn an_unheard_of_notification_goes_there_too_or_nowhere() {
    let (one, two) = (Journal::new(), Journal::new());
    let gateway = gateway(&[("one", &one), ("two", &two)], "").await;
    let mut client = Requester::open(&gateway).await;
    for params in [json!({"n": 1}), json!({"name": "one__echo", "n": 2}), json!({"name": "two__echo", "n": 3})] {
        let told = json!({"jsonrpc": "2.0", "method": "notifications/vendor", "params": params});
        assert_eq!(client.0.post(told.to_string()).await.status, 202);
    }
    for (journal, n) in [(&one, 2), (&two, 3)] {
        let heard = eventually("the shard hears", async || journal.of("notifications/vendor").pop()).await;
        assert_eq!(heard["params"], json!({"name": "echo", "n": n}));
        assert_eq!(journal.of("notifications/vendor").len(), 1);
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_completion_keeps_its_context_and_what_cannot_be_completed_is_a_fault_of_the_parameters() {
    let journal = Journal::new();
    let prompts = r#"[{"name":"greet"}]"#;
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("prompts.json");
    std::fs::write(&file, prompts).unwrap();
    let file = journal.fake_shard(&["--prompts-file", file.to_str().unwrap()]);
    let gateway = Gateway::builder().shard("one", file).start().await;
    gateway.until("one", "ready").await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    let context = json!({"arguments": {"owner": "ü", "n": "1.0"}, "vendor": [1e5]});
    let argument = json!({"name": "who", "value": "a"});
    let reference = json!({"type": "ref/prompt", "name": "one__greet", "title": "t"});
    let params = json!({"ref": reference, "argument": argument, "context": context});
    let answer = client.ask("completion/complete", params).await.answer();
    assert_eq!(answer["result"]["completion"]["values"], json!(["alpha", "beta"]));
    let expected =
        json!({"ref": {"type": "ref/prompt", "name": "greet", "title": "t"}, "argument": argument, "context": context});
    assert_eq!(journal.of("completion/complete")[0]["params"], expected);
    for reference in [
        json!({"type": "ref/prompt", "name": "nobody"}),
        json!({"type": "ref/resource", "uri": "nobody://{x}"}),
        json!({"type": "ref/tool", "name": "one__echo"}),
    ] {
        let params = json!({"ref": reference, "argument": argument});
        assert_eq!(client.ask("completion/complete", params.clone()).await.code(), Some(-32602), "{reference}");
        assert_eq!(gateway.modern("completion/complete", params).await.code(), Some(-32602), "{reference}");
    }
    assert_eq!(journal.of("completion/complete").len(), 1);
    gateway.stop().await;
}

#[tokio::test]
async fn an_error_that_sends_a_person_to_a_url_reaches_legacy_clients_byte_for_byte_and_modern_ones_never() {
    const ERROR: &str = r#"{"code":-32042,"message":"This request requires more information.","data":{"elicitations":[{"mode":"url","elicitationId":"550e8400","url":"https:\/\/a.example\/connect?x=1","message":"Sign in","n":1.0}]},"x":1e2}"#;
    let gateway = Gateway::builder().shard("one", fake_shard(&[])).start().await;
    gateway.until("one", "ready").await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    let params = json!({"name": "one__raw_error", "arguments": {"text": ERROR}});
    let response = client.ask("tools/call", params.clone()).await;
    assert!(response.text().contains(&format!(r#""error":{ERROR}}}"#)), "{response:?}");
    assert_eq!(response.code(), Some(-32042));
    // 2026-07-28, basic, "Error Codes": "Implementations of this protocol version MUST NOT emit these codes: … -32042".
    let refused = gateway.modern("tools/call", params).await;
    assert_eq!((refused.status, refused.code()), (400, Some(-32021)), "{refused:?}");
    let needed = json!({"requiredCapabilities": {"elicitation": {"url": {}}}});
    assert_eq!(refused.answer()["error"]["data"], needed);
    gateway.stop().await;
}

#[tokio::test]
async fn an_app_arrives_byte_for_byte() {
    const UI: &str = r#"{"ui":{"resourceUri":"ui:\/\/clock\/app.html","visibility":["model","app"],"csp":{"connectDomains":["https://a.example"],"n":1.0}}}"#;
    let tool = format!(
        r#"[{{"name":"clock","inputSchema":{{"type":"object","properties":{{}}}},"_meta":{UI}}},{{"name":"raw_text","inputSchema":{{"type":"object","properties":{{}}}}}}]"#
    );
    let resource = format!(
        r#"[{{"uri":"ui://clock/app.html","name":"app","mimeType":"text/html;profile=mcp-app","_meta":{UI}}}]"#
    );
    let dir = tempfile::TempDir::new().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let flags = ["--tools-file", &file("tools", &tool), "--resources-file", &file("resources", &resource)];
    let gateway = Gateway::builder().shard("one", fake_shard(&flags)).start().await;
    gateway.until("one", "ready").await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    let exposed = tool.replace("\"clock\"", "\"one__clock\"").replace("\"raw_text\"", "\"one__raw_text\"");
    let contents = r#"{"contents":[{"uri":"ui:\/\/clock\/app.html","mimeType":"text/html;profile=mcp-app","text":"<p>\u00fc<\/p>","_meta":{"ui":{"prefersBorder":true,"n":1.0}}}]}"#;
    for (method, params, expected) in [
        ("tools/list", json!({}), format!(r#""tools":{exposed}"#)),
        ("resources/list", json!({}), format!(r#""resources":{resource}"#)),
        (
            "tools/call",
            json!({"name": "one__raw_text", "arguments": {"text": contents}}),
            contents[1..contents.len() - 1].into(),
        ),
    ] {
        let (legacy, modern) = (client.ask(method, params.clone()).await, gateway.modern(method, params).await);
        assert!(legacy.text().contains(&expected), "{method}: {}", legacy.text());
        assert!(modern.text().contains(&expected), "{method}: {}", modern.text());
    }
    let read: Value = client.ask("resources/read", json!({"uri": "ui://clock/app.html"})).await.answer();
    assert_eq!(read["result"]["contents"][0]["uri"], "ui://clock/app.html");
    gateway.stop().await;
}
