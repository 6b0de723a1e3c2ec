//! `mcp-gateway status`: what a running gateway says of itself.
//!
//! Invariant: it only asks. What it shows was masked by the gateway that wrote it.

use std::fmt::Write as _;
use std::iter;
use std::time::Duration;

use anyhow::Context as _;
use comfy_table::{Table, presets};
use serde_json::Value;

use super::output::{self, Colour, plain};
use super::peer::{self, Whereabouts};
use super::{Exit, threads};

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusOptions {
    /// Where the gateway may be.
    pub whereabouts: Whereabouts,
    /// How the answer looks.
    pub form: Form,
}

/// How the answer looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Table,
    /// For programs: the registry as `/health` gives it.
    Json,
    /// The exit code alone, as a container asks: whether it lives, whatever its shards do.
    Live,
}

/// Asks the running gateway, and prints what it says.
///
/// # Errors
/// The address cannot be read, or the answer is none of a gateway's.
pub fn show(options: &StatusOptions) -> anyhow::Result<Exit> {
    let runtime = threads::runtime(1).context("cannot start")?;
    runtime.block_on(async {
        let found = match options.form {
            Form::Live => peer::lives(&options.whereabouts).await,
            Form::Table | Form::Json => peer::find(&options.whereabouts).await,
        };
        let running = found?;
        if options.form == Form::Live {
            return Ok(Exit::Good);
        }
        let registry = running.registry().await?;
        match options.form {
            Form::Json => output::print_json(&registry)?,
            Form::Table | Form::Live => output::print(&table(&registry, &running.address.shown(), Look::here()))?,
        }
        Ok(if registry["status"] == "ok" { Exit::Good } else { Exit::Bad })
    })
}

/// What the place bears where the table goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    width: Option<u16>,
    paint: Paint,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Paint {
    Plain,
    Coloured,
}

impl Look {
    /// As stdout has it.
    pub(super) fn here() -> Self {
        let paint = if output::takes_colour() { Paint::Coloured } else { Paint::Plain };
        Self { width: output::width(), paint }
    }
}

/// The registry for a person: every shard on a line, then everything that is wrong.
fn table(registry: &Value, url: &str, look: Look) -> String {
    let word = |key: &str| plain(registry[key].as_str().unwrap_or("?"));
    let status = match (look.paint, colour(&word("status"))) {
        (Paint::Coloured, Some(colour)) => output::coloured(&word("status"), colour),
        _ => word("status"),
    };
    let uptime = humantime::format_duration(Duration::from_secs(registry["uptime_s"].as_u64().unwrap_or(0)));
    let mut text = format!("mcp-gateway {} at {url}, up {uptime}: {status}\n", word("version"));
    let none = Vec::new();
    let shards = registry["shards"].as_array().unwrap_or(&none);
    if shards.is_empty() {
        text += "  It has no shard.\n";
    } else {
        text += "\n";
        text += &self::shards(shards, look);
    }
    let troubles =
        shards.iter().filter_map(trouble).chain(registry["problems"].as_array().unwrap_or(&none).iter().map(problem));
    for (at, trouble) in troubles.enumerate() {
        let _ = writeln!(text, "{}  {trouble}", if at == 0 { "\n" } else { "" });
    }
    text
}

/// Every shard on a line.
pub(super) fn shards(shards: &[Value], look: Look) -> String {
    let all = rows(shards, &COLUMNS);
    let is_narrow = look.width.is_some_and(|width| all[0].len() > usize::from(width));
    let rows = if is_narrow { rows(shards, &NARROW) } else { all };
    let at = rows[0].find("STATE").unwrap_or_default();
    let mut text = String::new();
    for (row, shard) in rows.iter().zip(iter::once(None).chain(shards.iter().map(Some))) {
        let state = shard.map(|shard| cell(&shard["state"])).unwrap_or_default();
        let (before, from) = row.split_at_checked(at).unwrap_or((row, ""));
        let (_, after) = from.split_at_checked(state.len()).unwrap_or_default();
        match (look.paint, colour(&state)) {
            (Paint::Coloured, Some(colour)) => {
                let _ = writeln!(text, "{before}{}{after}", output::coloured(&state, colour));
            }
            _ => text = text + row + "\n",
        }
    }
    text
}

/// The header and one row for each shard.
fn rows(shards: &[Value], columns: &[(&str, &str)]) -> Vec<String> {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(columns.iter().map(|(header, _)| header));
    for shard in shards {
        table.add_row(columns.iter().map(|(_, key)| cell(&shard[key])));
    }
    table.lines().map(|line| format!("  {}", line.trim())).collect()
}

/// What a state is to a person; one that is none of anybody's concern has no colour.
fn colour(state: &str) -> Option<Colour> {
    match state {
        "ok" | "ready" | "asleep" => Some(Colour::Well),
        "degraded" | "starting" | "draining" => Some(Colour::Between),
        "backoff" | "invalid" => Some(Colour::Ill),
        _ => None,
    }
}

/// Each column with the key of the registry that it shows.
const COLUMNS: [(&str, &str); 10] = [
    ("SHARD", "name"),
    ("STATE", "state"),
    ("ERA", "era"),
    ("PID", "pid"),
    ("RESTARTS", "restarts"),
    ("TOOLS", "tools"),
    ("PROMPTS", "prompts"),
    ("RESOURCES", "resources"),
    ("CALLS", "calls"),
    ("FAILED", "failed"),
];
/// What is left of them where a terminal is narrow.
const NARROW: [(&str, &str); 4] = [("SHARD", "name"), ("STATE", "state"), ("TOOLS", "tools"), ("FAILED", "failed")];

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => plain(text),
        other => other.to_string(),
    }
}

/// How a shard ended last, when it is tried again, and what it said, if it is not well.
fn trouble(shard: &Value) -> Option<String> {
    let ended = shard["last_error"].as_str().filter(|_| shard["state"] != "ready" && shard["state"] != "asleep")?;
    let mut text = format!("{}: {}", cell(&shard["name"]), plain(ended));
    if let Some(seconds) = shard["next_retry_s"].as_u64() {
        let _ = write!(text, "; it is tried again in {seconds} s");
    }
    for line in shard["stderr_tail"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let _ = write!(text, "\n    {}", plain(line));
    }
    Some(text)
}

/// The shards that do not serve and should, each with the reason on one line, and the files that are at fault. In a view, only
/// of its shards.
pub(super) fn down(registry: &Value, view: Option<&[String]>) -> Vec<String> {
    let is_seen = |shard: &&Value| view.is_none_or(|view| view.iter().any(|name| shard["name"] == **name));
    let shards = registry["shards"].as_array().into_iter().flatten().filter(is_seen);
    let told = |shard: &Value| {
        let (name, ended) = (cell(&shard["name"]), shard["last_error"].as_str());
        match (shard["state"].as_str()?, ended) {
            ("backoff" | "starting", Some(ended)) => Some(format!("shard `{name}` does not run: {}", plain(ended))),
            ("starting", None) => Some(format!("shard `{name}` is still starting")),
            ("invalid", _) if view.is_some() => {
                Some(format!("the file of shard `{name}` is broken; `mcp-gateway check` shows where"))
            }
            _ => None,
        }
    };
    let files = registry["problems"].as_array().into_iter().flatten().filter(|_| view.is_none()).map(problem);
    shards.filter_map(told).chain(files).collect()
}

fn problem(problem: &Value) -> String {
    let line = problem["line"].as_u64().map(|line| format!(":{line}")).unwrap_or_default();
    format!("{}{line}: {}", cell(&problem["file"]), cell(&problem["message"]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(registry: &Value, expected: &[&str]) {
        let look = Look { width: None, paint: Paint::Plain };
        assert_eq!(table(registry, "http://h:1", look).lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_narrow_terminal_gets_fewer_columns_and_one_with_colour_sees_states_at_a_glance() {
        let shard = |name: &str, state: &str| json!({"name": name, "state": state, "tools": 2, "failed": 0});
        let all = [shard("state", "ready"), shard("b", "starting"), shard("c", "backoff"), shard("d", "disabled")];
        let expected = [
            "  SHARD  STATE     TOOLS  FAILED",
            "  state  \u{1b}[32mready\u{1b}[0m     2      0",
            "  b      \u{1b}[33mstarting\u{1b}[0m  2      0",
            "  c      \u{1b}[31mbackoff\u{1b}[0m   2      0",
            "  d      disabled  2      0",
        ];
        let text = shards(&all, Look { width: Some(60), paint: Paint::Coloured });
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
        let text = shards(&all, Look { width: Some(200), paint: Paint::Plain });
        assert!(text.contains("RESOURCES") && !text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn each_shard_is_a_line_and_each_problem_another() {
        let git = json!({"name": "git", "state": "backoff", "era": null, "pid": null, "restarts": 3, "tools": 0,
            "prompts": 0, "resources": 0, "calls": 0, "failed": 0, "last_error": "it exited with exit status: 1",
            "next_retry_s": 4, "stderr_tail": ["no \u{1b}[31mkey"]});
        let time = json!({"name": "time", "state": "ready", "era": "legacy", "pid": 7, "restarts": 1, "tools": 2,
            "prompts": 0, "resources": 0, "calls": 12, "failed": 1, "last_error": "killed", "stderr_tail": []});
        let problems = json!([{"file": "shards.d/x.yaml", "line": 7, "message": "unknown key `comand`"}]);
        let registry =
            json!({"status": "degraded", "version": "1", "uptime_s": 61, "shards": [git, time], "problems": problems});
        let expected = [
            "mcp-gateway 1 at http://h:1, up 1m 1s: degraded",
            "",
            "  SHARD  STATE    ERA     PID  RESTARTS  TOOLS  PROMPTS  RESOURCES  CALLS  FAILED",
            "  git    backoff  -       -    3         0      0        0          0      0",
            "  time   ready    legacy  7    1         2      0        0          12     1",
            "",
            "  git: it exited with exit status: 1; it is tried again in 4 s",
            "    no �[31mkey",
            "  shards.d/x.yaml:7: unknown key `comand`",
        ];
        check(&registry, &expected);
    }

    #[test]
    fn a_shard_that_is_down_is_named_with_its_reason() {
        let shard = |name: &str, state: &str, error: Value| json!({"name": name, "state": state, "last_error": error});
        let shards = [
            shard("a", "ready", json!("old")),
            shard("b", "backoff", json!("cannot start `x`")),
            shard("c", "starting", Value::Null),
            shard("d", "disabled", Value::Null),
        ];
        let problems = json!([{"file": "x.yaml", "line": 7, "message": "unknown key"}]);
        let registry = json!({"shards": shards, "problems": problems});
        let expected =
            ["shard `b` does not run: cannot start `x`", "shard `c` is still starting", "x.yaml:7: unknown key"];
        assert_eq!(down(&registry, None), expected);
        assert_eq!(down(&registry, Some(&["a".to_owned(), "c".to_owned()])), expected[1..2]);
    }

    #[test]
    fn a_gateway_without_shards_says_so() {
        let registry = json!({"status": "ok", "version": "1", "uptime_s": 0, "shards": [], "problems": []});
        check(&registry, &["mcp-gateway 1 at http://h:1, up 0s: ok", "  It has no shard."]);
    }
}
