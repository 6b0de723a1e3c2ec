//! Shards that misbehave, seen from a client: each fault costs one call one clear error, and nobody else anything.

mod answers;
mod asks;
mod crashes;
mod memory;
mod queues;
mod silence;

use serde_json::Value;

/// What a client is told of a tool call that came to nothing.
#[track_caller]
fn told(result: &Value) -> &str {
    assert_eq!(result["isError"], true, "{result}");
    result["content"][0]["text"].as_str().unwrap()
}

/// Checks that a text holds all of these parts.
#[track_caller]
fn holds(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no {part:?} in {text:?}");
    }
}
