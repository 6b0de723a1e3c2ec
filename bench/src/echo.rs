//! The echo shard: an MCP server over stdio that costs next to nothing.
//!
//! Invariant: it answers everything that it has read before it flushes, and a call is in the journal before its answer
//! is on the way. It scans lines instead of parsing them, which is enough for what the gateway writes.

use std::fs::File;
use std::io::{self, Read as _, Write};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use gateway::wire::Era;
use memchr::memchr;
use memchr::memmem::find;

use crate::cli::{Verdict, eras};

/// How the shard behaves.
#[derive(Debug, Args)]
pub struct Options {
    /// The era that it speaks: 2025-11-25 or 2026-07-28.
    #[arg(long, value_parser = eras(), default_value = Era::Legacy.as_str())]
    pub era: Era,
    /// How many tools it offers; the first is `echo`, and all of them echo.
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    pub tools: usize,
    /// How many bytes each result carries besides.
    #[arg(long, value_name = "BYTES", default_value_t = 0)]
    pub pad: usize,
    /// The file to which the token of each call is appended, one a line, when the call is executed.
    #[arg(long, value_name = "FILE")]
    pub journal: Option<PathBuf>,
}

/// Serves stdin until it ends.
///
/// # Errors
/// The journal cannot be written, or stdin or stdout broke.
pub fn run(options: &Options) -> anyhow::Result<Verdict> {
    let mut shard = Shard::new(options)?;
    // Unlocked and unbuffered: this loop has its own buffers.
    let (mut stdin, mut stdout) = (File::from(owned(io::stdin())?), File::from(owned(io::stdout())?));
    let mut input = vec![0; 64 * 1024];
    let mut filled = 0;
    let mut output = Vec::with_capacity(64 * 1024);
    loop {
        if filled == input.len() {
            input.resize(input.len() * 2, 0);
        }
        let read = stdin.read(&mut input[filled..]).context("stdin broke")?;
        if read == 0 {
            return Ok(Verdict::Pass);
        }
        filled += read;
        let mut start = 0;
        while let Some(length) = memchr(b'\n', &input[start..filled]) {
            shard.answer(&input[start..start + length], &mut output).context("cannot write the journal")?;
            start += length + 1;
        }
        input.copy_within(start..filled, 0);
        filled -= start;
        stdout.write_all(&output).context("stdout broke")?;
        output.clear();
    }
}

fn owned(handle: impl std::os::fd::AsFd) -> io::Result<std::os::fd::OwnedFd> {
    handle.as_fd().try_clone_to_owned()
}

struct Shard {
    era: Era,
    journal: Option<File>,
    /// The result of `tools/list`.
    tools: Vec<u8>,
    /// What follows the token in a result.
    tail: Vec<u8>,
}

impl Shard {
    fn new(options: &Options) -> anyhow::Result<Self> {
        let journal = options.journal.as_ref().map(|path| {
            let file = File::options().create(true).append(true).open(path);
            file.with_context(|| format!("cannot write the journal `{}`", path.display()))
        });
        let tail = match options.pad {
            0 => br#""}]}"#.to_vec(),
            pad => [br#""}],"_meta":{"pad":""#, &*vec![b'x'; pad], br#""}}"#].concat(),
        };
        let (journal, tools) = (journal.transpose()?, tools(options.era, options.tools));
        Ok(Self { era: options.era, journal, tools, tail })
    }

    /// Appends the answer to `line`; notifications have none.
    fn answer(&mut self, line: &[u8], output: &mut Vec<u8>) -> io::Result<()> {
        let (Some(id), Some(method)) = (number(line, b"\"id\":"), string(line, b"\"method\":\"")) else {
            return Ok(());
        };
        let result: &[u8] = match (method, self.era) {
            (b"tools/call", _) => return self.call(id, line, output),
            (b"tools/list", _) => &self.tools,
            (b"ping", Era::Legacy) => b"{}",
            (b"initialize", Era::Legacy) => INITIALIZED,
            (b"server/discover", Era::Modern) => DISCOVERED,
            _ => {
                let error = br#","error":{"code":-32601,"message":"Method not found"}}"#;
                output.extend([br#"{"jsonrpc":"2.0","id":"#, id, error, b"\n"].concat());
                return Ok(());
            }
        };
        respond(id, &[result], output);
        Ok(())
    }

    fn call(&mut self, id: &[u8], line: &[u8], output: &mut Vec<u8>) -> io::Result<()> {
        let token = string(line, b"\"token\":\"").unwrap_or_default();
        if let Some(journal) = &mut self.journal {
            // In one write, so that shards that share the journal do not mix their lines.
            journal.write_all(&[token, b"\n"].concat())?;
        }
        let head: &[u8] = match self.era {
            Era::Legacy => br#"{"content":[{"type":"text","text":""#,
            Era::Modern => br#"{"resultType":"complete","content":[{"type":"text","text":""#,
        };
        if let Some(number) = number(line, b"\"progressToken\":") {
            output
                .extend_from_slice(br#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"#);
            output.extend_from_slice(number);
            output.extend_from_slice(b",\"progress\":1}}\n");
        }
        respond(id, &[head, token, &self.tail], output);
        Ok(())
    }
}

fn respond(id: &[u8], result: &[&[u8]], output: &mut Vec<u8>) {
    output.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
    output.extend_from_slice(id);
    output.extend_from_slice(br#","result":"#);
    for piece in result {
        output.extend_from_slice(piece);
    }
    output.extend_from_slice(b"}\n");
}

/// The number behind `key`; the gateway writes ids and progress tokens so.
fn number<'l>(line: &'l [u8], key: &[u8]) -> Option<&'l [u8]> {
    let value = &line[find(line, key)? + key.len()..];
    let length = value.iter().position(|byte| !byte.is_ascii_digit())?;
    (length > 0).then(|| &value[..length])
}

/// What stands behind `key`, up to the next quote.
fn string<'l>(line: &'l [u8], key: &[u8]) -> Option<&'l [u8]> {
    let value = &line[find(line, key)? + key.len()..];
    Some(&value[..memchr(b'"', value)?])
}

const INITIALIZED: &[u8] = br#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true}},"serverInfo":{"name":"echo","version":"1"}}"#;
const DISCOVERED: &[u8] = br#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true}},"ttlMs":60000,"cacheScope":"public","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"echo","version":"1"}}}"#;

/// The result of `tools/list`: about half a kilobyte per tool, like that of real servers.
fn tools(era: Era, count: usize) -> Vec<u8> {
    let mut list = match era {
        Era::Legacy => br#"{"tools":["#.to_vec(),
        Era::Modern => br#"{"resultType":"complete","ttlMs":60000,"cacheScope":"public","tools":["#.to_vec(),
    };
    for tool in 0..count {
        if tool > 0 {
            list.push(b',');
        }
        let name = if tool == 0 { "echo".to_owned() } else { format!("echo_{tool}") };
        list.extend_from_slice(br#"{"name":""#);
        list.extend_from_slice(name.as_bytes());
        list.extend_from_slice(SCHEMA.as_bytes());
    }
    list.extend_from_slice(b"]}");
    list
}

const SCHEMA: &str = r#"","title":"Echo","description":"Gives back the token that it is called with, so that whoever called can tell that the answer is the one to that call and to no other.","inputSchema":{"type":"object","properties":{"token":{"type":"string","description":"What is given back, unchanged."},"text":{"type":"string","description":"Something to carry."},"count":{"type":"integer","minimum":1,"maximum":100,"default":1}},"required":["token"]},"annotations":{"readOnlyHint":true,"openWorldHint":false}}"#;

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn answers(era: Era, lines: &str) -> Vec<Value> {
        let mut shard = Shard::new(&Options { era, tools: 3, pad: 0, journal: None }).unwrap();
        let mut output = Vec::new();
        for line in lines.lines() {
            shard.answer(line.as_bytes(), &mut output).unwrap();
        }
        output
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect()
    }

    #[test]
    fn a_call_gets_its_own_id_and_token_in_each_era() {
        for era in [Era::Legacy, Era::Modern] {
            let call = r#"{"jsonrpc":"2.0","id":17,"method":"tools/call","params":{"name":"echo","arguments":{"token":"t-1"}}}"#;
            let answers = answers(era, call);
            assert_eq!(answers[0]["id"], 17);
            assert_eq!(answers[0]["result"]["content"][0]["text"], "t-1");
        }
    }

    #[test]
    fn each_era_refuses_the_handshake_of_the_other() {
        let discover = r#"{"jsonrpc":"2.0","id":1,"method":"server/discover"}"#;
        let initialize = r#"{"jsonrpc":"2.0","id":2,"method":"initialize","params":{}}"#;
        let both = [discover, initialize].join("\n");
        let legacy = answers(Era::Legacy, &both);
        assert!(legacy[0]["error"].is_object() && legacy[1]["result"].is_object(), "{legacy:?}");
        let modern = answers(Era::Modern, &both);
        assert!(modern[0]["result"].is_object() && modern[1]["error"].is_object(), "{modern:?}");
    }

    #[test]
    fn notifications_are_not_answered_and_lists_hold_every_tool() {
        let lines = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"tools/list\"}";
        let answers = answers(Era::Legacy, lines);
        assert_eq!(answers.len(), 1);
        assert_eq!(answers[0]["result"]["tools"].as_array().unwrap().len(), 3);
    }
}
