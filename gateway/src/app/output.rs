//! What commands say on stdout, which belongs to them as no protocol is spoken there.
//!
//! Invariant: a reader that has gone away, as after `| head`, is no fault.

use std::io::{ErrorKind, IsTerminal as _, Write as _, stdout};

use anyhow::Context as _;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
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

/// True if what is printed may hold colour: on a terminal that has any, unless `NO_COLOR` is set.
pub(super) fn takes_colour() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    stdout().is_terminal() && !refused && std::env::var_os("TERM").is_none_or(|terminal| terminal != "dumb")
}

/// What a colour says of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colour {
    /// It is well: green.
    Well,
    /// It will be, or partly is: yellow.
    Between,
    /// It is not: red.
    Ill,
}

/// The text in this colour, for where [`takes_colour`].
pub(super) fn coloured(text: &str, colour: Colour) -> String {
    let code = match colour {
        Colour::Well => 32,
        Colour::Between => 33,
        Colour::Ill => 31,
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}

/// How many columns the terminal has; `None` if what is printed goes elsewhere, where lines may be of any length.
pub(super) fn width() -> Option<u16> {
    let size = rustix::termios::tcgetwinsize(stdout()).ok()?;
    // Some terminals do not know their size; below the other limit no table can be read.
    (size.ws_col > 0).then_some(size.ws_col.max(30))
}

/// A table without lines, whose cells are wrapped where a terminal is narrow.
pub(super) fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(header);
    if let Some(names) = table.column_mut(0) {
        // A name is copied from here, so it stays whole.
        names.set_padding((0, 1)).set_constraint(ColumnConstraint::ContentWidth);
    }
    if let Some(width) = width() {
        // Some tables are indented by two.
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width - 2);
    }
    table
}

/// Prints a value for a program to read.
///
/// # Errors
/// stdout cannot be written to.
pub(super) fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    print(&(serde_json::to_string_pretty(value).context("cannot write JSON")? + "\n"))
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
    let harmless = |c: char| if c.is_control() && !matches!(c, '\n' | '\t') || is_bidi(c) { '\u{fffd}' } else { c };
    text.chars().map(harmless).collect()
}

/// What was typed, as a complaint may repeat it.
pub(super) fn short(word: &str) -> String {
    const LONGEST: usize = 80;
    let word = plain(word);
    if word.chars().count() <= LONGEST { word } else { word.chars().take(LONGEST - 1).chain(['…']).collect() }
}

/// Characters that make a text look other than it is, without being seen.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{061c}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_does_not_repeat_what_is_endless() {
        assert_eq!(short("a\u{1b}"), "a\u{fffd}");
        assert_eq!(short(&"é".repeat(1000)), format!("{}…", "é".repeat(79)));
    }

    #[test]
    fn what_would_act_on_a_terminal_is_shown_as_nothing() {
        assert_eq!(plain("a\tb\nc é 漢"), "a\tb\nc é 漢");
        assert_eq!(plain("\u{1b}[2J\r\u{7}\u{9b}x\u{202e}y"), "�[2J���x�y");
    }
}
