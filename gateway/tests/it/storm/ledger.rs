//! What the shards were sent, held against what the clients meant.
//!
//! Invariant: a line for a shard holds one call's mark at most, and no request of a call comes oftener than its client sent it.

use std::collections::{BTreeSet, HashMap};

use super::book::{Book, is_modern, marks};
use super::plan::{Plan, Step, Twist};
use crate::support::Journal;

/// Checks everything that one shard was sent.
pub(super) fn check(book: &Book, shard: &str, journal: &Journal) {
    let mut runs: HashMap<(String, String), usize> = HashMap::new();
    for message in journal.messages() {
        let text = message.to_string();
        let met: BTreeSet<_> = marks(&text).collect();
        if let Some(mark) = met.iter().next().filter(|_| met.len() > 1) {
            book.fault(Step::read(mark).0, format!("`{shard}` was sent marks of several calls: {text}"));
        }
        if message["method"] == "tools/call"
            && let Some(mark) = message["params"]["arguments"]["mark"].as_str()
        {
            let state = message["params"]["requestState"].as_str().unwrap_or_default();
            *runs.entry((mark.to_owned(), state.to_owned())).or_default() += 1;
        }
    }
    for ((mark, state), count) in &runs {
        let (seed, client, step) = Step::read(mark);
        // A modern shard runs what a modern client sends twice, twice.
        let is_twice = is_modern(client)
            && !step.kind.is_legacy()
            && !state.is_empty()
            && matches!(step.twist, Twist::Twice | Twist::Missing);
        if *count > 1 + usize::from(is_twice) || (step.kind.is_legacy() && !state.is_empty()) {
            book.fault(seed, format!("`{shard}` ran {mark} {count} times with the state `{state}`"));
        }
    }
    book.count(format!("shards that ran {} calls or more", runs.len() / 100 * 100));
}

impl Step {
    /// The seed, the client and the step of a mark.
    fn read(mark: &str) -> (u64, usize, Self) {
        let number = |from: usize, to: usize| u64::from_str_radix(&mark[from..to], 16).expect("a mark of ours");
        let (seed, client, call) = (number(5, 13), number(13, 14) as usize, number(14, 16) as usize);
        (seed, client, Plan::of(seed).clients[client].steps[call].clone())
    }
}
