//! What the door reads of HTTP headers.
//!
//! Invariant: a header that decides anything is read only if it stands once, since a proxy on the way may have read the
//! other one.

use std::cmp::Reverse;

use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, StatusCode};

use crate::door::refusal::Refused;
use crate::wire::{Fault, Revision, code};

pub(super) const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
pub(in crate::door) const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
pub(super) const METHOD: HeaderName = HeaderName::from_static("mcp-method");
pub(super) const NAME: HeaderName = HeaderName::from_static("mcp-name");

/// Which forms of an answer the client takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::door) enum Accept {
    Json,
    /// It takes nothing else, or would rather have these.
    Events,
    /// It takes what comes.
    Both,
}

/// How much a client wants one form: its weight, and of equal ones that which it names first.
type Wish = (f32, Reverse<usize>);

impl Accept {
    /// Every client must accept both forms, and several send no `Accept`, or `*/*`: only what excludes both is refused.
    pub(in crate::door) fn read(headers: &HeaderMap) -> Result<Self, Refused> {
        let ranges = headers.get_all(ACCEPT).iter().flat_map(|value| value.to_str().unwrap_or_default().split(','));
        let (mut json, mut events, mut any) = (None::<Wish>, None::<Wish>, false);
        for (place, range) in ranges.enumerate() {
            any = true;
            let (kind, parameters) = range.split_once(';').unwrap_or((range, ""));
            let wish = Some((weight(parameters), Reverse(place))).filter(|(weight, _)| *weight > 0.0);
            let is = |known: &[&str]| known.iter().any(|known| kind.trim().eq_ignore_ascii_case(known));
            if is(&["*/*", "application/*", "application/json"]) && wish > json {
                json = wish;
            }
            if is(&["*/*", "text/*", "text/event-stream"]) && wish > events {
                events = wish;
            }
        }
        match (json, events) {
            (None, None) if !any => Ok(Self::Both),
            (None, None) => Err(Refused::new(
                StatusCode::NOT_ACCEPTABLE,
                Fault::new(code::INVALID_REQUEST, "send `Accept: application/json, text/event-stream`"),
            )),
            (_, None) => Ok(Self::Json),
            _ if events > json => Ok(Self::Events),
            _ => Ok(Self::Both),
        }
    }
}

/// The weight of a media range: 1 unless its parameters say something else.
fn weight(parameters: &str) -> f32 {
    let mut weights = parameters.split(';').filter_map(|parameter| parameter.trim().strip_prefix("q="));
    weights.next().and_then(|weight| weight.parse().ok()).unwrap_or(1.0)
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
pub(in crate::door) fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, Refused> {
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
    fn an_accept_is_refused_only_if_it_excludes_both_forms_and_has_events_if_it_wants_them_more() {
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
        check(&["text/event-stream, application/json"], Some(Accept::Events));
        check(&["text/event-stream", "*/*"], Some(Accept::Events));
        check(&["application/json;q=0.9, text/event-stream"], Some(Accept::Events));
        check(&["text/event-stream;q=0.9, application/json"], Some(Accept::Both));
        check(&["*/*, text/event-stream;q=0.5"], Some(Accept::Both));
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
