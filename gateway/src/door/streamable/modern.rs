//! Requests of the modern era: stateless, with headers that repeat the body.
//!
//! Invariant: a request acts only if its headers say what its body says, so that a proxy that decided by the headers
//! decided on what then happens (2026-07-28, basic/transports/streamable-http, "Server Validation").

use axum::http::{HeaderMap, HeaderName, StatusCode};

use super::Next;
use super::headers::{self, Accept};
use super::mirrored;
use super::reply::{Form, Standing};
use crate::door::refusal::Refused;
use crate::door::session::passing_key;
use crate::mux::{Mux, Principal, unsupported};
use crate::wire::{Fault, Meta, Notification, Params, Raw, Request, Revision, code, from_header};

/// Serves one request; nothing of its client is kept.
pub(super) async fn request(
    mux: &Mux,
    headers: &HeaderMap,
    version: Option<&str>,
    request: &Request<'_>,
    params: &Params<'_>,
    accept: Accept,
) -> Result<Next, Refused> {
    check_era(request, &params.meta)?;
    check_version(version, &params.meta)?;
    let client = mux.modern_client(passing_key(), Principal::Passing, params)?;
    check_names(headers, request, params)?;
    if request.method == "tools/call" {
        mirrored::check(mux, headers, params).await?;
    }
    let form = form(accept, &params.meta);
    Ok(Next::of(mux.dispatch(&client, request, params).await, form, Standing::Passing))
}

/// Nothing can precede the answer of a request that asks for neither progress nor logs. JSON then, because clients cap
/// the size of an event but not that of a body.
fn form(accept: Accept, meta: &Meta<'_>) -> Form {
    match Form::of(accept) {
        Form::Either if meta.progress_token.is_none() && meta.log_level.is_none() => Form::Json,
        form => form,
    }
}

/// A missing `_meta` key is the mux's to refuse, since every door must.
fn check_version(header: Option<&str>, meta: &Meta<'_>) -> Result<(), Refused> {
    let Some(body) = meta.protocol_version.and_then(Raw::string) else { return Ok(()) };
    match header {
        Some(header) if header == body => Ok(()),
        header => Err(mismatch(&headers::PROTOCOL_VERSION, header, &body)),
    }
}

/// The handshake of the older revisions is refused with words that lead its sender out.
fn check_era(request: &Request<'_>, meta: &Meta<'_>) -> Result<(), Refused> {
    if request.method != "initialize" || meta.protocol_version.is_some() {
        return Ok(());
    }
    let (name, modern) = (headers::PROTOCOL_VERSION, Revision::MODERN.as_str());
    Err(fault(format!(
        "header mismatch: `{name}` says {modern}, which has no `initialize`; send that without the header"
    )))
}

/// A notification acts on nothing here, but one that nobody can place, or that its headers call another, is not accepted.
pub(super) fn check_notification(
    headers: &HeaderMap,
    version: Option<&str>,
    notification: &Notification<'_>,
    meta: &Meta<'_>,
) -> Result<(), Refused> {
    check_version(version, meta)?;
    let said = meta.protocol_version.and_then(Raw::string);
    if let Some(other) = said.as_deref().or(version).filter(|version| *version != Revision::MODERN.as_str()) {
        return Err(unsupported(other).into());
    }
    match one(headers, &headers::METHOD)? {
        Some(method) if method != notification.method => {
            Err(mismatch(&headers::METHOD, Some(method), &notification.method))
        }
        _ => Ok(()),
    }
}

/// A client of this revision answers what it is asked by another request.
pub(super) fn no_responses() -> Refused {
    let modern = Revision::MODERN.as_str();
    Refused::invalid(format!(
        "revision {modern} has no responses of clients: make the request again with `inputResponses`"
    ))
}

fn check_names(headers: &HeaderMap, request: &Request<'_>, params: &Params<'_>) -> Result<(), Refused> {
    let method = one(headers, &headers::METHOD)?;
    if method != Some(&*request.method) {
        return Err(mismatch(&headers::METHOD, method, &request.method));
    }
    let name = match &*request.method {
        "tools/call" | "prompts/get" => params.name,
        "resources/read" => params.uri,
        "tasks/get" | "tasks/update" | "tasks/cancel" => params.task_id,
        _ => return Ok(()),
    };
    let header = one(headers, &headers::NAME)?;
    let decoded = match header.map(from_header) {
        None => None,
        Some(Some(decoded)) => Some(decoded),
        Some(None) => return Err(fault("the header `Mcp-Name` holds bad base64".to_owned())),
    };
    match (decoded, name.and_then(Raw::string)) {
        (Some(header), Some(body)) if header == body => Ok(()),
        // Parameters without a name are refused for that, whatever the headers say.
        (None, None) => Ok(()),
        (header, body) => Err(mismatch(&headers::NAME, header.as_deref(), &body.unwrap_or_default())),
    }
}

pub(super) fn one<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, Refused> {
    headers::single(headers, name).map_err(|_| fault(format!("the header `{name}` must stand once, in visible ASCII")))
}

fn mismatch(name: &HeaderName, header: Option<&str>, body: &str) -> Refused {
    fault(match header {
        Some(header) => format!("header mismatch: `{name}` is `{header}`, the body says `{body}`"),
        None => format!("header mismatch: `{name}` is missing, the body says `{body}`"),
    })
}

fn fault(message: String) -> Refused {
    Refused::new(StatusCode::BAD_REQUEST, Fault::new(code::HEADER_MISMATCH, message))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;
    use crate::door::incoming;
    use crate::wire::Message;

    type Fields<'a> = &'a [(&'static str, &'a str)];

    fn check(method: &str, params: &str, fields: Fields<'_>) -> Result<(), (u16, i64, String)> {
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
        let Ok(Message::Request(request)) = incoming::message(incoming::parse(text.as_bytes()).unwrap()) else {
            panic!()
        };
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let params = incoming::params(&request).unwrap();
        check_names(&headers, &request, &params).map_err(|refused| {
            let (status, code, _, message) = refused.told();
            (status, code, message.to_owned())
        })
    }

    #[test]
    fn headers_that_say_what_the_body_says_pass() {
        let cases: [(&str, &str, Fields<'_>); 8] = [
            ("tools/list", "{}", &[("mcp-method", "tools/list")]),
            ("tools/list", "{}", &[("mcp-method", " \ttools/list "), ("mcp-name", "whatever")]),
            ("tools/call", r#"{"name":"a__b"}"#, &[("mcp-method", "tools/call"), ("mcp-name", " a__b ")]),
            ("tools/call", r#"{"n\u0061me":"\u0061"}"#, &[("mcp-method", "tools/call"), ("mcp-name", "a")]),
            ("prompts/get", r#"{"name":"a"}"#, &[("mcp-method", "prompts/get"), ("mcp-name", "=?base64?YQ==?=")]),
            (
                "resources/read",
                r#"{"uri":"x:é"}"#,
                &[("mcp-method", "resources/read"), ("mcp-name", "=?base64?eDrDqQ==?=")],
            ),
            ("resources/read", r#"{"uri":"x:1","name":"b"}"#, &[("mcp-method", "resources/read"), ("mcp-name", "x:1")]),
            ("tools/call", "{}", &[("mcp-method", "tools/call")]),
        ];
        for (method, params, fields) in cases {
            assert_eq!(check(method, params, fields), Ok(()), "{method} {params} {fields:?}");
        }
    }

    #[test]
    fn headers_that_differ_from_the_body_are_refused() {
        let call = r#"{"name":"a"}"#;
        let cases: [(&str, Fields<'_>); 11] = [
            (call, &[]),
            (call, &[("mcp-name", "a")]),
            (call, &[("mcp-method", "tools/list"), ("mcp-name", "a")]),
            (call, &[("mcp-method", "Tools/Call"), ("mcp-name", "a")]),
            (call, &[("mcp-method", "tools/call")]),
            (call, &[("mcp-method", "tools/call"), ("mcp-name", "A")]),
            (call, &[("mcp-method", "tools/call"), ("mcp-name", "=?base64?YQ?=")]),
            (call, &[("mcp-method", "tools/call"), ("mcp-name", "=?base64?YR==?=")]),
            (call, &[("mcp-method", "tools/call"), ("mcp-name", "=?BASE64?YQ==?=")]),
            (call, &[("mcp-method", "tools/call"), ("mcp-name", "a"), ("mcp-name", "a")]),
            ("{}", &[("mcp-method", "tools/call"), ("mcp-name", "a")]),
        ];
        for (params, fields) in cases {
            let (status, code, message) = check("tools/call", params, fields).unwrap_err();
            assert_eq!((status, code), (400, code::HEADER_MISMATCH), "{params} {fields:?} {message}");
        }
        let (_, _, message) =
            check("tools/call", call, &[("mcp-method", "tools/call"), ("mcp-name", "b")]).unwrap_err();
        assert_eq!(message, "header mismatch: `mcp-name` is `b`, the body says `a`");
    }

    #[test]
    fn the_version_header_must_be_there_and_equal() {
        let text = br#"{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}"#;
        let meta = Params::read(Some(Raw::parse(text).unwrap())).unwrap().meta;
        assert!(check_version(Some("2026-07-28"), &meta).is_ok());
        for header in [None, Some("2025-11-25"), Some("2026-07-28 x")] {
            let refused = check_version(header, &meta).unwrap_err();
            assert_eq!((refused.told().0, refused.told().1), (400, code::HEADER_MISMATCH), "{header:?}");
        }
        assert!(check_version(Some("2026-07-28"), &Meta::default()).is_ok());
    }

    #[test]
    fn only_a_request_that_asks_for_notices_may_be_answered_with_events() {
        let meta = |text: &'static str| Params::read(Some(Raw::parse(text.as_bytes()).unwrap())).unwrap().meta;
        let quiet = meta("{}");
        let progress = meta(r#"{"_meta":{"progressToken":1}}"#);
        let logs = meta(r#"{"_meta":{"io.modelcontextprotocol/logLevel":"info"}}"#);
        assert_eq!(form(Accept::Both, &quiet), Form::Json);
        assert_eq!(form(Accept::Both, &progress), Form::Either);
        assert_eq!(form(Accept::Both, &logs), Form::Either);
        assert_eq!(form(Accept::Json, &progress), Form::Json);
        assert_eq!(form(Accept::Events, &quiet), Form::Events);
    }
}
