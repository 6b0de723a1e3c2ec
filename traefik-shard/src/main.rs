//! The `traefik-shard` binary: an MCP server over stdio for one Traefik.
//!
//! stdout belongs to the protocol; everything that people should read goes to stderr, which the
//! gateway shows under the shard's name.

mod answer;
mod api;
mod app;
mod arguments;
mod aside;
mod backends;
mod change;
mod conflict;
mod cut;
mod disk;
mod docs;
mod document;
mod failure;
mod finding;
mod log;
mod parts;
mod progress;
mod prompts;
mod redact;
mod resources;
mod route;
mod routes;
mod rule;
mod server;
mod settings;
mod tls;
mod tools;
mod tree;

use std::process::ExitCode;

use tracing::error;

use crate::settings::Settings;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let settings = Settings::read();
    log::to_stderr();
    match app::serve(settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            error!(error = format!("{cause:#}"), "cannot go on");
            ExitCode::FAILURE
        }
    }
}
