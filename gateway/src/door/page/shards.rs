//! The table of shards.
//!
//! Invariant: each cell says what it is by `data-label`, because on a phone the heads of the columns are gone.

use maud::{Markup, html};

use super::Here;
use super::head::counted;
use super::tame::tame;
use crate::mux::{Entry, Registry};

/// How many shards have a row.
const ROWS: usize = 500;
const ERROR: usize = 400;
/// Clients are shown as many lines of a shard that died (DESIGN, D10).
const LAST_WORDS: usize = 3;
const LINE: usize = 200;

pub(super) fn section(registry: &Registry, here: &Here) -> Markup {
    let more = registry.shards.len().saturating_sub(ROWS);
    html! {
        section aria-labelledby="shards" {
            h2 id="shards" { "Shards" }
            @if registry.shards.is_empty() {
                p.empty {
                    "No shards yet. A file " code { "time.yaml" } " with the line " code { "command: uvx" } " and the line "
                    code { "args: [mcp-server-time]" } " in " code { (tame(&here.place.shards, LINE)) }
                    " makes one, without a restart."
                }
            } @else {
                table {
                    thead { tr {
                        th scope="col" { "Shard" } th scope="col" { "State" } th scope="col" { "Era" }
                        th.number scope="col" { "PID" } th.number scope="col" { "Restarts" }
                        th.number scope="col" { "Calls" } th.number scope="col" { "Failed" }
                        th.number scope="col" { "Tools" } th.number scope="col" { "Prompts" }
                        th.number scope="col" { "Resources" }
                    } }
                    @for shard in registry.shards.iter().take(ROWS) { (rows(shard)) }
                }
                @if more > 0 { p { "and " (more) " more, in " a href="/health" { "/health" } "." } }
            }
        }
    }
}

/// One shard: its facts, and below them what went wrong last.
fn rows(shard: &Entry) -> Markup {
    html! {
        tbody {
            tr {
                th scope="row" { @if shard.tools > 0 { a href=(format!("#tools-{}", shard.name)) { (shard.name) } } @else { (shard.name) } }
                td data-label="State" { span class=(format!("badge {}", shard.state)) { (shard.state) } }
                td.none[shard.era.is_none()] data-label="Era" { (era(shard)) }
                td.number.none[shard.pid.is_none()] data-label="PID" { @if let Some(pid) = shard.pid { (pid) } @else { (NONE) } }
                td.number data-label="Restarts" { (shard.restarts) }
                td.number data-label="Calls" { (shard.calls) @if shard.in_flight > 0 { " (" (shard.in_flight) " now)" } }
                td.number data-label="Failed" { (shard.failed) }
                td.number data-label="Tools" { (shard.tools) }
                td.number data-label="Prompts" { (shard.prompts) }
                td.number data-label="Resources" { (shard.resources) }
            }
            (trouble(shard))
        }
    }
}

const NONE: &str = "–";

fn era(shard: &Entry) -> Markup {
    html! {
        @if let Some(era) = shard.era { (era) } @else { (NONE) }
        @if let Some(revision) = &shard.revision { " " span.quiet { (tame(revision, 20)) } }
    }
}

fn trouble(shard: &Entry) -> Markup {
    let is_down = shard.state != "ready" && shard.state != "asleep";
    let since = shard.stderr_tail.len().saturating_sub(LAST_WORDS);
    html! {
        @if let Some(error) = &shard.last_error {
            tr.trouble {
                td colspan="10" {
                    p dir="auto" {
                        @if is_down { "Last error: " } @else { "Before it was started again: " }
                        (tame(error, ERROR))
                        @if let Some(seconds) = shard.next_retry_s { ". It is tried again in " (seconds) " s" }
                        "."
                    }
                    @if is_down && !shard.stderr_tail.is_empty() {
                        details {
                            summary { "Its last " (counted(shard.stderr_tail.len() - since, "line")) " on stderr" }
                            pre { @for line in &shard.stderr_tail[since..] { (tame(line, LINE)) "\n" } }
                        }
                    }
                }
            }
        } @else if shard.state == "invalid" {
            tr.trouble { td colspan="10" { p { "Its file cannot be used: " a href="#mend" { "to mend" } } } }
        }
    }
}
