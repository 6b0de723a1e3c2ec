//! What an abuse run found, beside what was wanted.
//!
//! Invariant: one target that is missed makes the whole run a miss.

use std::fmt::Display;
use std::io::{Write as _, stdout};

use comfy_table::{Table, presets};

use crate::cli::Verdict;

/// The figures of one run, in the order in which they were found.
#[derive(Debug, Default)]
pub struct Findings {
    rows: Vec<[String; 4]>,
    missed: bool,
    /// What went wrong, in words.
    faults: Vec<String>,
}

/// How many faults are shown.
const SHOWN: usize = 10;

impl Findings {
    /// Adds a figure without a target.
    pub fn note(&mut self, figure: impl Display, measured: impl Display) {
        self.rows.push([figure.to_string(), measured.to_string(), String::new(), String::new()]);
    }

    /// Adds a figure with its target, and whether that was met.
    pub fn judge(&mut self, figure: impl Display, measured: impl Display, target: impl Display, is_met: bool) {
        self.missed |= !is_met;
        let verdict = if is_met { "met" } else { "MISSED" };
        self.rows.push([figure.to_string(), measured.to_string(), target.to_string(), verdict.to_owned()]);
    }

    /// Adds a count of what must not happen, with what was seen of it.
    pub fn none_of(&mut self, figure: impl Display, seen: impl IntoIterator<Item = String>) {
        let seen: Vec<String> = seen.into_iter().collect();
        self.judge(&figure, seen.len(), "0", seen.is_empty());
        self.faults.extend(seen.iter().take(SHOWN).map(|fault| format!("{figure}: {fault}")));
    }

    /// Prints the table.
    ///
    /// # Errors
    /// Nobody reads stdout.
    pub fn print(&self, title: &str) -> anyhow::Result<Verdict> {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING).set_header([title, "measured", "target", ""]);
        for row in &self.rows {
            table.add_row(row);
        }
        let mut out = stdout();
        writeln!(out, "{table}")?;
        for fault in &self.faults {
            writeln!(out, "  {fault}")?;
        }
        writeln!(out)?;
        Ok(if self.missed { Verdict::Miss } else { Verdict::Pass })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_missed_target_is_a_miss() {
        let mut findings = Findings::default();
        findings.note("calls", 1000);
        findings.judge("p50", "2 ms", "3 ms", true);
        findings.none_of("lost", []);
        assert_eq!(findings.print("a run").unwrap(), Verdict::Pass);
        findings.none_of("wrong", ["this one".to_owned()]);
        findings.judge("p99", "2 ms", "3 ms", true);
        assert_eq!(findings.print("a run").unwrap(), Verdict::Miss);
    }
}
