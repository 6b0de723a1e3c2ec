//! How two terms relate: can one request satisfy both, and does one imply the other.
//!
//! Conservative: what is not known counts as "both may hold" and "neither implies the other".

use super::arguments::network;
use super::clauses::{Clause, Literal, Sign};
use super::{Matcher, Term, pattern};

/// The hosts that `Host` and `HostSNI` stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum HostForm {
    Any,
    /// Lower case, without the dot at the end.
    Exact(String),
    /// One label and then this.
    Under(String),
    /// One label or more and then this; Traefik 3.7 does not know it, later ones do.
    Deep(String),
}

/// Whether the term holds for every request.
pub(super) fn is_universal(literal: &Literal<'_>) -> bool {
    literal.sign == Sign::Plain && matches_all(literal.term)
}

fn matches_all(term: &Term) -> bool {
    let Some(first) = term.arguments.first() else { return false };
    match term.matcher {
        Matcher::Host | Matcher::HostSni => first == "*",
        Matcher::PathPrefix => first == "/",
        Matcher::HostRegexp | Matcher::HostSniRegexp | Matcher::PathRegexp => {
            let bare = first.trim_start_matches('^').trim_end_matches('$');
            let bare = bare.strip_prefix('(').and_then(|bare| bare.strip_suffix(')')).unwrap_or(bare);
            matches!(bare, "" | ".*" | ".+" | "/" | "/.*")
                && (term.matcher == Matcher::PathRegexp || !bare.contains('/'))
        }
        _ => false,
    }
}

impl HostForm {
    pub(super) fn of(host: &str) -> Self {
        let host = host.to_ascii_lowercase();
        match (host.strip_prefix("**."), host.strip_prefix("*.")) {
            _ if host == "*" => Self::Any,
            (Some(suffix), _) => Self::Deep(suffix.to_owned()),
            (None, Some(suffix)) => Self::Under(suffix.to_owned()),
            (None, None) => Self::Exact(host.strip_suffix('.').unwrap_or(&host).to_owned()),
        }
    }

    fn includes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) => true,
            (_, Self::Any) | (Self::Exact(_) | Self::Under(_), Self::Deep(_)) | (Self::Exact(_), Self::Under(_)) => {
                false
            }
            (Self::Exact(one), Self::Exact(two)) | (Self::Under(one), Self::Under(two)) => one == two,
            (Self::Under(suffix), Self::Exact(host)) => {
                host.split_once('.').is_some_and(|(_, rest)| rest == suffix.as_str())
            }
            (Self::Deep(suffix), Self::Exact(host)) => is_below(host, suffix),
            (Self::Deep(suffix), Self::Under(other) | Self::Deep(other)) => other == suffix || is_below(other, suffix),
        }
    }

    /// Two forms are nested or apart; they never cross.
    fn is_apart_from(&self, other: &Self) -> bool {
        !self.includes(other) && !other.includes(self)
    }
}

fn is_below(host: &str, suffix: &str) -> bool {
    host.strip_suffix(suffix).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

/// False where the terms contradict each other, so that no request matches.
pub(super) fn is_possible(clause: &Clause<'_>) -> bool {
    let never = |literal: &Literal<'_>| literal.sign == Sign::Negated && matches_all(literal.term);
    !clause.iter().any(never) && may_hold_together(clause, clause)
}

/// Whether one request may satisfy both.
pub(super) fn may_hold_together(one: &Clause<'_>, two: &Clause<'_>) -> bool {
    !one.iter().any(|left| two.iter().any(|right| contradict(*left, *right)))
}

/// Whether whatever satisfies the first certainly satisfies the second.
pub(super) fn implies(one: &Clause<'_>, two: &Clause<'_>) -> bool {
    two.iter().all(|wanted| is_universal(wanted) || one.iter().any(|given| one_implies(*given, *wanted)))
}

fn contradict(one: Literal<'_>, two: Literal<'_>) -> bool {
    match (one.sign, two.sign) {
        (Sign::Plain, Sign::Plain) => are_apart(one.term, two.term),
        (Sign::Plain, Sign::Negated) => includes(two.term, one.term),
        (Sign::Negated, Sign::Plain) => includes(one.term, two.term),
        (Sign::Negated, Sign::Negated) => false,
    }
}

fn one_implies(given: Literal<'_>, wanted: Literal<'_>) -> bool {
    match (given.sign, wanted.sign) {
        (Sign::Plain, Sign::Plain) => includes(wanted.term, given.term),
        (Sign::Negated, Sign::Negated) => includes(given.term, wanted.term),
        (Sign::Plain, Sign::Negated) => are_apart(given.term, wanted.term),
        (Sign::Negated, Sign::Plain) => false,
    }
}

/// Whether the first certainly holds wherever the second does.
fn includes(wide: &Term, narrow: &Term) -> bool {
    use Matcher as M;

    if wide == narrow || matches_all(wide) {
        return true;
    }
    let (Some(outer), Some(inner)) = (wide.arguments.first(), narrow.arguments.first()) else { return false };
    match (wide.matcher, narrow.matcher) {
        (M::Host, M::Host) | (M::HostSni, M::HostSni) => HostForm::of(outer).includes(&HostForm::of(inner)),
        (M::HostRegexp, M::Host) | (M::HostSniRegexp, M::HostSni) => match HostForm::of(inner) {
            HostForm::Exact(host) => wide.matches(&host) == Some(true),
            _ => false,
        },
        (M::PathPrefix, M::Path | M::PathPrefix) => inner.starts_with(outer.as_str()),
        (M::PathRegexp, M::Path) => wide.matches(inner) == Some(true),
        (M::ClientIp, M::ClientIp) => match (network(outer), network(inner)) {
            (Some(outer), Some(inner)) => outer.contains(&inner),
            _ => false,
        },
        (M::Method, M::Method) => outer.eq_ignore_ascii_case(inner),
        (M::Header, M::Header) | (M::HeaderRegexp, M::HeaderRegexp) => {
            outer.eq_ignore_ascii_case(inner) && wide.arguments.get(1) == narrow.arguments.get(1)
        }
        _ => false,
    }
}

/// Whether no request satisfies both. A request may have several headers and query values, so
/// those never keep two rules apart.
fn are_apart(one: &Term, two: &Term) -> bool {
    use Matcher as M;

    let (Some(left), Some(right)) = (one.arguments.first(), two.arguments.first()) else { return false };
    match (one.matcher, two.matcher) {
        (M::Host, M::Host) | (M::HostSni, M::HostSni) => HostForm::of(left).is_apart_from(&HostForm::of(right)),
        (M::Host, M::HostRegexp) | (M::HostSni, M::HostSniRegexp) => host_is_apart(left, two),
        (M::HostRegexp, M::Host) | (M::HostSniRegexp, M::HostSni) => host_is_apart(right, one),
        (M::HostRegexp, M::HostRegexp) | (M::HostSniRegexp, M::HostSniRegexp) => {
            match (pattern::ending(left), pattern::ending(right)) {
                (Some(left), Some(right)) => !left.ends_with(&right) && !right.ends_with(&left),
                _ => false,
            }
        }
        (M::Path, M::Path) => left != right,
        (M::Path, M::PathPrefix) => !left.starts_with(right.as_str()),
        (M::PathPrefix, M::Path) => !right.starts_with(left.as_str()),
        (M::PathPrefix, M::PathPrefix) => are_crossing(left, right),
        (M::Path, M::PathRegexp) => two.matches(left) == Some(false),
        (M::PathRegexp, M::Path) => one.matches(right) == Some(false),
        (M::PathPrefix, M::PathRegexp) => pattern::beginning(right).is_some_and(|right| are_crossing(left, &right)),
        (M::PathRegexp, M::PathPrefix) => pattern::beginning(left).is_some_and(|left| are_crossing(&left, right)),
        (M::PathRegexp, M::PathRegexp) => match (pattern::beginning(left), pattern::beginning(right)) {
            (Some(left), Some(right)) => are_crossing(&left, &right),
            _ => false,
        },
        (M::Method, M::Method) => !left.eq_ignore_ascii_case(right),
        (M::ClientIp, M::ClientIp) => match (network(left), network(right)) {
            (Some(left), Some(right)) => !left.contains(&right) && !right.contains(&left),
            _ => false,
        },
        _ => false,
    }
}

fn host_is_apart(host: &str, wanted: &Term) -> bool {
    match HostForm::of(host) {
        HostForm::Any => false,
        HostForm::Exact(host) => wanted.matches(&host) == Some(false),
        HostForm::Under(suffix) | HostForm::Deep(suffix) => {
            wanted.arguments.first().and_then(|text| pattern::ending(text)).is_some_and(|ending| {
                let suffix = format!(".{suffix}");
                !ending.ends_with(&suffix) && !suffix.ends_with(&ending)
            })
        }
    }
}

/// Whether two beginnings exclude each other.
fn are_crossing(one: &str, two: &str) -> bool {
    !one.starts_with(two) && !two.starts_with(one)
}
