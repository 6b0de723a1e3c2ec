//! `mcp-gateway status`: what a running gateway says of itself.
//!
//! Invariant: it only asks. What it shows was masked by the gateway that wrote it.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use comfy_table::{Table, presets};
use serde_json::Value;

use super::output::{self, plain};
use super::peer::{self, NoGateway, Whereabouts};
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
        let running = match found {
            Ok(running) => running,
            Err(silence @ (NoGateway::Silent { .. } | NoGateway::Nowhere(_))) => {
                tracing::error!("{silence}");
                return Ok(Exit::NoGateway);
            }
            Err(error) => return Err(error.into()),
        };
        if options.form == Form::Live {
            return Ok(Exit::Good);
        }
        let registry = running.registry().await?;
        match options.form {
            Form::Json => output::print_json(&registry)?,
            Form::Table | Form::Live => output::print(&table(&registry, &running.address.shown()))?,
        }
        Ok(if registry["status"] == "ok" { Exit::Good } else { Exit::Bad })
    })
}

/// The registry for a person: every shard on a line, then everything that is wrong.
fn table(registry: &Value, url: &str) -> String {
    let word = |key: &str| plain(registry[key].as_str().unwrap_or("?"));
    let uptime = humantime::format_duration(Duration::from_secs(registry["uptime_s"].as_u64().unwrap_or(0)));
    let mut text = format!("mcp-gateway {} at {url}, up {uptime}: {}\n", word("version"), word("status"));
    let none = Vec::new();
    let shards = registry["shards"].as_array().unwrap_or(&none);
    if shards.is_empty() {
        text += "  It has no shard.\n";
    } else {
        text += "\n";
        text += &self::shards(shards);
    }
    let troubles =
        shards.iter().filter_map(trouble).chain(registry["problems"].as_array().unwrap_or(&none).iter().map(problem));
    for (at, trouble) in troubles.enumerate() {
        let _ = writeln!(text, "{}  {trouble}", if at == 0 { "\n" } else { "" });
    }
    text
}

/// Every shard on a line.
pub(super) fn shards(shards: &[Value]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(HEADER);
    for shard in shards {
        table.add_row(COLUMNS.map(|key| cell(&shard[key])));
    }
    table.lines().map(|line| format!("  {}\n", line.trim())).collect()
}

const HEADER: [&str; 10] =
    ["SHARD", "STATE", "ERA", "PID", "RESTARTS", "TOOLS", "PROMPTS", "RESOURCES", "CALLS", "FAILED"];
const COLUMNS: [&str; 10] =
    ["name", "state", "era", "pid", "restarts", "tools", "prompts", "resources", "calls", "failed"];

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

/// The shards that do not serve and should, each with the reason on one line.
pub(super) fn down(registry: &Value) -> Vec<String> {
    let shards = registry["shards"].as_array().into_iter().flatten();
    let told = |shard: &Value| {
        let (name, ended) = (cell(&shard["name"]), shard["last_error"].as_str());
        match (shard["state"].as_str()?, ended) {
            ("backoff" | "starting", Some(ended)) => Some(format!("shard `{name}` does not run: {}", plain(ended))),
            ("starting", None) => Some(format!("shard `{name}` is still starting")),
            ("invalid", _) => Some(format!("the file of shard `{name}` is broken; `mcp-gateway check` shows where")),
            _ => None,
        }
    };
    shards.filter_map(told).collect()
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
        assert_eq!(table(registry, "http://h:1").lines().collect::<Vec<_>>(), expected);
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
        let expected = ["shard `b` does not run: cannot start `x`", "shard `c` is still starting"];
        assert_eq!(down(&json!({"shards": shards})), expected);
    }

    #[test]
    fn a_gateway_without_shards_says_so() {
        let registry = json!({"status": "ok", "version": "1", "uptime_s": 0, "shards": [], "problems": []});
        check(&registry, &["mcp-gateway 1 at http://h:1, up 0s: ok", "  It has no shard."]);
    }
}
