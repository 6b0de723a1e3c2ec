//! What the runs share: a gateway process of their own, clients that verify every answer, readings of `/proc`, and
//! statistics over exact latencies.
//!
//! Invariant: a gateway that a run started ends with that run, whatever becomes of the run.

mod affinity;
mod answer;
mod client;
mod gateway;
mod http;
mod process;
mod statistics;

pub use affinity::Pinned;
pub use answer::{Notices, Outcome};
pub use client::{Client, Prepared};
pub use gateway::{Gateway, echo_shard};
pub use http::{Http, Response};
pub use process::{Memory, cpu_time, descendants, is_alive, memory};
pub use statistics::{Latencies, median};

use std::time::{Duration, Instant};

use anyhow::bail;

/// Asks every 10 ms until the answer is there.
///
/// # Errors
/// It is not there within `limit`; the error says what was waited for.
pub async fn eventually<T>(what: &str, limit: Duration, mut ask: impl AsyncFnMut() -> Option<T>) -> anyhow::Result<T> {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return Ok(answer);
        }
        if start.elapsed() > limit {
            bail!("{what}: not within {limit:?}");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
