//! `mcp-gateway client`: what connects a client to this gateway.
//!
//! Invariant: it changes no file of anybody's. What is printed between the steps can be copied as it is.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::banner::{absolute, own_program};
use super::output;
use crate::door::clients::{ClientKind, Place, Snippet, Via, snippets};
use crate::log;
use crate::shard::keeper::inventory::{self, Condition};

/// Where a gateway is found if nobody says otherwise.
const DEFAULT: &str = "http://127.0.0.1:9100/mcp";

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientOptions {
    /// The client that is to be connected.
    pub kind: ClientKind,
    /// In which way; `None` is the recommended one.
    pub via: Option<Via>,
    /// The address of the gateway, `/mcp` included; `None` is that of the one that runs here, else the default one.
    pub url: Option<String>,
    /// The state folder in which a gateway that runs here is looked for.
    pub state_dir: Option<PathBuf>,
    /// The folder of shard files, for a client that starts its own gateway.
    pub shards: PathBuf,
    /// How the answer looks.
    pub form: Form,
}

/// How the answer looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Steps for people, and the text to paste.
    Steps,
    /// The JSON of the client's configuration file alone.
    Json,
}

/// Prints the snippet.
///
/// # Errors
/// The client cannot be connected in the way that is asked for.
pub fn show(options: &ClientOptions) -> anyhow::Result<()> {
    let shards = absolute(&options.shards);
    let url = options.url.clone().or_else(|| running(options.state_dir.as_deref()?));
    let place = Place { program: own_program(), shards, url: Some(url.unwrap_or_else(|| DEFAULT.to_owned())) };
    let found = snippets(options.kind, &place);
    let wanted = found.iter().find(|snippet| options.via.is_none_or(|via| via == snippet.via));
    let Some(snippet) = wanted else {
        let (client, way) = (options.kind.name(), options.via.map_or("", Via::word));
        anyhow::bail!("{client} cannot be connected by `--via {way}`; use {}", ways(&found));
    };
    if snippet.via == Via::Stdio && !options.shards.is_dir() {
        let folder = &place.shards;
        let note = format!("note: there is no folder `{folder}` yet; make it, or name another with `--shards`\n");
        log::stderr().print(note.as_bytes());
    }
    match options.form {
        Form::Json => output::print(&format!("{}\n", snippet.json)),
        Form::Steps => output::print(&told(options.kind, snippet, &found)),
    }
}

/// The address of a gateway that serves HTTP with this state folder.
fn running(state_dir: &Path) -> Option<String> {
    let found = inventory::look(state_dir).ok()?;
    let mut running = found.gateways.into_iter().filter(|gateway| gateway.state == Condition::Running);
    let door = running.find(|gateway| gateway.door.starts_with("http"))?.door;
    Some(format!("{}/mcp", door.trim_end_matches('/')))
}

fn told(kind: ClientKind, snippet: &Snippet, all: &[Snippet]) -> String {
    let mut text = format!("{}: {}\n\n", snippet.client, meaning(snippet.via));
    for (at, step) in snippet.steps.iter().enumerate() {
        let _ = writeln!(text, "  {}. {step}", at + 1);
    }
    let _ = write!(text, "\n{}\n\n", snippet.text);
    for other in all.iter().filter(|other| other.via != snippet.via) {
        let (client, way) = (kind.word(), other.via.word());
        let _ = writeln!(text, "  Another way: mcp-gateway client {client} --via {way}   ({})", meaning(other.via));
    }
    let _ = writeln!(text, "  Follows {} as of {}.", snippet.source, snippet.source_date);
    text
}

fn meaning(via: Via) -> &'static str {
    match via {
        Via::Stdio => "it starts a gateway of its own",
        Via::Http => "it talks to the running gateway",
        Via::McpRemote => "it talks to the running gateway, by way of `mcp-remote`",
    }
}

fn ways(all: &[Snippet]) -> String {
    let ways: Vec<String> = all.iter().map(|snippet| format!("`--via {}`", snippet.via.word())).collect();
    ways.join(" or ")
}
