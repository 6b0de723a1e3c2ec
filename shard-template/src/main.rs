//! The `shard-template` binary: an MCP server over stdio.
//!
//! stdout belongs to the protocol; everything that people should read goes to stderr, which the
//! gateway shows under the shard's name.

mod disk;
mod host;
mod server;
mod subnet;

use std::io::{IsTerminal, stderr};
use std::process::ExitCode;

use rmcp::ServiceExt;
use rmcp::service::ServerInitializeError;
use tracing::{error, info};
use tracing_subscriber::EnvFilter;

use crate::server::Shard;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    log_to_stderr();
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            error!(error = format!("{cause:#}"), "cannot go on");
            ExitCode::FAILURE
        }
    }
}

/// Serves until the client closes our stdin: that is how a shard is told to stop.
async fn serve() -> anyhow::Result<()> {
    let running = match Shard.serve(rmcp::transport::stdio_pipes()).await {
        // A client may leave before it said anything, for example one that was told to stop.
        Err(ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
        handshake => handshake?,
    };
    info!("connected");
    let reason = running.waiting().await?;
    info!(?reason, "stopped");
    Ok(())
}

/// `RUST_LOG` sets the level, for example `RUST_LOG=debug`.
fn log_to_stderr() {
    // The SDK's own lines below a warning hold whole messages, and so perhaps secrets.
    let usual = || EnvFilter::new("info,rmcp=warn");
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| usual()))
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal())
        .init();
}
