//! Plain requests and answers: each client era at each shard era.

mod lists;
mod naming;
mod notices;
mod reading;
mod rewriting;

use serde_json::{Value, json};

use crate::support::{Gateway, Journal, Legacy, Response};

/// One gateway with a shard of each era.
struct Pair {
    gateway: Gateway,
    legacy: Journal,
    modern: Journal,
}

const ERAS: [&str; 2] = ["legacy", "modern"];

impl Pair {
    async fn start() -> Self {
        Self::with("", [&[], &[]]).await
    }

    /// With more in the legacy shard's file.
    async fn with_file(legacy: &str) -> Self {
        Self::with(legacy, [&[], &[]]).await
    }

    /// With more flags of the shards.
    async fn with_flags(legacy: &[&str], modern: &[&str]) -> Self {
        Self::with("", [legacy, modern]).await
    }

    async fn with(file: &str, flags: [&[&str]; 2]) -> Self {
        let (legacy, modern) = (Journal::new(), Journal::new());
        let shard = |journal: &Journal, era: &str, flags: &[&str]| {
            journal.fake_shard(&[&["--era", era, "--name", era], flags].concat())
        };
        let gateway = Gateway::builder()
            .shard("legacy", shard(&legacy, "legacy", flags[0]) + file)
            .shard("modern", shard(&modern, "modern", flags[1]))
            .start()
            .await;
        for era in ERAS {
            let shard = gateway.until(era, "ready").await;
            assert_eq!(shard["era"], era);
        }
        Self { gateway, legacy, modern }
    }

    fn journal(&self, era: &str) -> &Journal {
        if era == "legacy" { &self.legacy } else { &self.modern }
    }

    /// Makes a request as a client of that era, with these members in `params._meta` besides those of the era.
    async fn ask(&self, era: &str, method: &str, params: Value, meta: Value) -> Response {
        if era == "modern" {
            return self.gateway.modern_with(method, params, meta).await;
        }
        let mut params = params;
        if meta != json!({}) {
            params["_meta"] = meta;
        }
        Legacy::open(&self.gateway, "2025-11-25").await.ask(method, params).await
    }

    /// The result of a request.
    async fn result(&self, era: &str, method: &str, params: Value) -> Value {
        let mut answer = self.ask(era, method, params, json!({})).await.answer();
        assert!(answer.get("error").is_none(), "{era} {method}: {answer}");
        answer["result"].take()
    }

    /// The error of a request.
    async fn error(&self, era: &str, method: &str, params: Value) -> Value {
        let mut answer = self.ask(era, method, params, json!({})).await.answer();
        assert!(answer.get("result").is_none(), "{era} {method}: {answer}");
        answer["error"].take()
    }
}

/// Every client era with every shard era.
fn crossings() -> impl Iterator<Item = (&'static str, &'static str)> {
    ERAS.into_iter().flat_map(|client| ERAS.into_iter().map(move |shard| (client, shard)))
}

/// `resultType` is there for modern clients, whatever the shard speaks.
#[track_caller]
fn is_complete(result: &Value, client: &str, shard: &str) {
    if client == "modern" {
        assert_eq!(result["resultType"], "complete", "{client} client, {shard} shard: {result}");
    } else if shard == "legacy" {
        assert!(result.get("resultType").is_none(), "{result}");
    }
}
