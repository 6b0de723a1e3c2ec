//! An MCP server over stdio that misbehaves on demand, for the gateway's tests.
//!
//! It does only what no real server does when asked to. It reads and writes raw lines and copies arguments
//! byte for byte, so that whatever is changed on the way was changed by somebody else.

mod era;
mod faults;
mod flags;
mod floods;
mod inputs;
mod interview;
mod jobs;
mod later;
mod lists;
mod notes;
mod quiz;
mod serve;
mod spoil;
mod tasks;
mod tools;
mod waits;
mod wire;

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use flags::Options;
use serve::{Next, Shard};
use spoil::Spoil;

fn main() -> ExitCode {
    let options = match flags::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(problem) => return refuse(&problem),
    };
    match run(options) {
        Ok(code) => code,
        Err(problem) => refuse(&problem),
    }
}

/// Serves until stdin ends or a fault ends the process. The error is a file that cannot be used.
fn run(options: Options) -> Result<ExitCode, String> {
    let mut journal = match &options.journal {
        Some(path) => {
            let file = File::options().create(true).append(true).open(path);
            Some(file.map_err(|error| format!("cannot write the journal `{path}`: {error}"))?)
        }
        None => None,
    };
    let (start_delay, ignore_eof, spoil) = (options.start_delay, options.ignore_eof, options.spoil);
    let mut shard = Shard::new(options)?;
    thread::sleep(Duration::from_millis(start_delay));
    let mut stdin = BufReader::with_capacity(64 * 1024, io::stdin());
    let mut line = Vec::new();
    loop {
        line.clear();
        match stdin.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
        if let Some(journal) = &mut journal {
            journal.write_all(&noted(spoil, &line)).map_err(|error| format!("cannot write the journal: {error}"))?;
        }
        match shard.on_line(&line) {
            Next::GoOn => {}
            Next::Park => park(),
            Next::Exit(code) => return Ok(ExitCode::from(code)),
        }
    }
    if let Some(words) = &shard.options.last_words {
        shard.out.send(format!("{words}\n"));
    }
    if ignore_eof {
        park();
    }
    Ok(ExitCode::SUCCESS)
}

fn park() -> ! {
    loop {
        thread::park();
    }
}

/// The line as it came, unless something on the way is to have spoiled it.
fn noted(spoil: Spoil, line: &[u8]) -> Cow<'_, [u8]> {
    match (spoil, str::from_utf8(line)) {
        (Spoil::Nothing, _) | (_, Err(_)) => line.into(),
        (spoil, Ok(line)) => (spoil.apply(line.trim_end()) + "\n").into_bytes().into(),
    }
}

fn refuse(problem: &str) -> ExitCode {
    // When stderr is gone too there is nobody left to tell.
    let _ = writeln!(io::stderr(), "fake_shard: {problem}\n{}", flags::USAGE);
    ExitCode::from(2)
}
