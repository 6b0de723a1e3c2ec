//! `mcp-gateway ps`: which processes gateways own.
//!
//! Invariant: it starts, stops and changes nothing. What it found goes to stdout, since no protocol is spoken there.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use comfy_table::{Table, presets};

use super::output;
use crate::shard::keeper::inventory::{self, Condition, Household, Inventory};

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PsOptions {
    /// The state folder of the gateways; `None` if there is neither a flag nor a home.
    pub state_dir: Option<PathBuf>,
    /// How the answer looks.
    pub form: Form,
}

/// How the answer looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// Prints what gateways own.
///
/// # Errors
/// There is no state folder to look into, or it cannot be read.
pub fn show(options: &PsOptions) -> anyhow::Result<()> {
    let state_dir = options
        .state_dir
        .as_deref()
        .context("no state folder is known, as `HOME` is not set; give it with `--state-dir`")?;
    let found = inventory::look(state_dir);
    let found = found.with_context(|| format!("cannot read the ledgers in `{}`", state_dir.display()))?;
    match options.form {
        Form::Table => output::print(&table(&found, state_dir)),
        Form::Json => output::print_json(&found),
    }
}

fn table(found: &Inventory, state_dir: &Path) -> String {
    let mut parts: Vec<String> = found.gateways.iter().map(household).collect();
    if !found.gateways.iter().any(|gateway| gateway.state != Condition::Killed) {
        parts.push(format!("No gateway runs with the state folder {}.\n", state_dir.display()));
    }
    for unreadable in &found.unreadable {
        parts.push(format!("{}: {}\n", unreadable.file.display(), unreadable.problem));
    }
    parts.join("\n")
}

fn household(gateway: &Household) -> String {
    let Household { pid, version, door, state, processes } = gateway;
    let mut text = match state {
        Condition::Running => format!("mcp-gateway {version}, pid {pid}, {door}\n"),
        Condition::Killed => format!(
            "Left over by mcp-gateway {version}, pid {pid}, {door}, which was killed; the next gateway to start ends them.\n"
        ),
        Condition::Elsewhere => format!(
            "mcp-gateway {version}, {door}, runs in another container, where its pid is {pid}; run `mcp-gateway ps` there.\n"
        ),
    };
    if processes.is_empty() {
        if *state == Condition::Running {
            text += "  It runs no shard.\n";
        }
        return text;
    }
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(["SHARD", "PID", "PARENT", "STATE", "MEMORY", "AGE", "PROGRAM"]);
    for row in processes {
        table.add_row([
            row.shard.clone(),
            row.pid.to_string(),
            row.parent.to_string(),
            row.state.to_owned(),
            format!("{:.1} MiB", row.memory_bytes as f64 / f64::from(1 << 20)),
            age(row.age_s),
            row.program.clone(),
        ]);
    }
    for line in table.lines() {
        let _ = writeln!(text, "  {}", line.trim());
    }
    text
}

/// The two largest units are enough for a person.
fn age(seconds: u64) -> String {
    let rough = match seconds {
        0..3600 => seconds,
        3600..86_400 => seconds / 60 * 60,
        _ => seconds / 3600 * 3600,
    };
    humantime::format_duration(Duration::from_secs(rough)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shard::keeper::inventory::{Row, Unreadable};

    fn row(shard: &str, pid: u32, program: &str) -> Row {
        let (memory_bytes, age_s) = (3 << 19, 93_784);
        Row { shard: shard.into(), pid, parent: 7, state: "sleeping", memory_bytes, age_s, program: program.into() }
    }

    fn gateway(state: Condition, processes: Vec<Row>) -> Household {
        Household { pid: 7, version: "1".into(), door: "stdio".into(), state, processes }
    }

    fn check(gateways: Vec<Household>, unreadable: Vec<Unreadable>, expected: &[&str]) {
        let text = table(&Inventory { gateways, unreadable }, Path::new("/state"));
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn each_gateway_is_told_with_its_processes_by_shard() {
        let rows = vec![row("git", 8, "sh"), row("git", 19, "node"), row("time", 10, "mcp-server-time")];
        let expected = [
            "mcp-gateway 1, pid 7, stdio",
            "  SHARD  PID  PARENT  STATE     MEMORY   AGE      PROGRAM",
            "  git    8    7       sleeping  1.5 MiB  1day 2h  sh",
            "  git    19   7       sleeping  1.5 MiB  1day 2h  node",
            "  time   10   7       sleeping  1.5 MiB  1day 2h  mcp-server-time",
        ];
        check(vec![gateway(Condition::Running, rows)], Vec::new(), &expected);
        check(
            vec![gateway(Condition::Running, Vec::new()), gateway(Condition::Elsewhere, Vec::new())],
            Vec::new(),
            &[
                "mcp-gateway 1, pid 7, stdio",
                "  It runs no shard.",
                "",
                "mcp-gateway 1, stdio, runs in another container, where its pid is 7; run `mcp-gateway ps` there.",
            ],
        );
    }

    #[test]
    fn what_a_killed_gateway_left_is_told_as_such_and_so_is_nothing_at_all() {
        let rows = vec![row("git", 8, "sh")];
        let problem = "it belongs to another user; ask as that user".to_owned();
        check(
            vec![gateway(Condition::Killed, rows)],
            vec![Unreadable { file: "/state/ledgers/1-a.json".into(), problem }],
            &[
                "Left over by mcp-gateway 1, pid 7, stdio, which was killed; the next gateway to start ends them.",
                "  SHARD  PID  PARENT  STATE     MEMORY   AGE      PROGRAM",
                "  git    8    7       sleeping  1.5 MiB  1day 2h  sh",
                "",
                "No gateway runs with the state folder /state.",
                "",
                "/state/ledgers/1-a.json: it belongs to another user; ask as that user",
            ],
        );
        check(Vec::new(), Vec::new(), &["No gateway runs with the state folder /state."]);
    }

    #[test]
    fn ages_are_rough() {
        for (seconds, expected) in [(0, "0s"), (59, "59s"), (61, "1m 1s"), (7265, "2h 1m"), (93_784, "1day 2h")] {
            assert_eq!(age(seconds), expected);
        }
    }
}
