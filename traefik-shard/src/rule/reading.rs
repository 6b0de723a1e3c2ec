//! What a rule says in plain words: its hosts and paths, and what its author may have meant otherwise.
//!
//! A term under `!` names nothing, and neither does an alternative that contradicts itself.

use super::clauses::{self, Literal, Sign};
use super::terms::{HostForm, is_possible};
use super::{Matcher, Rule, Term};
use crate::finding::{Finding, Severity};

/// The hosts of the alternatives that can match.
pub(super) fn hosts(rule: &Rule) -> Vec<String> {
    let mut found = Vec::new();
    for host in arguments_of(rule, &[Matcher::Host, Matcher::HostSni]) {
        let canonical = host.to_ascii_lowercase();
        let canonical = canonical.strip_suffix('.').unwrap_or(&canonical).to_owned();
        if !found.contains(&canonical) {
            found.push(canonical);
        }
    }
    found
}

/// The first arguments of these matchers in the alternatives that can match, each once.
pub(super) fn arguments_of(rule: &Rule, matchers: &[Matcher]) -> Vec<String> {
    let literals = match clauses::of(rule) {
        Some(clauses) => clauses.into_iter().filter(is_possible).flatten().collect(),
        None => clauses::literals(rule),
    };
    let mut found: Vec<String> = Vec::new();
    for Literal { sign, term } in literals {
        let wanted = sign == Sign::Plain && matchers.contains(&term.matcher);
        if let Some(argument) = term.arguments.first().filter(|argument| wanted && !found.contains(argument)) {
            found.push(argument.clone());
        }
    }
    found
}

/// Oddities that Traefik takes without a word.
pub(super) fn warnings(rule: &Rule) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    let mut warn = |code: &str, message: String| {
        let finding = Finding::new(Severity::Warning, code, message);
        if !found.contains(&finding) {
            found.push(finding);
        }
    };
    for Literal { term, .. } in clauses::literals(rule) {
        for (code, message) in odd(term) {
            warn(code, message);
        }
    }
    if clauses::of(rule).is_some_and(|clauses| !clauses.iter().any(is_possible)) {
        warn("rule_never_matches", "the rule contradicts itself and never matches a request".into());
    }
    found
}

fn odd(term: &Term) -> Vec<(&'static str, String)> {
    let name = term.matcher.name();
    let mut found = Vec::new();
    for argument in &term.arguments {
        if argument.contains("{{") {
            found.push(("template_in_rule", format!("`{argument}` holds `{{{{`, which Traefik expands as a template")));
        }
    }
    let Some(first) = term.arguments.first() else { return found };
    match term.matcher {
        Matcher::Host | Matcher::HostSni => {
            if let Some(fault) = odd_host(first) {
                found.push(("odd_host", format!("{name}(`{first}`) never matches a request: {fault}")));
            }
        }
        Matcher::HostRegexp | Matcher::HostSniRegexp => {
            if has_old_template(first) {
                let message = format!(
                    "`{first}` is a template of Traefik 2; here it is a plain regular expression and does not match as meant; write {name}(`^[a-z]+\\.example\\.com$`) instead"
                );
                found.push(("v2_template", message));
            } else if first.bytes().any(|byte| byte.is_ascii_uppercase()) && !first.contains(['\\', '(', '[']) {
                found.push(("odd_host", format!("`{first}` has capitals, and hosts are compared in lower case")));
            }
        }
        Matcher::Path | Matcher::PathPrefix => {
            if has_old_template(first) {
                let message = format!(
                    "`{first}` is a template of Traefik 2; {name} compares text, so use PathRegexp with a regular expression"
                );
                found.push(("v2_template", message));
            } else if first.contains(['?', '#']) {
                found.push(("odd_path", format!("{name}(`{first}`) never matches: a path ends before `?` and `#`")));
            }
        }
        Matcher::PathRegexp if has_old_template(first) => {
            found.push((
                "v2_template",
                format!("`{first}` is a template of Traefik 2; here it is a plain regular expression"),
            ));
        }
        Matcher::Method if first.bytes().any(|byte| !byte.is_ascii_alphabetic() && byte != b'-') => {
            found.push(("odd_method", format!("`{first}` is no HTTP method")));
        }
        _ => {}
    }
    found
}

/// Why no request can have this host.
fn odd_host(host: &str) -> Option<&'static str> {
    let stars = match HostForm::of(host) {
        HostForm::Any => return None,
        HostForm::Under(suffix) => suffix.contains('*'),
        HostForm::Deep(_) => return Some("`**` is not known to Traefik 3.7; write `*.` for one level"),
        HostForm::Exact(_) => host.contains('*'),
    };
    if stars {
        return Some("`*` stands alone or as `*.` at the beginning; for more use HostRegexp");
    }
    if host.contains("://") {
        return Some("a host has no scheme");
    }
    if host.contains('/') {
        return Some("a host has no path; use PathPrefix");
    }
    if host.chars().any(|character| character.is_whitespace() || character.is_control()) {
        return Some("a host has no white space");
    }
    // More than one colon is an IPv6 address.
    if host.matches(':').count() == 1 {
        return Some("a host has no port; the entry point decides that");
    }
    (host.contains([',', '{', '}', '(', ')', '^', '$', '\\', '|', '+']))
        .then_some("it is no host name; use HostRegexp for patterns")
}

/// `{name}` or `{name:regex}`, as Traefik 2 wrote variables.
fn has_old_template(text: &str) -> bool {
    text.split('{').skip(1).any(|rest| {
        let name = rest.split(['}', ':']).next().unwrap_or_default();
        let variable = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        variable && rest.contains('}')
    }) && !text.contains("\\p{")
        && !text.contains("\\P{")
}
