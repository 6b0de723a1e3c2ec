//! The `mcp-gateway` binary: reads the command line, logs to stderr, runs, and reports one error.

use std::io::{IsTerminal, stderr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use gateway::app::{self, Settings, threads};
use gateway::cli::{self, Wish};
use gateway::log;
use mimalloc::MiMalloc;
use tracing_subscriber::EnvFilter;

/// Messages are made on one thread and dropped on another, which the system's allocator answers with locks.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// How long the last lines of the log may take, if they are not read.
const LAST_LINES: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    let wish = match cli::parse(std::env::args_os()) {
        Ok(wish) => wish,
        Err(told) => {
            // Printing fails only when nobody is there to read it.
            let _ = told.print();
            return ExitCode::from(u8::try_from(told.exit_code()).unwrap_or(2));
        }
    };
    let filter = EnvFilter::try_from_env("MCP_GATEWAY_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let log = log::stderr();
    let lines = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(stderr().is_terminal());
    lines.with_env_filter(filter).with_target(false).init();
    let outcome = match wish {
        Wish::Serve(settings) => serve(*settings),
        Wish::Ps(options) => app::ps::show(&options),
    };
    let code = match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    };
    log.flush(LAST_LINES);
    code
}

fn serve(settings: Settings) -> anyhow::Result<()> {
    let runtime = threads::runtime(settings.workers).context("cannot start")?;
    let outcome = runtime.block_on(app::run(settings));
    // A read of stdin cannot be interrupted, so nobody waits for it.
    runtime.shutdown_timeout(Duration::from_millis(50));
    outcome
}
