//! Real modern clients at a tool that wants arguments repeated in headers.
//!
//! Invariant: nobody tells them how; they read the tool's schema, or ask for it when the gateway has refused a call.

use serde_json::json;

use super::questions::told;
use crate::modern::{listed, sql};
use crate::support::{Gateway, Journal};

#[tokio::test]
async fn real_modern_clients_repeat_what_a_tool_wants_whether_they_have_listed_it_or_not() {
    let (journal, tools) = (Journal::new(), listed(&json!([sql()])));
    let shard = journal.fake_shard(&["--tools-file", tools.path().to_str().unwrap()]);
    let gateway = Gateway::builder().shard("db", shard).start().await;
    gateway.until("db", "ready").await;
    for (driver, calls) in [("headers.mjs", 2), ("headers.py", 4)] {
        let told = told(driver, &[gateway.url()], &[]).await;
        assert_eq!(told["listed"], told["wanted"], "{driver}: {told}");
        assert_eq!(told["unlisted"], told["wanted"], "{driver}: {told}");
        assert_eq!(journal.of("tools/call").len(), calls, "{driver}: each call runs once");
    }
    gateway.stop().await;
}
