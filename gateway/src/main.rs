//! The `mcp-gateway` binary: reads the command line, logs to stderr, runs, and reports one error.

use std::process::ExitCode;

use gateway::app::Exit;
use gateway::{cli, log};
use mimalloc::MiMalloc;

/// Messages are made on one thread and dropped on another, which the system's allocator answers with locks.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let wish = match cli::parse(std::env::args_os()) {
        Ok(wish) => wish,
        Err(told) => {
            // Printing fails only when nobody is there to read it.
            let _ = told.print();
            return ExitCode::from(u8::try_from(told.exit_code()).unwrap_or(2));
        }
    };
    log::begin(wish.log_level());
    let serves = wish.serves();
    let patience = wish.patience();
    let exit = wish.carry_out().unwrap_or_else(|error| {
        if serves {
            tracing::error!("{error:#}");
        } else {
            log::stderr().print(format!("error: {error:#}\n").as_bytes());
        }
        Exit::of(&error)
    });
    log::stderr().flush(patience);
    exit.into()
}
