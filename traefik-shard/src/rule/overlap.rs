//! May two rules match the same request?
//!
//! `None` and the three certain answers are proved; `Partial` also stands for "not known".

use super::clauses::{self, Clause, Literal, Sign};
use super::terms::{HostForm, implies, is_possible, is_universal, may_hold_together};
use super::{Matcher, Rule};

/// How the requests of two rules relate; the first is "ours".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overlap {
    /// Both match the same requests.
    Same,
    /// The first matches all that the second matches, and perhaps more.
    Contains,
    /// The second matches all that the first matches, and perhaps more.
    Within,
    /// Some requests may match both.
    Partial,
    /// No request matches both.
    None,
}

/// Compares two rules of one protocol.
pub(crate) fn overlap(ours: &Rule, theirs: &Rule) -> Overlap {
    let (Some(left), Some(right)) = (possible(ours), possible(theirs)) else {
        return Overlap::Partial;
    };
    let meet = |one: &Clause<'_>| right.iter().any(|two| may_hold_together(one, two));
    if !left.iter().any(meet) {
        return Overlap::None;
    }
    let covered =
        |inner: &[Clause<'_>], outer: &[Clause<'_>]| inner.iter().all(|one| outer.iter().any(|two| implies(one, two)));
    match (covered(&right, &left), covered(&left, &right)) {
        (true, true) => Overlap::Same,
        (true, false) => Overlap::Contains,
        (false, true) => Overlap::Within,
        (false, false) => Overlap::Partial,
    }
}

/// A request that both may match, in words; `None` where there is none.
pub(crate) fn witness(ours: &Rule, theirs: &Rule) -> Option<String> {
    let (Some(left), Some(right)) = (possible(ours), possible(theirs)) else {
        return Some("a request (the rules are too large to say which)".into());
    };
    let pair = left
        .iter()
        .find_map(|one| right.iter().find(|two| may_hold_together(one, two)).map(|two| [&one[..], two].concat()))?;
    Some(in_words(&pair))
}

fn possible<'a>(rule: &'a Rule) -> Option<Vec<Clause<'a>>> {
    Some(clauses::of(rule)?.into_iter().filter(is_possible).collect())
}

fn in_words(clause: &Clause<'_>) -> String {
    let plain = clause.iter().filter(|literal| literal.sign == Sign::Plain && !is_universal(literal));
    let mut parts: Vec<(u8, &Literal<'_>)> = plain.map(|literal| (rank(literal), literal)).collect();
    // The narrowest comes first; the wider ones of the same kind say nothing new.
    parts.sort_by_key(|(rank, literal)| (*rank, usize::MAX - literal.term.arguments[0].len()));
    parts.dedup_by_key(|(rank, literal)| (*rank / 10, (*rank >= 30).then_some(literal.term)));
    let words: Vec<String> = parts.iter().map(|(_, literal)| phrase(literal)).collect();
    if words.is_empty() { "any request".into() } else { format!("a request {}", words.join(" ")) }
}

fn rank(literal: &Literal<'_>) -> u8 {
    let first = &literal.term.arguments[0];
    match literal.term.matcher {
        Matcher::Host | Matcher::HostSni => match HostForm::of(first) {
            HostForm::Exact(_) => 10,
            _ => 12,
        },
        Matcher::HostRegexp | Matcher::HostSniRegexp => 11,
        Matcher::Path => 20,
        Matcher::PathPrefix => 21,
        Matcher::PathRegexp => 22,
        _ => 30,
    }
}

fn phrase(literal: &Literal<'_>) -> String {
    let first = &literal.term.arguments[0];
    match literal.term.matcher {
        Matcher::Host | Matcher::HostSni => format!("for host `{}`", first.to_ascii_lowercase()),
        Matcher::HostRegexp | Matcher::HostSniRegexp => format!("for a host that matches `{first}`"),
        Matcher::Path => format!("with path `{first}`"),
        Matcher::PathPrefix => format!("with a path that begins with `{first}`"),
        Matcher::PathRegexp => format!("with a path that matches `{first}`"),
        _ => format!("with {}", literal.term),
    }
}
