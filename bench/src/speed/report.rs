//! What was measured, as a table beside the targets.
//!
//! Invariant: a fault of any cell is a miss, and so is a figure that is not within its target.

use std::fmt;
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use gateway::wire::Era;

use crate::cli::Verdict;
use crate::rig::Memory;

/// At least this share of the floor's calls, with more than one in flight.
const RATIO: f64 = 0.5;
/// At most so many microseconds more than the floor with one in flight.
const ADDED: f64 = 30.0;
/// At most so many times the floor's time for a list.
const LIST: f64 = 1.5;
/// At least this share of the legacy era's calls, in the modern era.
const ERAS: f64 = 0.9;
/// At least this share of the plain calls, with a progress notification each.
const PROGRESS: f64 = 0.5;
/// At least this share of the floor, with results of 1 MiB.
const LARGE: f64 = 0.8;
/// Below so many bytes with ten idle shards.
const IDLE: u64 = 15 << 20;
/// Listening within this.
const LISTENING: Duration = Duration::from_millis(50);

/// Who answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Served {
    Floor,
    OneShard,
    TenShards,
}

impl Served {
    pub(super) const ALL: [Self; 3] = [Self::Floor, Self::OneShard, Self::TenShards];
}

impl fmt::Display for Served {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Floor => "floor",
            Self::OneShard => "1 shard",
            Self::TenShards => "10 shards",
        })
    }
}

/// How many calls are under way at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flight {
    /// One, and everything shares one processor.
    OneTogether,
    /// One, wherever the scheduler lets everything run.
    One,
    /// So many.
    Many(usize),
}

impl Flight {
    pub(super) fn calls(self) -> usize {
        match self {
            Self::OneTogether | Self::One => 1,
            Self::Many(calls) => calls,
        }
    }
}

impl fmt::Display for Flight {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OneTogether => out.write_str("1, one CPU"),
            Self::One | Self::Many(_) => write!(out, "{}", self.calls()),
        }
    }
}

/// One line of the table: medians of rounds. Times are in microseconds.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) rate: f64,
    pub(super) ratio: f64,
    pub(super) p50: f64,
    pub(super) added_p50: f64,
    pub(super) p99: f64,
    pub(super) cpu: f64,
    pub(super) faults: Vec<String>,
}

/// Two that took turns, in calls a second, and what a call costs their gateways in microseconds: medians of rounds.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) base: f64,
    pub(super) rate: f64,
    pub(super) ratio: f64,
    pub(super) cpu: [f64; 2],
    pub(super) faults: Vec<String>,
}

/// Everything that was measured.
#[derive(Debug, Default)]
pub(super) struct Report {
    calls: Vec<[String; 10]>,
    lines: Vec<String>,
    faults: Vec<String>,
    misses: usize,
}

impl Report {
    /// Adds a line to the table of calls.
    pub(super) fn cell(&mut self, era: Era, flight: Flight, served: Served, cell: Cell) {
        let verdict = match (served, flight) {
            (Served::Floor, _) | (_, Flight::One) => String::new(),
            (_, Flight::OneTogether) => self.judged(cell.added_p50 <= ADDED, &format!("+p50 ≤ {ADDED} µs")),
            (_, Flight::Many(_)) => self.judged(cell.ratio >= RATIO, &format!("≥ {RATIO}")),
        };
        self.misses += cell.faults.len();
        let is_floor = served == Served::Floor;
        let compared = |text: String| if is_floor { String::new() } else { text };
        self.calls.push([
            era.as_str().to_owned(),
            flight.to_string(),
            served.to_string(),
            format!("{:.0}", cell.rate),
            compared(format!("{:.2}", cell.ratio)),
            format!("{:.0}", cell.p50),
            compared(format!("{:+.0}", cell.added_p50)),
            format!("{:.0}", cell.p99),
            format!("{:.1}", cell.cpu),
            format!("{} {verdict}", cell.faults.len()),
        ]);
        self.faults.extend(cell.faults);
    }

    /// Adds the memory before any call.
    pub(super) fn idle(&mut self, era: Era, memory: Memory) {
        let verdict = self.judged(memory.resident < IDLE, &format!("< {} MiB", IDLE >> 20));
        self.lines.push(format!("idle with ten {} shards: {} {verdict}", era.as_str(), shown(memory)));
    }

    /// Adds the memory after the calls, for which there is no target.
    pub(super) fn after_load(&mut self, era: Era, memory: Memory) {
        self.lines.push(format!("with ten {} shards after the calls: {}", era.as_str(), shown(memory)));
    }

    /// Adds the calls of the modern era, beside those of the legacy one.
    pub(super) fn eras(&mut self, flight: Flight, pair: Pair) {
        let [legacy, modern] = pair.cpu;
        let what = format!("modern beside legacy, {flight} in flight, CPU {modern:.1} and {legacy:.1} µs a call");
        self.pair(&what, "legacy", ERAS, pair);
    }

    /// Adds calls with a progress notification each, beside plain ones.
    pub(super) fn progress(&mut self, era: Era, in_flight: usize, pair: Pair) {
        let what = format!("{} with a progress notification per call, {in_flight} in flight", era.as_str());
        self.pair(&what, "plain calls", PROGRESS, pair);
    }

    /// Adds large results, beside the floor named `base`.
    pub(super) fn large(&mut self, era: Era, in_flight: usize, base: &str, pair: Pair) {
        let what = format!("{} with results of 1 MiB, {in_flight} in flight", era.as_str());
        self.pair(&what, base, LARGE, pair);
    }

    fn pair(&mut self, what: &str, base: &str, least: f64, pair: Pair) {
        let Pair { base: floor, rate, ratio, faults, .. } = pair;
        let verdict = self.judged(ratio >= least, &format!("≥ {least}"));
        self.lines.push(format!("{what}: {rate:.0} calls/s, {base} {floor:.0}, ratio {ratio:.2} {verdict}"));
        self.misses += faults.len();
        self.faults.extend(faults);
    }

    /// Adds the lists: medians in microseconds.
    pub(super) fn lists(&mut self, era: Era, bytes: usize, floor: f64, gateway: f64, ratio: f64) {
        let verdict = self.judged(ratio <= LIST, &format!("≤ {LIST}"));
        let line = format!(
            "tools/list of 1000 tools, {}, {} KiB: {gateway:.0} µs, the floor {floor:.0} µs, ratio {ratio:.2} {verdict}",
            era.as_str(),
            bytes / 1024,
        );
        self.lines.push(line);
    }

    /// Adds how often one call allocates.
    pub(super) fn allocations(&mut self, era: Era, count: f64, bytes: f64) {
        self.lines.push(format!("allocations per call, {}: {count:.1}, {bytes:.0} bytes", era.as_str()));
    }

    /// Adds how long starting took.
    pub(super) fn starts(&mut self, kind: &str, median: Duration, worst: Duration) {
        let verdict = self.judged(worst <= LISTENING, &format!("≤ {LISTENING:?}"));
        self.lines.push(format!("from start to listening, {kind}: median {median:.1?}, worst {worst:.1?} {verdict}"));
    }

    /// Whether all targets were met.
    pub(super) fn verdict(&self) -> Verdict {
        if self.misses == 0 { Verdict::Pass } else { Verdict::Miss }
    }

    fn judged(&mut self, met: bool, target: &str) -> String {
        self.misses += usize::from(!met);
        format!("{} ({target})", if met { "PASS" } else { "MISS" })
    }
}

fn shown(memory: Memory) -> String {
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    format!("{:.1} MiB resident, {:.1} MiB of it anonymous", mib(memory.resident), mib(memory.anonymous))
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.calls.is_empty() {
            let mut table = Table::new();
            table.load_preset(presets::NOTHING).set_header([
                "era",
                "in flight",
                "served by",
                "calls/s",
                "ratio",
                "p50 µs",
                "+p50",
                "p99 µs",
                "CPU µs",
                "faults",
            ]);
            for row in &self.calls {
                table.add_row(row);
            }
            for column in table.column_iter_mut().skip(3).take(6) {
                column.set_cell_alignment(CellAlignment::Right);
            }
            writeln!(out, "{table}\n")?;
        }
        for line in &self.lines {
            writeln!(out, "{line}")?;
        }
        for fault in self.faults.iter().take(10) {
            writeln!(out, "fault: {fault}")?;
        }
        write!(out, "{}", if self.misses == 0 { "PASS".to_owned() } else { format!("MISS: {}", self.misses) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(ratio: f64, added_p50: f64, faults: &[&str]) -> Cell {
        let faults = faults.iter().map(ToString::to_string).collect();
        Cell { rate: 1.0, ratio, p50: 1.0, added_p50, p99: 1.0, cpu: 1.0, faults }
    }

    #[test]
    fn a_figure_outside_its_target_and_a_fault_are_misses() {
        let missed = |flight, served, cell| {
            let mut report = Report::default();
            report.cell(Era::Modern, flight, served, cell);
            report.verdict() == Verdict::Miss
        };
        assert!(!missed(Flight::Many(16), Served::OneShard, cell(0.5, 99.0, &[])));
        assert!(missed(Flight::Many(16), Served::OneShard, cell(0.49, 0.0, &[])));
        assert!(!missed(Flight::OneTogether, Served::TenShards, cell(0.1, 30.0, &[])));
        assert!(missed(Flight::OneTogether, Served::TenShards, cell(0.9, 30.1, &[])));
        assert!(missed(Flight::One, Served::Floor, cell(1.0, 0.0, &["wrong"])));
        let eras = |ratio| {
            let mut report = Report::default();
            report.eras(
                Flight::Many(16),
                Pair { base: 1000.0, rate: 1000.0 * ratio, ratio, cpu: [20.0, 21.5], faults: Vec::new() },
            );
            report.to_string()
        };
        let line =
            "modern beside legacy, 16 in flight, CPU 21.5 and 20.0 µs a call: 900 calls/s, legacy 1000, ratio 0.90";
        assert_eq!(eras(0.9), format!("{line} PASS (≥ 0.9)\nPASS"));
        assert!(eras(0.89).ends_with("MISS (≥ 0.9)\nMISS: 1"));
    }
}
