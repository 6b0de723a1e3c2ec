//! The problems of a request, collected so that one refusal names them all.
//!
//! A value is shown as the caller gave it, but cut short and without control characters.

use serde::Serialize;

use super::{Request, RouteSettings};
use crate::cut::cut;
use crate::failure::{Code, Failure};
use crate::rule::MAX_PRIORITY;
use crate::settings::LONGEST_WAIT;

/// Longer values are cut where they are shown.
const SHOWN: usize = 80;
/// No value of a request is longer.
pub(super) const MAX_TEXT: usize = 2048;
/// No list of a request is longer.
pub(super) const MAX_LIST: usize = 64;

/// One field that cannot be used.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Problem {
    field: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    fault: String,
    hint: String,
}

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    /// A field with its value, the fault and the way out.
    pub(super) fn add(&mut self, field: &str, value: &str, fault: impl Into<String>, hint: impl Into<String>) {
        self.push(field, Some(shown(value)), fault.into(), hint.into());
    }

    /// A field whose value is missing, or says nothing by itself.
    pub(super) fn about(&mut self, field: &str, fault: impl Into<String>, hint: impl Into<String>) {
        self.push(field, None, fault.into(), hint.into());
    }

    fn push(&mut self, field: &str, value: Option<String>, fault: String, hint: String) {
        self.0.push(Problem { field: field.to_owned(), value, fault, hint });
    }

    /// Refuses if anything was found.
    pub(super) fn none(self) -> Result<(), Failure> {
        if self.0.is_empty() { Ok(()) } else { Err(self.into_failure()) }
    }

    /// One refusal that names all of them.
    pub(super) fn into_failure(self) -> Failure {
        let sentences: Vec<String> = self.0.iter().map(Problem::sentence).collect();
        let mut hints: Vec<&str> = self.0.iter().map(|problem| problem.hint.as_str()).collect();
        hints.dedup();
        Failure::new(Code::InvalidInput, sentences.join("; "), hints.join("; ")).with("problems", &self.0)
    }
}

impl Problem {
    fn sentence(&self) -> String {
        match &self.value {
            Some(value) => format!("{} `{value}`: {}", self.field, self.fault),
            None => format!("{}: {}", self.field, self.fault),
        }
    }
}

/// Cut short, and without what could disturb a terminal.
pub(super) fn shown(value: &str) -> String {
    let text: String = cut(value, SHOWN).chars().flat_map(char::escape_debug).collect();
    text.replace("\\'", "'").replace("\\\"", "\"")
}

/// What may be shown of something like a URL: no user, no password, no query.
pub(super) fn without_secrets(given: &str) -> String {
    let (before, after) = given.rsplit_once('@').unwrap_or(("", given));
    let after = after.split(['?', '#']).next().unwrap_or_default();
    match before.split_once("://") {
        Some((scheme, _)) => format!("{scheme}://***@{after}"),
        None if given.contains('@') => format!("***@{after}"),
        None => after.to_owned(),
    }
}

/// Why a text must not reach a configuration file: control characters, backticks and template markers.
pub(super) fn unsafe_text(text: &str) -> Option<&'static str> {
    if text.contains('`') { Some("a backtick would end the string in the rule") } else { unsafe_rule(text) }
}

/// As `unsafe_text`, for a rule, which needs its backticks.
pub(super) fn unsafe_rule(text: &str) -> Option<&'static str> {
    if text.chars().count() > MAX_TEXT {
        Some("longer than any real one")
    } else if text.contains("{{") || text.contains("}}") {
        Some("`{{` begins a template, which Traefik would run")
    } else if text.chars().any(|character| character.is_control() || is_invisible(character)) {
        Some("control and invisible characters are not allowed")
    } else {
        None
    }
}

fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// The fields that need nothing but themselves.
pub(super) fn plain_fields(request: &Request, settings: &RouteSettings<'_>, problems: &mut Problems) {
    if !is_route_name(&request.name) {
        let hint = "use lower-case letters, digits and `-` (not at either end), at most 63 characters";
        problems.add("name", &request.name, "no name for a route", hint);
    } else if is_ambiguous(&format!("{}{}", settings.name_prefix, request.name)) {
        problems.add("name", &request.name, "YAML reads it as a number or a date", "begin it with a letter");
    }
    if let Some(priority) = request.priority.filter(|&priority| priority > MAX_PRIORITY) {
        let hint = format!("use at most {MAX_PRIORITY}; Traefik keeps the ones above for itself");
        problems.add("priority", &priority.to_string(), "too high", hint);
    }
    if let Some(seconds) = request.wait_seconds.filter(|seconds| !(1..=LONGEST_WAIT).contains(seconds)) {
        problems.add("wait_seconds", &seconds.to_string(), "out of range", format!("use 1 to {LONGEST_WAIT}"));
    }
    if let Some(hash) = request.if_match.as_deref()
        && (hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
    {
        problems.add("if_match", hash, "no SHA-256", "give the 64 hexadecimal digits of `sha256` in an earlier answer");
    }
    references("middlewares", &request.middlewares, problems);
    references("entry_points", &request.entry_points, problems);
    tls(request, problems);
    health_check(request, problems);
}

/// `^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`
fn is_route_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=63).contains(&name.len())
        && name.bytes().all(|byte| plain(byte) || byte == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}

fn tls(request: &Request, problems: &mut Problems) {
    let Some(tls) = &request.tls else { return };
    let given = tls.cert_resolver.is_some() || tls.options.is_some() || !tls.domains.is_empty();
    if tls.enabled == Some(false) && (given || request.redirect_https) {
        let hint = "leave `enabled` out, or leave the rest of tls and redirect_https out";
        problems.about("tls.enabled", "TLS is turned off but asked for", hint);
    }
    references("tls.cert_resolver", tls.cert_resolver.as_slice(), problems);
    references("tls.options", tls.options.as_slice(), problems);
    if let Some(resolver) = tls.cert_resolver.as_deref().filter(|resolver| resolver.contains('@')) {
        let hint = "write the name alone: resolvers are in the static configuration and have no provider";
        problems.add("tls.cert_resolver", resolver, "no name of a resolver", hint);
    }
    if tls.domains.len() > MAX_LIST || tls.domains.iter().any(|domain| domain.sans.len() > MAX_LIST) {
        problems.about("tls.domains", "too many names", format!("give at most {MAX_LIST}"));
        return;
    }
    for name in tls.domains.iter().flat_map(|domain| std::iter::once(&domain.main).chain(&domain.sans)) {
        if let Err((fault, hint)) = super::hosts::normal(name) {
            problems.add("tls.domains", name, fault, hint);
        }
    }
}

fn health_check(request: &Request, problems: &mut Problems) {
    let Some(check) = &request.health_check else { return };
    let field = "health_check.path";
    if let Some(fault) = unsafe_text(&check.path) {
        problems.add(field, &check.path, fault, "give a plain path such as /health");
    } else if !check.path.starts_with('/') || check.path.contains([' ', '#']) {
        problems.add(field, &check.path, "no path", "begin it with `/`, as in /health, without spaces");
    }
    let durations = [("health_check.interval", &check.interval), ("health_check.timeout", &check.timeout)];
    for (field, text) in durations.into_iter().filter_map(|(field, text)| Some((field, text.as_deref()?))) {
        match milliseconds(text) {
            Some(100..=86_400_000) => {}
            Some(_) => problems.add(field, text, "out of range", "use 100ms to 24h"),
            None => problems.add(field, text, "no duration", "write a number and ms, s, m or h, such as 10s"),
        }
    }
}

/// A duration as Go writes it, such as `1m30s`; only the units that make sense here, whole numbers.
fn milliseconds(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut total = 0_u64;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|digit: char| digit.is_ascii_digit()).len();
        let (number, after) = rest.split_at(digits);
        let unit = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)].into_iter();
        let (length, factor) =
            unit.filter(|(name, _)| after.starts_with(name)).map(|(name, factor)| (name.len(), factor)).next()?;
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(factor)?)?;
        rest = &after[length..];
    }
    (!text.is_empty()).then_some(total)
}

/// Names of what others define, with a provider after `@` or without.
fn references(field: &str, names: &[String], problems: &mut Problems) {
    if names.len() > MAX_LIST {
        problems.about(field, "too many names", format!("give at most {MAX_LIST}"));
        return;
    }
    for (position, name) in names.iter().enumerate() {
        let hint = "give the name as Traefik's dashboard shows it, such as auth@file";
        if let Some(fault) = unsafe_text(name) {
            problems.add(field, name, fault, hint);
        } else if name.is_empty() || name.contains(|odd: char| odd.is_whitespace() || ",\"'{}[]".contains(odd)) {
            problems.add(field, name, "no name", hint);
        } else if name.matches('@').count() > 1 || name.starts_with('@') || name.ends_with('@') {
            problems.add(field, name, "the provider stands after one `@`", hint);
        } else if is_ambiguous(name) {
            problems.add(field, name, "YAML reads it as a number or a date", "rename it in Traefik");
        } else if names[..position].contains(name) {
            problems.add(field, name, "given twice", "name each once");
        }
    }
}

/// Whether Go's YAML may read the plain word as something else than our writer does: `1_000`, `2001-01-01`.
/// Whole numbers are no danger, because they are written with quotes.
fn is_ambiguous(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first))
        && word.bytes().all(|byte| byte.is_ascii_hexdigit() || b"_-+.:xotzTZ".contains(&byte))
        && !word.bytes().all(|byte| byte.is_ascii_digit())
}
