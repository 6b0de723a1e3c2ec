//! What commands say on stdout, which belongs to them as no protocol is spoken there.
//!
//! Invariant: a reader that has gone away, as after `| head`, is no fault.

use std::io::{ErrorKind, Write as _, stdout};

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

/// Prints a value for a program to read.
///
/// # Errors
/// stdout cannot be written to.
pub(super) fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    print(&(serde_json::to_string_pretty(value).context("cannot write JSON")? + "\n"))
}
