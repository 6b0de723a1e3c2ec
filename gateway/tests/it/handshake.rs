//! How the gateway finds out which era a shard speaks: tables of shards, what they turn out to be, and every message that
//! they saw on the way there.

mod failing;
mod memory;
mod probing;

use serde_json::{Value, json};

use crate::support::{Gateway, Journal, eventually};

/// A shard, and what is to become of it.
struct Case {
    name: &'static str,
    /// Its flags in one line.
    flags: String,
    /// The rest of its file.
    yaml: &'static str,
    expected: Expected,
    /// See [`Journal::steps`].
    steps: &'static str,
}

enum Expected {
    /// It is ready in this era, and was sent nothing else.
    Era(&'static str),
    /// It is down with this in its last error, and what it was sent begins with the steps.
    Down(&'static str),
}

/// A shard with nothing else in its file.
fn case(name: &'static str, flags: impl Into<String>, expected: Expected, steps: &'static str) -> Case {
    Case { name, flags: flags.into(), yaml: "", expected, steps }
}

impl Case {
    fn with(self, yaml: &'static str) -> Self {
        Self { yaml, ..self }
    }
}

/// Runs all shards of a table at once in one gateway.
async fn check(cases: &[Case]) {
    let journals: Vec<Journal> = cases.iter().map(|_| Journal::new()).collect();
    let gateway = cases.iter().zip(&journals).fold(Gateway::builder(), |builder, (case, journal)| {
        let flags: Vec<&str> = case.flags.split_whitespace().collect();
        builder.shard(case.name, journal.marked_fake_shard(&flags) + case.yaml)
    });
    let gateway = gateway.start().await;
    for (case, journal) in cases.iter().zip(&journals) {
        match case.expected {
            Expected::Era(era) => {
                let shard = gateway.until(case.name, "ready").await;
                assert_eq!((&shard["era"], &*journal.steps()), (&json!(era), case.steps), "{}: {shard}", case.name);
                assert_eq!(shard["last_error"], Value::Null, "{}", case.name);
            }
            Expected::Down(error) => {
                let shard = fallen(&gateway, case.name).await;
                assert!(shard["last_error"].as_str().unwrap().contains(error), "{shard}");
                let steps = journal.steps();
                assert!(steps.starts_with(case.steps), "{}: {steps}", case.name);
            }
        }
    }
    gateway.stop().await;
}

/// Waits until a shard has failed to start, and gives its entry.
async fn fallen(gateway: &Gateway, name: &str) -> Value {
    eventually(&format!("`{name}` fails to start; log:\n{}", gateway.log()), async || {
        Some(gateway.shard(name).await).filter(|shard| !shard["last_error"].is_null())
    })
    .await
}
