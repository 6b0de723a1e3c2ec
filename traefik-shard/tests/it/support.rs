//! What the tests share: a real Traefik with its own folders, and two ways to the shard in front of it.
//!
//! Invariant: whatever is started here is ended when it is dropped, also by a panic.

mod backend;
mod client;
mod gateway;
mod lab;
mod launch;
mod process;
mod setup;
mod shard;

pub(crate) use backend::{Backend, Closed};
pub(crate) use client::{Client, Outcome};
pub(crate) use gateway::Gateway;
pub(crate) use lab::{Lab, Reply};
pub(crate) use launch::{Launch, built};
pub(crate) use setup::{Api, HASH, LabOptions, PASSWORD, TOKEN};
pub(crate) use shard::Shard;

use std::time::Duration;

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

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

/// An HTTP client that takes no proxy and any certificate, and follows no redirect.
pub(crate) fn http() -> reqwest::ClientBuilder {
    // Only the first call in a process can set it, and it is the same for all.
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    client.tls_danger_accept_invalid_certs(true).timeout(PATIENCE)
}
