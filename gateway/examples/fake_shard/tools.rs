//! `tools/call`: the tools that answer once, at once, and well; the others are in `faults` and `waits`.
//!
//! A tool that is listed but has no code here answers with its name and arguments.

use std::env;
use std::io::{self, Write};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::era::Speech;
use crate::serve::{Next, Shard, complete};
use crate::wire::{Refusal, answer, error, json, notification};
use crate::{faults, floods, later, notes, waits};

/// One call, as text that outlives its line.
pub(crate) struct Call {
    /// JSON text.
    pub(crate) id: String,
    pub(crate) name: String,
    /// JSON text; `{}` when the call had none.
    pub(crate) arguments: String,
    /// JSON text.
    pub(crate) token: Option<String>,
    pub(crate) speech: Speech,
    /// JSON text: what a modern client answers to what was asked before.
    pub(crate) input_responses: Option<String>,
    /// What a modern client brings back unread.
    pub(crate) request_state: Option<String>,
}

impl Call {
    /// The arguments as a type, or the error that refuses the call.
    pub(crate) fn read<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Refusal> {
        let read = serde_json::from_str(&self.arguments);
        read.map_err(|error| Refusal::new(-32602, format!("bad arguments of {}: {error}", self.name)))
    }

    /// The line of a good answer with `structured`, which is JSON text.
    pub(crate) fn structured(&self, structured: &str) -> String {
        let members = format!(r#""content":[{{"type":"text","text":"ok"}}],"structuredContent":{structured}"#);
        answer(&self.id, &complete(self.speech, &members))
    }

    /// A result with `text`, as JSON text.
    pub(crate) fn text_result(&self, text: &str) -> String {
        complete(self.speech, &format!(r#""content":[{{"type":"text","text":{}}}]"#, json(text)))
    }

    /// The line of a good answer with `text`.
    pub(crate) fn text(&self, text: &str) -> String {
        answer(&self.id, &self.text_result(text))
    }
}

/// Answers one call, now or from a thread, well or badly.
pub(crate) fn call(shard: &mut Shard, call: Call) -> Result<Next, Refusal> {
    if let Some(bytes) = faults::bytes(&call)? {
        shard.out.send(bytes);
        return Ok(Next::GoOn);
    }
    let lines = match call.name.as_str() {
        "sleep" | "progress" | "ask" | "quiz" | "interview" => {
            waits::start(shard, call)?;
            return Ok(Next::GoOn);
        }
        "later" => {
            later::later(shard, &call)?;
            return Ok(Next::GoOn);
        }
        "heedless" => {
            later::heedless(shard, &call)?;
            return Ok(Next::GoOn);
        }
        "flood" => floods::flood(shard, &call)?,
        "deaf" => {
            shard.out.send(call.text("ok"));
            return Ok(Next::Park);
        }
        "hang" => return Ok(Next::GoOn),
        "crash" => {
            stderr("fake_shard: about to crash\nfake_shard: crashed on demand\n");
            return Ok(Next::Exit(3));
        }
        "close_stdout" => {
            shard.out.close();
            return Ok(Next::GoOn);
        }
        "echo" => call.structured(&call.arguments),
        "raw_result" => raw_result(&call)?,
        "raw_text" => answer(&call.id, &spoilt_text(shard, &call)?),
        "raw_error" => error(&call.id, &spoilt_text(shard, &call)?),
        "raw_notice" => raw_notice(shard, &call)?,
        "whoami" => whoami(shard, &call),
        "env" => variable(&call)?,
        "stderr" => complain(&call)?,
        "log" => log(&call)?,
        "list_changed" => list_changed(shard, &call)?,
        "updated" => updated(shard, &call)?,
        name if name != "not_found" && shard.tools.has(name) => {
            call.structured(&format!(r#"{{"tool":{},"arguments":{}}}"#, json(name), call.arguments))
        }
        name => return Err(Refusal::new(-32602, format!("Unknown tool: {name}"))),
    };
    shard.out.send(lines);
    Ok(Next::GoOn)
}

fn raw_result(call: &Call) -> Result<String, Refusal> {
    #[derive(Deserialize)]
    struct Arguments<'a> {
        #[serde(borrow)]
        result: &'a RawValue,
    }
    let Arguments { result } = call.read()?;
    Ok(answer(&call.id, result.get()))
}

/// `text` is written as a string, so that nothing that is done to arguments reaches it.
fn spoilt_text(shard: &Shard, call: &Call) -> Result<String, Refusal> {
    #[derive(Deserialize)]
    struct Arguments {
        text: String,
    }
    let Arguments { text } = call.read()?;
    Ok(shard.options.spoil.apply(&text))
}

fn raw_notice(shard: &Shard, call: &Call) -> Result<String, Refusal> {
    #[derive(Deserialize)]
    struct Arguments {
        method: String,
        pieces: Vec<String>,
    }
    let Arguments { method, pieces } = call.read()?;
    let params = pieces.join(call.token.as_deref().unwrap_or("null"));
    Ok(notification(&method, &shard.options.spoil.apply(&params)) + &call.text("ok"))
}

fn whoami(shard: &Shard, call: &Call) -> String {
    let (name, pid) = (json(&shard.options.name), std::process::id());
    call.structured(&format!(r#"{{"name":{name},"pid":{pid},"era":"{}"}}"#, shard.era_name()))
}

fn variable(call: &Call) -> Result<String, Refusal> {
    #[derive(Deserialize)]
    struct Arguments {
        name: String,
    }
    let Arguments { name } = call.read()?;
    let value = env::var_os(name).map(|value| value.to_string_lossy().into_owned());
    Ok(call.structured(&format!(r#"{{"value":{}}}"#, json(&value))))
}

fn complain(call: &Call) -> Result<String, Refusal> {
    #[derive(Deserialize)]
    struct Arguments {
        lines: usize,
        text: String,
    }
    let Arguments { lines, text } = call.read()?;
    stderr(&format!("{text}\n").repeat(lines));
    Ok(call.text("ok"))
}

fn log(call: &Call) -> Result<String, Refusal> {
    #[derive(Deserialize)]
    struct Arguments {
        n: u64,
    }
    let Arguments { n } = call.read()?;
    let lines: String = (1..=n).map(notes::log).collect();
    Ok(lines + &call.text("ok"))
}

fn list_changed(shard: &mut Shard, call: &Call) -> Result<String, Refusal> {
    #[derive(Deserialize)]
    struct Arguments {
        kind: String,
    }
    let Arguments { kind } = call.read()?;
    let list = match kind.as_str() {
        "tools" => &mut shard.tools,
        "prompts" => &mut shard.prompts,
        "resources" => &mut shard.resources,
        _ => {
            return Err(Refusal::new(-32602, "`kind` is tools, prompts or resources"));
        }
    };
    let added = list.add();
    Ok(shard.listens.list_changed(call.speech, &kind) + &call.text(&added))
}

fn updated(shard: &Shard, call: &Call) -> Result<String, Refusal> {
    #[derive(Deserialize)]
    struct Arguments {
        uri: String,
        times: Option<usize>,
    }
    let Arguments { uri, times } = call.read()?;
    Ok(shard.listens.updated(call.speech, &uri).repeat(times.unwrap_or(1)) + &call.text("ok"))
}

fn stderr(text: &str) {
    // A stderr that nobody holds any more loses the text, as with any program.
    let _ = io::stderr().write_all(text.as_bytes());
}
