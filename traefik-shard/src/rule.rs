//! The rules of Traefik's routers: parsed, checked, and read for what they match.
//!
//! A rule is what Traefik 3 takes: an expression in Go's syntax whose calls are matchers. `parse`
//! agrees with it on what is a rule, whatever the rule's text; nothing here does IO.

mod arguments;
mod clauses;
mod compiled;
mod grammar;
mod lex;
mod overlap;
mod pattern;
mod reading;
mod terms;
#[cfg(test)]
mod tests;

use std::fmt;

use self::compiled::Compiled;
pub(crate) use self::overlap::{Overlap, overlap, witness};
pub(crate) use self::pattern::check as check_expression;
use crate::finding::Finding;

/// The largest priority that a router may be given; Traefik keeps those above for itself.
pub(crate) const MAX_PRIORITY: i64 = i64::MAX - 1000;

/// Whose matchers a rule may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http,
    Tcp,
}

/// A function that a rule may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Matcher {
    Host,
    HostRegexp,
    Path,
    PathPrefix,
    PathRegexp,
    Method,
    ClientIp,
    Header,
    HeaderRegexp,
    Query,
    QueryRegexp,
    HostSni,
    HostSniRegexp,
    Alpn,
}

/// One call of a matcher.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Term {
    pub(crate) matcher: Matcher,
    pub(crate) arguments: Vec<String>,
    compiled: Compiled,
}

/// The tree of a rule. `All` and `Any` have two members or more; a member is of the same kind only
/// where the rule has parentheses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expression {
    Term(Term),
    Not(Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
}

/// A rule that Traefik takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) protocol: Protocol,
    pub(crate) expression: Expression,
}

/// Why Traefik refuses a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {message}")]
pub(crate) struct RuleError {
    /// The fault and the way out.
    pub(crate) message: String,
    /// In characters from the beginning of the rule, counted from 1.
    pub(crate) column: usize,
}

/// Reads a rule in the syntax of Traefik 3, the only one that is known here (`ruleSyntax: v2` is another).
pub(crate) fn parse(text: &str, protocol: Protocol) -> Result<Rule, RuleError> {
    Ok(Rule { protocol, expression: grammar::parse(text, protocol)? })
}

/// The priority that Traefik gives to a router without one.
pub(crate) fn default_priority(text: &str, protocol: Protocol) -> i64 {
    if protocol == Protocol::Tcp
        && let Ok(rule) = parse(text, protocol)
        && rule.is_tcp_fallback()
    {
        return -1;
    }
    i64::try_from(text.len()).unwrap_or(MAX_PRIORITY)
}

impl Rule {
    /// The hosts that requests may have, lower case, wildcards such as `*.example.com` included.
    /// Empty: none is named. A rule may match other hosts too, as `Host(..) || Path(..)` does.
    pub(crate) fn hosts(&self) -> Vec<String> {
        reading::hosts(self)
    }

    /// The regular expressions that hosts are matched with.
    pub(crate) fn host_patterns(&self) -> Vec<String> {
        reading::arguments_of(self, &[Matcher::HostRegexp, Matcher::HostSniRegexp])
    }

    /// The exact paths.
    pub(crate) fn paths(&self) -> Vec<String> {
        reading::arguments_of(self, &[Matcher::Path])
    }

    /// The beginnings of paths; Traefik compares characters, not segments.
    pub(crate) fn path_prefixes(&self) -> Vec<String> {
        reading::arguments_of(self, &[Matcher::PathPrefix])
    }

    /// What Traefik takes but hardly as it was meant, without a place.
    pub(crate) fn warnings(&self) -> Vec<Finding> {
        reading::warnings(self)
    }

    /// Whether the rule matches every request, as a page for lost visitors does.
    pub(crate) fn is_catch_all(&self) -> bool {
        clauses::of(self).is_some_and(|clauses| clauses.iter().any(|clause| clause.iter().all(terms::is_universal)))
    }

    /// Whether Traefik disables a router that has this rule and no TLS: the first server name decides.
    pub(crate) fn needs_tls(&self) -> bool {
        let literals = clauses::literals(self);
        let mut names = literals.iter().filter(|literal| literal.term.matcher == Matcher::HostSni);
        let first = names.find(|literal| literal.sign == clauses::Sign::Plain);
        first.is_some_and(|literal| literal.term.arguments != ["*"])
    }

    /// Traefik asks the lone `HostSNI` of everything last, negated or not.
    fn is_tcp_fallback(&self) -> bool {
        let mut expression = &self.expression;
        while let Expression::Not(inner) = expression {
            expression = inner;
        }
        matches!(expression, Expression::Term(Term { matcher: Matcher::HostSni, arguments, .. }) if arguments == &["*"])
    }
}

impl Term {
    /// A call that nobody has checked yet.
    fn new(matcher: Matcher, arguments: Vec<String>) -> Self {
        Self { matcher, arguments, compiled: Compiled::default() }
    }

    /// Whether its first argument, an expression, matches the text; `None` where we cannot tell.
    fn matches(&self, text: &str) -> Option<bool> {
        self.compiled.matches(self.arguments.first()?, text)
    }
}

impl Matcher {
    pub(crate) const ALL: [Self; 14] = [
        Self::Host,
        Self::HostRegexp,
        Self::Path,
        Self::PathPrefix,
        Self::PathRegexp,
        Self::Method,
        Self::ClientIp,
        Self::Header,
        Self::HeaderRegexp,
        Self::Query,
        Self::QueryRegexp,
        Self::HostSni,
        Self::HostSniRegexp,
        Self::Alpn,
    ];

    /// As the documentation writes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Host => "Host",
            Self::HostRegexp => "HostRegexp",
            Self::Path => "Path",
            Self::PathPrefix => "PathPrefix",
            Self::PathRegexp => "PathRegexp",
            Self::Method => "Method",
            Self::ClientIp => "ClientIP",
            Self::Header => "Header",
            Self::HeaderRegexp => "HeaderRegexp",
            Self::Query => "Query",
            Self::QueryRegexp => "QueryRegexp",
            Self::HostSni => "HostSNI",
            Self::HostSniRegexp => "HostSNIRegexp",
            Self::Alpn => "ALPN",
        }
    }

    /// Whether a router of the protocol may call it.
    pub(crate) fn is_of(self, protocol: Protocol) -> bool {
        match self {
            Self::ClientIp => true,
            Self::HostSni | Self::HostSniRegexp | Self::Alpn => protocol == Protocol::Tcp,
            _ => protocol == Protocol::Http,
        }
    }

    /// How many arguments it may have.
    fn arity(self) -> &'static [usize] {
        match self {
            Self::Header | Self::HeaderRegexp => &[2],
            Self::Query | Self::QueryRegexp => &[1, 2],
            _ => &[1],
        }
    }
}

/// The rule as Traefik reads it back, in plain form.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expression.fmt(f)
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Term(term) => term.fmt(f),
            Self::Not(inner) => match **inner {
                Self::Term(_) | Self::Not(_) => write!(f, "!{inner}"),
                Self::All(_) | Self::Any(_) => write!(f, "!({inner})"),
            },
            Self::All(members) => joined(f, members, " && ", |member| matches!(member, Self::All(_) | Self::Any(_))),
            Self::Any(members) => joined(f, members, " || ", |member| matches!(member, Self::Any(_))),
        }
    }
}

fn joined(
    f: &mut fmt::Formatter<'_>,
    members: &[Expression],
    operator: &str,
    in_parentheses: impl Fn(&Expression) -> bool,
) -> fmt::Result {
    for (position, member) in members.iter().enumerate() {
        if position > 0 {
            f.write_str(operator)?;
        }
        if in_parentheses(member) { write!(f, "({member})")? } else { write!(f, "{member}")? }
    }
    Ok(())
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.matcher.name())?;
        for (position, argument) in self.arguments.iter().enumerate() {
            if position > 0 {
                f.write_str(", ")?;
            }
            // A raw string holds everything but these two.
            if argument.contains(['`', '\r']) { quoted(f, argument)? } else { write!(f, "`{argument}`")? }
        }
        f.write_str(")")
    }
}

fn quoted(f: &mut fmt::Formatter<'_>, argument: &str) -> fmt::Result {
    f.write_str("\"")?;
    for character in argument.chars() {
        match character {
            '"' | '\\' => write!(f, "\\{character}")?,
            control if control.is_control() => write!(f, "\\u{:04x}", u32::from(control))?,
            other => write!(f, "{other}")?,
        }
    }
    f.write_str("\"")
}
