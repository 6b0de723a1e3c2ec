//! The command line: what a person types, as a wish.
//!
//! Invariant: every flag can also be a variable, every default stands in `--help`, and nothing is carried out here.

mod add;
mod call;
mod check;
mod client;
mod completions;
mod defaults;
mod list;
mod new;
mod peer;
mod ps;
mod serve;
mod status;

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand};

use self::add::{Add, Import};
use self::call::Call;
use self::check::{Check, Schema};
use self::client::Client;
use self::completions::Completions;
use self::list::List;
use self::new::New;
use self::ps::Ps;
use self::serve::{Serve, Stdio};
use self::status::Status;
use crate::app::Wish;
use crate::config::schema;

/// Many stdio MCP servers, seen as one.
#[derive(Debug, Parser)]
#[command(name = "mcp-gateway", version, about, long_about = LONG, after_help = AFTER)]
#[command(subcommand_negates_reqs = true, args_conflicts_with_subcommands = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

const LONG: &str = "\
Runs every MCP server that has a file in the shards folder as a child process and offers all of them at one address.\n\
Add a server by dropping a YAML file into the folder; the gateway follows it while it runs.";

const AFTER: &str = "\
Examples:
  mcp-gateway                                   serve ./shards.d on http://127.0.0.1:9100/mcp
  mcp-gateway serve --listen 0.0.0.0:9100       for other machines too
  mcp-gateway stdio --shards ~/shards.d         for clients that start their servers
  mcp-gateway stdio --connect                   the same, at the gateway that runs here
  mcp-gateway client claude-desktop             what to paste into Claude Desktop, and where
  mcp-gateway list                              the tools that clients see
  mcp-gateway call time__get_current_time timezone=Europe/Berlin
  mcp-gateway status                            how the gateway that runs here is
  mcp-gateway ps                                every process that gateways own, by shard

A shard file needs one line:
  command: mcp-server-time

MCP_GATEWAY_LOG (error, warn, info, debug, trace) says what is logged on stderr; NO_COLOR takes colours away.
Exit codes: 0 good; 1 not; 2 the command line is wrong; 3 no gateway answers; 128 and its number: a signal, 130 for Ctrl-C.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve clients over HTTP (the default).
    Serve(Serve),
    /// Serve the one client that started this process, over stdin and stdout.
    Stdio(Stdio),
    /// Tell everything that is wrong with the shard files; start nothing.
    Check(Check),
    /// Print the JSON Schema of a shard file, for editors.
    Schema(Schema),
    /// Show every process that running gateways own, by shard.
    Ps(Ps),
    /// Print what connects a client to this gateway, ready to paste.
    Client(Client),
    /// Make a shard of your own: a crate to start from, with its shard file.
    New(New),
    /// List what clients see: tools, prompts, resources or shards.
    List(List),
    /// Call a tool, and show what it answers.
    Call(Call),
    /// Show how a running gateway and its shards are.
    Status(Status),
    /// Write a shard file for a command line.
    Add(Add),
    /// Write shard files for the servers that another client is configured with.
    Import(Import),
    /// Print what makes a shell complete commands and flags.
    Completions(Completions),
}

/// Reads the command line and the variables.
///
/// # Errors
/// What clap says: a fault to be shown, or a text that was asked for, such as `--help`.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Wish, clap::Error> {
    let line = CommandLine::try_parse_from(words)?;
    Ok(match line.command {
        None => Wish::Serve(Box::new(line.serve.settings())),
        Some(Command::Serve(arguments)) => Wish::Serve(Box::new(arguments.settings())),
        Some(Command::Stdio(arguments)) => {
            arguments.wish().map_err(|why| CommandLine::command().error(ErrorKind::ValueValidation, why))?
        }
        Some(Command::Check(arguments)) => Wish::Check(arguments.options()),
        Some(Command::Schema(Schema {})) => Wish::Print(schema::text()),
        Some(Command::Ps(arguments)) => Wish::Ps(arguments.options()),
        Some(Command::Client(arguments)) => Wish::Client(arguments.options()),
        Some(Command::New(arguments)) => Wish::New(arguments.options()),
        Some(Command::List(arguments)) => Wish::List(arguments.options()),
        Some(Command::Call(arguments)) => Wish::Call(Box::new(arguments.options())),
        Some(Command::Status(arguments)) => Wish::Status(arguments.options()),
        Some(Command::Add(arguments)) => Wish::Add(arguments.options()),
        Some(Command::Import(arguments)) => Wish::Import(arguments.options()),
        Some(Command::Completions(arguments)) => Wish::Print(arguments.text(&mut CommandLine::command())),
    })
}

#[cfg(test)]
mod tests;
