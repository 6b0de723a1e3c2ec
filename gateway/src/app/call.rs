//! `mcp-gateway call`: calls one tool and shows what it answers.
//!
//! Invariant: a call is sent once. Arguments that the tool's own schema objects to are never sent.

mod arguments;
mod content;
mod progress;
mod typed;
mod usage;

use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use serde_json::Value;
use serde_json::value::RawValue;

use self::arguments::Given;
use self::content::Piece;
use self::progress::Display;
use super::output::{self, plain};
use super::peer::{Company, Notices, Peer, Question, Wanted, company};
use super::{Exit, status};
use crate::catalogue::Mirrored;
use crate::shard::roster::List;
use crate::wire::Raw;
use crate::{catalogue, log};

pub use self::progress::Progress;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallOptions {
    /// The tool, by its exposed name.
    pub tool: String,
    /// The arguments as they are typed.
    pub words: Vec<String>,
    /// Whether it is called, or only described.
    pub act: Act,
    /// Whom to ask.
    pub company: Company,
    /// The folder for images and other files.
    pub out: PathBuf,
    /// How the answer looks.
    pub form: Form,
    /// How progress is shown.
    pub progress: Progress,
}

/// What is done with a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// It is called.
    Call,
    /// What it is for and what it takes is printed.
    Describe,
}

/// How the answer looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For people: texts on stdout, everything else in files.
    Text,
    /// For programs: the whole result, byte for byte.
    Json,
}

/// Calls the tool, and prints its answer.
///
/// # Errors
/// It cannot be called: nobody can be asked, there is no such tool, an argument cannot be read, no answer came.
pub fn call(options: &CallOptions) -> anyhow::Result<Exit> {
    // Before anything is started: who types at stdin may take their time.
    let given = arguments::gather(&options.words)?;
    company::with(&options.company, &Wanted::Tool(options.tool.clone()), async |peer| {
        let tool = find(peer, &options.tool).await?;
        match options.act {
            Act::Describe => {
                match options.form {
                    Form::Json => output::print_json(&tool)?,
                    Form::Text => output::print(&usage::tool(&tool))?,
                }
                Ok(Exit::Good)
            }
            Act::Call => call_found(peer, &tool, given, options).await,
        }
    })
}

async fn call_found(peer: &Peer, tool: &Value, given: Given, options: &CallOptions) -> anyhow::Result<Exit> {
    let schema = &tool["inputSchema"];
    let arguments = match arguments::build(given, schema) {
        Ok(arguments) => arguments,
        Err(error) => return refuse(tool, &[format!("{error:#}")]),
    };
    let value = serde_json::from_str(arguments.get()).context("the arguments are no JSON")?;
    let complaints = usage::complaints(schema, &value);
    if !complaints.is_empty() {
        return refuse(tool, &complaints);
    }
    let result = {
        let display = Display::begin(&options.tool, options.progress);
        let notices = if display.is_wanted() { Notices::Progress } else { Notices::None };
        let (name, arguments) = (Some(options.tool.as_str()), Some(&*arguments));
        let marked = schema.to_string();
        // Of marks that do not count a gateway wants nothing.
        let mirrored = Raw::parse(marked.as_bytes()).ok().and_then(|schema| Mirrored::read(schema).ok().flatten());
        let question = Question { method: "tools/call", name, arguments, mirrored: mirrored.as_ref(), notices };
        let asked = peer.ask(question, &mut |method, params| display.hear(method, params)).await;
        asked.with_context(|| format!("cannot call `{}`", options.tool))?
    };
    show(&result, options)
}

/// Says what is wrong with the arguments, and what the tool takes.
fn refuse(tool: &Value, complaints: &[String]) -> anyhow::Result<Exit> {
    let name = plain(tool["name"].as_str().unwrap_or_default());
    let mut text = format!("`{name}` was not called, because its arguments are wrong:\n");
    for complaint in complaints {
        text += &format!("  {complaint}\n");
    }
    text += &format!("\nWhat it takes:\n{}", usage::arguments(&tool["inputSchema"]));
    log::stderr().print(text.as_bytes());
    Ok(Exit::Bad)
}

fn show(result: &RawValue, options: &CallOptions) -> anyhow::Result<Exit> {
    let value: Value = serde_json::from_str(result.get()).context("the tool's answer cannot be read")?;
    let exit = if value["isError"] == true { Exit::Bad } else { Exit::Good };
    if options.form == Form::Json {
        return output::print_foreign(&format!("{}\n", result.get())).map(|()| exit);
    }
    if value["resultType"] == "input_required" {
        return Err(anyhow!("`{}` asks for input, which this command cannot give", options.tool));
    }
    let pieces = content::pieces(&value);
    if pieces.is_empty() && exit == Exit::Bad {
        return Err(anyhow!("`{}` reports an error, and does not say which", options.tool));
    }
    // What cannot be read or written keeps nobody from the rest.
    let mut unread = Vec::new();
    for piece in pieces {
        let text = match piece.and_then(|piece| text(piece, options)) {
            Ok(text) => text,
            Err(error) => {
                unread.push(format!("{error:#}"));
                continue;
            }
        };
        let end = if text.ends_with('\n') { "" } else { "\n" };
        match exit {
            Exit::Good => output::print_foreign(&format!("{text}{end}"))?,
            _ => log::stderr().print(format!("{}{end}", short(&plain(&text))).as_bytes()),
        }
    }
    if unread.is_empty() { Ok(exit) } else { Err(anyhow!(unread.join("; "))) }
}

/// What is printed of a piece: itself, or the name of its file, which is written.
fn text(piece: Piece, options: &CallOptions) -> anyhow::Result<String> {
    Ok(match piece {
        Piece::Text(text) => text,
        Piece::Bytes { mime, bytes } => {
            let path = content::keep(&options.out, &options.tool, &mime, &bytes)?;
            format!("{} ({}, {} bytes)", path.display(), plain(&mime), bytes.len())
        }
    })
}

/// An error is no place for megabytes.
fn short(text: &str) -> String {
    const LONGEST: usize = 100_000;
    text.chars().take(LONGEST).collect()
}

/// The tool as it is listed.
async fn find(peer: &Peer, name: &str) -> anyhow::Result<Value> {
    let tools = peer.list(List::Tools).await?;
    let names: Vec<&str> = tools.iter().filter_map(|tool| tool["name"].as_str()).collect();
    if let Some(at) = names.iter().position(|listed| *listed == name) {
        return Ok(tools[at].clone());
    }
    let near = nearest(name, &names);
    let hint = if near.is_empty() {
        "`mcp-gateway list` shows all".to_owned()
    } else {
        format!("did you mean `{}`?", near.join("`, `"))
    };
    let down = status::down(&peer.registry().await?, peer.view().as_deref());
    let down: String = down.into_iter().map(|line| format!("\n  {line}")).collect();
    Err(anyhow!("there is no tool `{}`; {hint}{down}", output::short(name)))
}

/// At most three names, the likeliest first, that may have been meant with or without their prefixes.
fn nearest<'n>(name: &str, names: &[&'n str]) -> Vec<&'n str> {
    let own = |known: &'n str| known.split_once("__").map_or(known, |(_, own)| own);
    catalogue::nearest(name, names.iter().map(|known| (*known, own(known))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_names_are_a_slip_away_or_lack_the_prefix() {
        let names = ["git__status", "git__show", "time__now", "memory__status"];
        let check = |name: &str, expected: &[&str]| assert_eq!(nearest(name, &names), expected, "{name}");
        check("status", &["git__status", "memory__status"]);
        check("git__statsu", &["git__status"]);
        check("Time__Now", &["time__now"]);
        check("elsewhere", &[]);
    }
}
