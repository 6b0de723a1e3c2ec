//! What the door reads of HTTP headers.
//!
//! Invariant: a header that decides anything is read only if it stands once, since a proxy on the way may have read the
//! other one.

use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, StatusCode};

use crate::door::refusal::Refused;
use crate::wire::{Fault, Revision, code};

pub(super) const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
pub(super) const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
pub(super) const METHOD: HeaderName = HeaderName::from_static("mcp-method");
pub(super) const NAME: HeaderName = HeaderName::from_static("mcp-name");

/// Which forms of an answer the client takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::door) enum Accept {
    Json,
    Events,
    Both,
}

impl Accept {
    /// Every client must accept both forms, and several send no `Accept`, or `*/*`: only what excludes both is refused.
    pub(in crate::door) fn read(headers: &HeaderMap) -> Result<Self, Refused> {
        let (mut json, mut events, mut any) = (false, false, false);
        for value in headers.get_all(ACCEPT) {
            for range in value.to_str().unwrap_or_default().split(',') {
                any = true;
                let (kind, parameters) = range.split_once(';').unwrap_or((range, ""));
                if !excludes(parameters) {
                    let is = |known: &[&str]| known.iter().any(|known| kind.trim().eq_ignore_ascii_case(known));
                    json |= is(&["*/*", "application/*", "application/json"]);
                    events |= is(&["*/*", "text/*", "text/event-stream"]);
                }
            }
        }
        match (json, events) {
            (true, true) => Ok(Self::Both),
            (true, false) => Ok(Self::Json),
            (false, true) => Ok(Self::Events),
            (false, false) if !any => Ok(Self::Both),
            (false, false) => Err(Refused::new(
                StatusCode::NOT_ACCEPTABLE,
                Fault::new(code::INVALID_REQUEST, "send `Accept: application/json, text/event-stream`"),
            )),
        }
    }
}

/// Whether the parameters of a media range hold a weight of zero.
fn excludes(parameters: &str) -> bool {
    parameters
        .split(';')
        .filter_map(|parameter| parameter.trim().strip_prefix("q="))
        .any(|weight| weight.parse() == Ok(0.0))
}

/// Refuses bodies that do not say that they are JSON: a form on any web page can send those without asking first.
pub(in crate::door) fn check_content_type(headers: &HeaderMap) -> Result<(), Refused> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let suffix = kind.len().checked_sub(5).and_then(|start| kind.get(start..));
    let is_json = kind.eq_ignore_ascii_case("application/json")
        || suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case("+json"));
    if is_json {
        return Ok(());
    }
    let fault = Fault::new(code::INVALID_REQUEST, "send `Content-Type: application/json`");
    Err(Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, fault))
}

/// The value of a header, without space around it.
pub(super) fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, Refused> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Refused::invalid(format!("the header `{name}` must not stand more than once")));
    }
    match value.to_str() {
        Ok(value) => Ok(Some(value.trim())),
        Err(_) => Err(Refused::invalid(format!("the header `{name}` must hold visible ASCII only"))),
    }
}

/// 405 for a GET or DELETE of a client whose revision has neither.
pub(super) fn check_has_sessions(headers: &HeaderMap, version: Option<&str>) -> Result<(), Refused> {
    match version {
        Some(version) if version >= Revision::MODERN.as_str() && !headers.contains_key(SESSION_ID) => {
            Err(Refused::not_allowed(format!("revision {version} has no sessions: send a POST"), "POST, OPTIONS"))
        }
        _ => Ok(()),
    }
}

/// 400 for a revision that nobody knows.
pub(super) fn unknown_version(version: &str) -> Refused {
    let known: Vec<_> = Revision::ALL.iter().map(|revision| revision.as_str()).collect();
    Refused::invalid(format!("unknown `MCP-Protocol-Version` `{version}`; known are {}", known.join(", ")))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_an_accept_that_excludes_both_forms_is_refused() {
        let check = |values: &[&'static str], expected: Option<Accept>| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(ACCEPT, HeaderValue::from_static(value));
            }
            assert_eq!(Accept::read(&headers).ok(), expected, "{values:?}");
        };
        check(&[], Some(Accept::Both));
        check(&["*/*"], Some(Accept::Both));
        check(&["application/json, text/event-stream"], Some(Accept::Both));
        check(&["application/json", "Text/Event-Stream;q=0.5"], Some(Accept::Both));
        check(&["application/*;q=0.1"], Some(Accept::Json));
        check(&["application/json, text/event-stream;q=0"], Some(Accept::Json));
        check(&["text/event-stream"], Some(Accept::Events));
        check(&["text/html,application/xhtml+xml,*/*;q=0.8"], Some(Accept::Both));
        check(&["text/html"], None);
        check(&["*/*; q=0.0"], None);
    }

    #[test]
    fn only_bodies_that_say_they_are_json_are_read() {
        let check = |value: Option<&'static str>, expected| {
            let mut headers = HeaderMap::new();
            headers.extend(value.map(|value| (CONTENT_TYPE, HeaderValue::from_static(value))));
            assert_eq!(check_content_type(&headers).is_ok(), expected, "{value:?}");
        };
        check(Some("application/json"), true);
        check(Some("Application/JSON; charset=utf-8"), true);
        check(Some("application/vnd.mcp+json"), true);
        check(Some("text/plain"), false);
        check(Some("text/plain; application/json"), false);
        check(Some("application/x-www-form-urlencoded"), false);
        check(None, false);
    }
}
