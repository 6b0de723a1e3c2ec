//! The few lines that `curl` gets at `/`.
//!
//! Invariant: safe on a terminal, since what comes from shards and files has lost its control characters.

use std::fmt::Write as _;

use super::Here;
use super::head::summary;
use super::tame::tame;
use crate::mux::Overview;

/// How many problems, and how many shards that are down, are named.
const NAMED: usize = 10;
const LINE: usize = 300;

pub(super) fn welcome(overview: &Overview, here: &Here) -> String {
    let registry = &overview.registry;
    let mut text = format!("mcp-gateway {}: {}, {}\n\n", registry.version, registry.status, summary(registry));
    let (mcp, root) = (here.url(), &here.root);
    text += &format!(
        "  MCP      {mcp}      for MCP clients\n  Health   {root}/health   all of it as JSON\n  \
         Page     {root}/         in a browser: shards, tools, and how to connect each client\n"
    );
    let down = registry.shards.iter().filter_map(|shard| Some((shard, shard.last_error.as_ref()?)));
    let down = down.filter(|(shard, _)| !matches!(shard.state, "ready" | "asleep"));
    let lines = registry.problems.iter().map(ToString::to_string);
    let lines: Vec<_> = lines.chain(down.map(|(shard, error)| format!("shard `{}`: {error}", shard.name))).collect();
    if !lines.is_empty() {
        text += "\nProblems:\n";
    }
    for line in lines.iter().take(NAMED) {
        let _ = writeln!(text, "  {}", tame(line, LINE));
    }
    if lines.len() > NAMED {
        let _ = writeln!(text, "  and {} more", lines.len() - NAMED);
    }
    text
}
