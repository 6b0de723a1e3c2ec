//! The `bench` binary: one subcommand, one run, one verdict.

use std::io::{Write as _, stderr};
use std::process::ExitCode;

use bench::cli::{self, Command};
use bench::{bad, cell, echo, edits, floor, kills, neighbours, orphans, sessions, speed, traefik};
use mimalloc::MiMalloc;

/// The gateway's, so that the floor differs from it in what it does only.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let outcome = match cli::parse() {
        Command::Echo(options) => echo::run(&options),
        Command::Floor(options) => floor::run(&options),
        Command::Cell(options) => cell::run(&options),
        Command::Orphans(options) => orphans::run(&options),
        Command::Speed(options) => speed::run(&options),
        Command::Kills(options) => kills::run(&options),
        Command::Bad(options) => bad::run(&options),
        Command::Neighbours(options) => neighbours::run(&options),
        Command::Sessions(options) => sessions::run(&options),
        Command::Edits(options) => edits::run(&options),
        Command::Traefik(options) => traefik::run(&options),
    };
    match outcome {
        Ok(verdict) => verdict.into(),
        Err(error) => {
            // When stderr is gone too there is nobody left to tell.
            let _ = writeln!(stderr(), "bench: {error:#}");
            ExitCode::from(2)
        }
    }
}
