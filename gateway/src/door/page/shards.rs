//! The table of shards.
//!
//! Invariant: each cell says what it is by `data-label`, because on a phone the heads of the columns are gone.

use maud::{Markup, html};

use super::Here;
use super::head::counted;
use super::tame::{tame, with_code};
use crate::mux::{Entry, Registry};

/// How many shards have a row.
const ROWS: usize = 500;
const ERROR: usize = 400;
/// Clients are shown as many lines of a shard that died (DESIGN, D10).
const LAST_WORDS: usize = 3;
const LINE: usize = 200;
const FOLDER: usize = 300;
const REVISION: usize = 20;

pub(super) fn section(registry: &Registry, here: &Here) -> Markup {
    let more = registry.shards.len().saturating_sub(ROWS);
    html! {
        section aria-labelledby="shards" {
            h2 id="shards" { "Shards" }
            p.quiet {
                "A shard is one MCP server, which the gateway starts because a file in "
                code { (tame(&here.place.shards, FOLDER)) } " says so."
            }
            @if registry.shards.is_empty() {
                div.empty {
                    p { "There are none yet. A file " code { "time.yaml" } " in that folder with these two lines makes one, at once:" }
                    pre { code { "command: uvx\nargs: [mcp-server-time]" } }
                    p { "Or in a terminal: " code { "mcp-gateway add time -- uvx mcp-server-time" } }
                }
            } @else {
                table {
                    thead { tr {
                        th scope="col" { "Shard" } th scope="col" { "State" } th scope="col" { "Protocol" }
                        th.number scope="col" { "PID" } th.number scope="col" { "Restarts" }
                        th.number scope="col" { "Calls" } th.number scope="col" { "Failed" }
                        th.number scope="col" { "Tools" } th.number scope="col" { "Prompts" }
                        th.number scope="col" { "Resources" }
                    } }
                    @for shard in registry.shards.iter().take(ROWS) { (rows(shard)) }
                }
                @if more > 0 { p { "and " (more) " more, in " a href=(here.link("/health")) { "/health" } "." } }
            }
        }
    }
}

/// One shard: its facts, and below them what a person should know of its state.
fn rows(shard: &Entry) -> Markup {
    html! {
        tbody {
            tr {
                th scope="row" { @if shard.tools > 0 { a href=(format!("#tools-{}", shard.name)) { (shard.name) } } @else { (shard.name) } }
                td data-label="State" { span class=(format!("badge {}", shard.state)) { (shard.state) } }
                (protocol(shard))
                (number("PID", &shard.pid.map(|pid| pid.to_string()).unwrap_or_default()))
                (number("Restarts", &shard.restarts.to_string()))
                (number("Calls", &calls(shard)))
                (number("Failed", &shard.failed.to_string()))
                (number("Tools", &shard.tools.to_string()))
                (number("Prompts", &shard.prompts.to_string()))
                (number("Resources", &shard.resources.to_string()))
            }
            (trouble(shard))
        }
    }
}

/// What is not there is hidden on a phone, and does not catch the eye elsewhere.
fn number(label: &str, value: &str) -> Markup {
    let is_none = matches!(value, "" | "0");
    html! { td.number.none[is_none] data-label=(label) { @if is_none { "–" } @else { (value) } } }
}

fn calls(shard: &Entry) -> String {
    match shard.in_flight {
        0 => shard.calls.to_string(),
        now => format!("{} ({now} now)", shard.calls),
    }
}

fn protocol(shard: &Entry) -> Markup {
    html! {
        td.none[shard.era.is_none()] data-label="Protocol" {
            @if let Some(era) = shard.era { (tame(shard.revision.as_deref().unwrap_or_default(), REVISION)) " " span.quiet { (era) } }
            @else { "–" }
        }
    }
}

/// What a state means that is not told by an error.
fn meaning(state: &str) -> Option<&'static str> {
    match state {
        "starting" => Some("It is being started. Where `npx` or `uvx` must download it first, this takes a while."),
        "asleep" => Some("It rests because nobody called it (`idle_stop`); the next call starts it."),
        "draining" => Some("It finishes the calls under way and then ends, or waits for the process before it."),
        "disabled" => Some("Its file says `enabled: false`."),
        _ => None,
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
                        (with_code(&tame(error, ERROR)))
                        @match shard.next_retry_s {
                            None => ".",
                            Some(0) => ". It is started again now.",
                            Some(seconds) => { ". It is started again in " (seconds) " s." }
                        }
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
            tr.trouble { td colspan="10" { p { "Its file cannot be used as it is: see the " a href="#problems" { "problems" } "." } } }
        } @else if let Some(meaning) = meaning(shard.state) {
            tr.trouble { td colspan="10" { p { (with_code(meaning)) } } }
        }
    }
}
