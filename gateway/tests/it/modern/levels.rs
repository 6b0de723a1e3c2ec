//! The log level of each modern request, at shards of both eras, shared and not.

use serde_json::{Value, json};

use crate::support::{Gateway, fake_shard};

const LEVEL: &str = "io.modelcontextprotocol/logLevel";
const LEVELS: [&str; 8] = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

#[tokio::test]
async fn a_request_hears_what_it_asked_for_and_nothing_else() {
    for instances in ["shared", "exclusive"] {
        let shard = |era| format!("{}instances: {instances}\n", fake_shard(&["--era", era]));
        let builder = Gateway::builder().shard("legacy", shard("legacy")).shard("modern", shard("modern"));
        let gateway = builder.start().await;
        for era in ["legacy", "modern"] {
            gateway.until(era, "ready").await;
            let logs = async |of: &str, meta: Value| {
                let pieces = json!([json!({"level": of, "data": "x"}).to_string()]);
                let arguments = json!({"method": "notifications/message", "pieces": pieces});
                let params = json!({"name": format!("{era}__raw_notice"), "arguments": arguments});
                let mut messages = gateway.modern_with("tools/call", params, meta).await.messages();
                let answer = messages.pop().unwrap();
                assert_eq!(answer["result"]["content"][0]["text"], "ok", "{answer}");
                messages.iter().filter(|message| message["method"] == "notifications/message").count()
            };
            for (at, wanted) in LEVELS.iter().enumerate() {
                for (severity, of) in LEVELS.iter().enumerate() {
                    let heard = logs(of, json!({(LEVEL): wanted})).await;
                    assert_eq!(heard, usize::from(severity >= at), "{instances} {era}: {of} at level {wanted}");
                }
            }
            assert_eq!(logs("emergency", json!({})).await, 0, "{instances} {era}: no level, no logs");
            assert_eq!(
                logs("emergency", json!({"progressToken": 1})).await,
                0,
                "{instances} {era}: a stream is no wish"
            );
        }
        gateway.stop().await;
    }
}

#[tokio::test]
async fn a_level_that_there_is_not_is_a_wrong_parameter() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    for level in [json!("loud"), json!("INFO"), json!(7), json!(null), json!({})] {
        let params = json!({"name": "fake__echo", "arguments": {}});
        let response = gateway.modern_with("tools/call", params, json!({(LEVEL): level})).await;
        assert_eq!((response.status, response.code()), (400, Some(-32602)), "{level}");
    }
    gateway.stop().await;
}
