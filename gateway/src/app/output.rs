//! What commands say on stdout, which belongs to them as no protocol is spoken there.
//!
//! Invariant: a reader that has gone away, as after `| head`, is no fault.

use std::io::{ErrorKind, IsTerminal as _, Write as _, stdout};

use anyhow::Context as _;
use serde::Serialize;

use crate::config::steers;

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
    print_foreign(&(serde_json::to_string_pretty(value).context("cannot write JSON")? + "\n"))
}

/// Prints a text from outside: as it is for a program, harmless for a terminal.
///
/// # Errors
/// stdout cannot be written to.
pub(super) fn print_foreign(text: &str) -> anyhow::Result<()> {
    if stdout().is_terminal() { print(&plain(text)) } else { print(text) }
}

/// A text from outside as it may go to a terminal: control characters do not act.
pub(super) fn plain(text: &str) -> String {
    let harmless = |c: char| if steers(c) && !matches!(c, '\n' | '\t') { '\u{fffd}' } else { c };
    text.chars().map(harmless).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_act_on_a_terminal_is_shown_as_nothing() {
        assert_eq!(plain("a\tb\nc é 漢"), "a\tb\nc é 漢");
        assert_eq!(plain("\u{1b}[2J\r\u{7}\u{9b}x\u{202e}y"), "�[2J���x�y");
    }
}
