//! The top of the page: how the gateway is, where it is, and what a person should mend.
//!
//! Invariant: a state is told by a word, never by its colour alone.

use std::path::Path;
use std::time::{Duration, SystemTime};

use maud::{Markup, html};

use super::Here;
use super::tame::{tame, with_code};
use crate::fleet::Trouble;
use crate::mux::{Registry, View};

/// How many problems are shown.
const PROBLEMS: usize = 100;
/// How many files with problems stand open.
const OPEN: usize = 5;
const MESSAGE: usize = 600;
const ADDRESS: usize = 600;
const FILE: usize = 300;

/// The states of shards, the best first.
const STATES: [&str; 7] = ["ready", "asleep", "starting", "draining", "backoff", "invalid", "disabled"];

pub(super) fn header(registry: &Registry, here: &Here, now: SystemTime) -> Markup {
    html! {
        header {
            h1 {
                "mcp-gateway "
                span class=(format!("badge {}", registry.status)) { (registry.status) }
            }
            p.summary {
                (summary(registry)) " · up " (uptime(registry.uptime_s)) " · version " (registry.version)
            }
            p.address { "Address for MCP clients " code { (tame(here.url(), ADDRESS)) } }
            @if here.view != View::All {
                p.note { "A client that is given this address sees only what is shown here. " a href=(here.base) { "All shards" } }
            }
            p.moment {
                "As of " (moment(now)) ". " a href="" { "Refresh" }
            }
            nav {
                @if !registry.problems.is_empty() { a href="#problems" { "Problems" } " · " }
                a href="#shards" { "Shards" } " · "
                @if registry.shards.iter().any(|shard| shard.tools > 0) { a href="#tools" { "Tools" } " · " }
                a href="#connect" { "Connect a client" }
            }
        }
    }
}

fn moment(now: SystemTime) -> Markup {
    let machine = humantime::format_rfc3339_seconds(now).to_string();
    let person = machine.replace('T', " ").replace('Z', " UTC");
    html! { time datetime=(machine) { (person) } }
}

/// How many shards are in which state, and what they offer.
pub(super) fn summary(registry: &Registry) -> String {
    let count = |state| registry.shards.iter().filter(|shard| shard.state == state).count();
    let mut parts: Vec<String> = STATES
        .iter()
        .map(|state| (count(*state), state))
        .filter(|(n, _)| *n > 0)
        .map(|(n, state)| format!("{n} {state}"))
        .collect();
    let shards = match registry.shards.len() {
        0 => "no shards".to_owned(),
        n => counted(n, "shard"),
    };
    parts.insert(0, shards);
    parts.push(counted(registry.shards.iter().map(|shard| shard.tools).sum(), "tool"));
    if !registry.problems.is_empty() {
        parts.push(counted(registry.problems.len(), "problem"));
    }
    parts.join(" · ")
}

pub(super) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Two units are enough, and a day has no months.
fn uptime(seconds: u64) -> String {
    let unit = match seconds {
        0..3_600 => 1,
        3_600..86_400 => 60,
        _ => 3_600,
    };
    let rounded = Duration::from_secs(seconds / unit * unit);
    let (days, rest) = (rounded.as_secs() / 86_400, Duration::from_secs(rounded.as_secs() % 86_400));
    match days {
        0 => humantime::format_duration(rest).to_string(),
        days if rest.is_zero() => counted_days(days),
        days => format!("{} {}", counted_days(days), humantime::format_duration(rest)),
    }
}

fn counted_days(days: u64) -> String {
    format!("{days} day{}", if days == 1 { "" } else { "s" })
}

/// The problems by file, in their order: those that stop a shard come before what is only left out. The first few files
/// are open to see.
pub(super) fn problems(registry: &Registry, here: &Here) -> Markup {
    let mut files: Vec<(&Path, Vec<&Trouble>)> = Vec::new();
    for problem in registry.problems.iter().take(PROBLEMS) {
        match files.iter_mut().find(|(file, _)| *file == problem.file) {
            Some((_, troubles)) => troubles.push(problem),
            None => files.push((&problem.file, vec![problem])),
        }
    }
    let more = registry.problems.len().saturating_sub(PROBLEMS);
    html! {
        @if !files.is_empty() {
            section.problems aria-labelledby="problems" {
                h2 id="problems" { "Problems" }
                ul { @for (file, troubles) in files.iter().take(OPEN) { (of_file(file, troubles, here)) } }
                @if files.len() > OPEN {
                    details {
                        summary { "and " (counted(files.len() - OPEN, "more file")) }
                        ul { @for (file, troubles) in files.iter().skip(OPEN) { (of_file(file, troubles, here)) } }
                    }
                }
                @if more > 0 { p { "and " (counted(more, "more problem")) ", in " a href=(here.link("/health")) { "/health" } } }
            }
        }
    }
}

fn of_file(file: &Path, troubles: &[&Trouble], here: &Here) -> Markup {
    let whole = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let file = tame(&whole.strip_prefix(&here.place.shards).unwrap_or(&whole).display().to_string(), FILE);
    html! {
        li {
            @for (at, trouble) in troubles.iter().enumerate() {
                p {
                    @if at == 0 || trouble.line.is_some() {
                        code.file { bdi { (file) } @if let Some(line) = trouble.line { ":" (line) } } " "
                    }
                    span dir="auto" { (with_code(&tame(&trouble.message, MESSAGE))) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_uptime_has_two_units_at_most() {
        let check = |seconds, expected: &str| assert_eq!(uptime(seconds), expected);
        check(0, "0s");
        check(59, "59s");
        check(61, "1m 1s");
        check(3_600 + 125, "1h 2m");
        check(86_400, "1 day");
        check(40 * 86_400 + 3 * 3_600 + 59, "40 days 3h");
    }
}
