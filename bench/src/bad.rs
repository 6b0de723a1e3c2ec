//! A shard that misbehaves in one way, for the runs that look at what that costs others.
//!
//! Invariant: but for its one fault it is a good server of the `initialize` era, whose tool gives back the token of a call.

use std::io::{self, BufRead as _, Write};
use std::thread;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::cli::Verdict;

/// How the shard behaves.
#[derive(Debug, Args)]
pub struct Options {
    /// What is wrong with it.
    #[arg(long, value_enum)]
    pub fault: Fault,
}

/// What is wrong with a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Fault {
    /// It never answers `initialize`.
    Silent,
    /// It answers nothing for 15 seconds.
    SlowStart,
    /// It writes 20 MiB of garbage a second to stdout.
    Garbage,
    /// It writes 20 MiB a second to stderr.
    Stderr,
    /// It reads nothing more once it has been called.
    Deaf,
    /// It answers each call with a line of 100 MiB.
    LongLines,
    /// It ends before it has read anything.
    DiesAtStart,
    /// It ends soon after it was ready.
    DiesInALoop,
    /// It sends 2 MiB of log messages before it answers a call.
    Chatty,
}

impl Fault {
    /// Its name on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

const MIB: usize = 1 << 20;
const SLOW_START: Duration = Duration::from_secs(15);
/// How long one that dies in a loop is ready.
const LIFE: Duration = Duration::from_millis(100);
/// One of so many pieces of a second's flood.
const PIECES: u32 = 160;
const FLOOD: usize = 20 * MIB;

/// Serves stdin until it ends, or until the fault ends it.
///
/// # Errors
/// Stdin or stdout broke.
pub fn run(options: &Options) -> anyhow::Result<Verdict> {
    match options.fault {
        Fault::DiesAtStart => return Ok(Verdict::Miss),
        Fault::SlowStart => thread::sleep(SLOW_START),
        Fault::Garbage => {
            thread::spawn(|| flood(io::stdout(), "this is { no message\n"));
        }
        Fault::Stderr => {
            thread::spawn(|| flood(io::stderr(), "there is nothing to say, and here it is at length\n"));
        }
        _ => {}
    }
    for line in io::stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line?)?;
        let Some(id) = request.get("id") else { continue };
        let method = request["method"].as_str().unwrap_or_default();
        if options.fault == Fault::Silent {
            continue;
        }
        let answer = match method {
            "tools/call" => called(options.fault, &request["params"]["arguments"]["token"])?,
            _ => usual(method),
        };
        say(&[&format!(r#"{{"jsonrpc":"2.0","id":{id},"#), &answer, "}\n"])?;
        match (options.fault, method) {
            (Fault::DiesInALoop, "tools/list") => {
                thread::sleep(LIFE);
                return Ok(Verdict::Miss);
            }
            (Fault::Deaf, "tools/call") => loop {
                thread::park();
            },
            _ => {}
        }
    }
    Ok(Verdict::Pass)
}

/// The `result` or `error` member of the answer to anything but a call.
fn usual(method: &str) -> String {
    match method {
        "initialize" => {
            let info = json!({"name": "bad", "version": "1"});
            let capabilities = json!({"tools": {}, "logging": {}});
            let result = json!({"protocolVersion": "2025-11-25", "capabilities": capabilities, "serverInfo": info});
            format!(r#""result":{result}"#)
        }
        "tools/list" => r#""result":{"tools":[{"name":"echo","inputSchema":{"type":"object"}}]}"#.to_owned(),
        "ping" | "logging/setLevel" => r#""result":{}"#.to_owned(),
        _ => r#""error":{"code":-32601,"message":"Method not found"}"#.to_owned(),
    }
}

fn called(fault: Fault, token: &Value) -> io::Result<String> {
    let text = match fault {
        Fault::LongLines => "x".repeat(100 * MIB),
        Fault::Chatty => {
            let params = json!({"level": "info", "data": "x".repeat(1000)});
            let line = format!("{}\n", json!({"jsonrpc": "2.0", "method": "notifications/message", "params": params}));
            say(&[&line.repeat(2 * MIB / line.len())])?;
            token.as_str().unwrap_or_default().to_owned()
        }
        _ => token.as_str().unwrap_or_default().to_owned(),
    };
    Ok(format!(r#""result":{{"content":[{{"type":"text","text":"{text}"}}]}}"#))
}

/// Nothing comes between the pieces.
fn say(pieces: &[&str]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    pieces.iter().try_for_each(|piece| out.write_all(piece.as_bytes()))?;
    out.flush()
}

fn flood(mut out: impl Write, line: &str) {
    let piece = line.repeat(FLOOD / PIECES as usize / line.len());
    let mut due = Instant::now();
    while out.write_all(piece.as_bytes()).is_ok() {
        due += Duration::from_secs(1) / PIECES;
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
}
