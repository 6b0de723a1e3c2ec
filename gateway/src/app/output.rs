//! What commands say on stdout, which belongs to them as no protocol is spoken there.
//!
//! Invariant: a reader that has gone away, as after `| head`, is no fault.

use std::io::{ErrorKind, IsTerminal as _, Write as _, stdout};

use anyhow::Context as _;
use serde::Serialize;

/// Prints a text as it is.
///
/// # Errors
/// stdout cannot be written to.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    match stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to stdout"),
    }
}

/// True if what is printed may hold colour: on a terminal, unless `NO_COLOR` is set.
pub(super) fn takes_colour() -> bool {
    stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Prints a value for a program to read.
///
/// # Errors
/// stdout cannot be written to.
pub(super) fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    print(&(serde_json::to_string_pretty(value).context("cannot write JSON")? + "\n"))
}
