//! What the tests share: a real gateway process with its own folders, and a plain HTTP client.
//!
//! Invariant: a gateway leaves no process behind, and a test that finds one fails.

mod client;
mod events;
mod gateway;
mod http;
mod journal;
mod processes;
mod socket;
mod sse;
mod stdio;

pub(crate) use client::{Legacy, modern_meta};
pub(crate) use events::Events;
pub(crate) use gateway::{Builder, Gateway, built, fake_shard, foreign_variables, template_shard};
pub(crate) use http::{Http, Response};
pub(crate) use journal::Journal;
pub(crate) use processes::Tree;
pub(crate) use socket::Socket;
pub(crate) use sse::Sse;
pub(crate) use stdio::Stdio;

use std::time::Duration;

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Asks until the answer is there.
///
/// # Panics
/// After [`PATIENCE`], saying what was waited for.
pub(crate) async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    match tokio::time::timeout(PATIENCE, asking).await {
        Ok(answer) => answer,
        Err(_) => panic!("{what}: not within {PATIENCE:?}"),
    }
}
