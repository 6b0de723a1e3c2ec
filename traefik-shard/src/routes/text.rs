//! Routes in a few lines that a model can quote.
//!
//! Whatever there is, the text stays short.

use std::collections::BTreeMap;

use super::{Live, RouteState};
use crate::backends::Health;
use crate::cut::cut;
use crate::finding::Finding;

/// Routes with a line of their own.
const LINES: usize = 40;
const WARNINGS: usize = 10;
/// The longest rule and error that are quoted.
const QUOTED: usize = 120;

/// Counts over everything that was selected, then one line per route of the page, then warnings.
pub(crate) fn summary(selected: &[Live<'_>], page: &[RouteState], more: Option<&str>, warnings: &[Finding]) -> String {
    let mut text = match selected.len() {
        0 => "No routes match.".to_owned(),
        count => {
            let protocols = counts(selected.iter().map(|live| live.protocol.name()));
            let states = counts(selected.iter().map(|live| live.router.status.as_str()));
            format!("{count} {} ({protocols}): {states}.", if count == 1 { "route" } else { "routes" })
        }
    };
    page.iter().take(LINES).for_each(|route| text.push_str(&line(route)));
    if page.len() > LINES {
        text.push_str(&format!("\nand {} more in the structured result", page.len() - LINES));
    }
    if let Some(cursor) = more {
        text.push_str(&format!("\nThere are more: go on with cursor `{cursor}`."));
    }
    for finding in warnings.iter().take(WARNINGS) {
        text.push_str(&format!("\nWarning: {}.", finding.sentence()));
    }
    if warnings.len() > WARNINGS {
        text.push_str(&format!("\nand {} more warnings", warnings.len() - WARNINGS));
    }
    text
}

fn counts<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    names.for_each(|name| *counts.entry(name).or_default() += 1);
    counts.iter().map(|(name, count)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
}

/// Such as ``app@file: Host(`a`) on web → app@file (1 of 2 servers up)``.
fn line(route: &RouteState) -> String {
    let mut line = format!("\n{}: ", route.name);
    if !route.rule.is_empty() {
        line.push_str(&format!("{} ", cut(&route.rule, QUOTED)));
    }
    let entries = if route.using.is_empty() { "no entry point".to_owned() } else { route.using.join(", ") };
    line.push_str(&format!("on {entries}{} → {}", if route.tls.enabled { " (TLS)" } else { "" }, route.service));
    let of = |status| route.servers.iter().filter(|server| server.status == status).count();
    let known = of(Health::Up) + of(Health::Down);
    if known > 0 {
        line.push_str(&format!(" ({} of {known} checked servers up)", of(Health::Up)));
    }
    if route.status != "enabled" {
        let errors = route.errors.join("; ");
        line.push_str(&format!(" [{}: {}]", route.status, cut(&errors, QUOTED)));
    }
    line
}
