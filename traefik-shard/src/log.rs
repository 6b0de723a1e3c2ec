//! The shard's log: lines on stderr, which the gateway shows under the shard's name.
//!
//! Nothing is logged before `to_stderr`, and stdout is never written to.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

/// Begins the log; `RUST_LOG` sets the level, for example `RUST_LOG=debug`.
pub(crate) fn to_stderr() {
    // The SDK's own lines below a warning hold whole messages, and so perhaps secrets.
    let usual = || EnvFilter::new("info,rmcp=warn");
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| usual()))
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal())
        .init();
}
