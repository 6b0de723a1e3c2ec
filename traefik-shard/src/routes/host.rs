//! Which rules may match a request for one host.
//!
//! The answer is never a false no: what does not depend on the host may always match.

use regex::Regex;

use crate::rule::{Expression, Matcher, Rule, Term};

/// What an expression may come to for some request to the host.
#[derive(Clone, Copy)]
struct Can {
    be_true: bool,
    be_false: bool,
}

const EITHER: Can = Can { be_true: true, be_false: true };

/// Whether some request for `host`, which is lower case, matches the rule.
pub(super) fn may_answer(rule: &Rule, host: &str) -> bool {
    outcome(&rule.expression, host).be_true
}

fn outcome(expression: &Expression, host: &str) -> Can {
    match expression {
        Expression::Term(term) => of_term(term, host),
        Expression::Not(inner) => {
            let inner = outcome(inner, host);
            Can { be_true: inner.be_false, be_false: inner.be_true }
        }
        Expression::All(members) => members.iter().map(|member| outcome(member, host)).fold(
            Can { be_true: true, be_false: false },
            |all, one| Can { be_true: all.be_true && one.be_true, be_false: all.be_false || one.be_false },
        ),
        Expression::Any(members) => members.iter().map(|member| outcome(member, host)).fold(
            Can { be_true: false, be_false: true },
            |all, one| Can { be_true: all.be_true || one.be_true, be_false: all.be_false && one.be_false },
        ),
    }
}

fn of_term(term: &Term, host: &str) -> Can {
    let Some(argument) = term.arguments.first() else { return EITHER };
    let matches = match term.matcher {
        Matcher::Host | Matcher::HostSni => is_host(&argument.to_lowercase(), host),
        Matcher::HostRegexp | Matcher::HostSniRegexp => match Regex::new(argument) {
            Ok(pattern) => pattern.is_match(host),
            Err(_) => return EITHER,
        },
        _ => return EITHER,
    };
    Can { be_true: matches, be_false: !matches }
}

fn is_host(named: &str, host: &str) -> bool {
    match named.strip_prefix("*.") {
        // A wildcard stands for exactly one label.
        Some(domain) => host.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest == domain),
        None => named == "*" || named.trim_end_matches('.') == host,
    }
}
