//! The `traefik-shard` binary: an MCP server over stdio for one Traefik.
//!
//! stdout belongs to the protocol; everything that people should read goes to stderr, which the
//! gateway shows under the shard's name.

mod answer;
mod app;
mod failure;
mod finding;
mod progress;
mod server;
mod settings;
mod tools;

use std::io::{IsTerminal, stderr};
use std::process::ExitCode;

use clap::Parser;
use tracing::error;
use tracing_subscriber::EnvFilter;

use crate::settings::Settings;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let settings = Settings::parse();
    log_to_stderr();
    match app::serve(settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            error!(error = format!("{cause:#}"), "cannot go on");
            ExitCode::FAILURE
        }
    }
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
