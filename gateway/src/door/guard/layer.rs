//! The guard in front of every path, and what a browser needs to read an answer across origins (CORS).
//!
//! Invariant: the sharing headers are set only for an origin that the guard has let in.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::warn;

use super::{Guard, Refusal};
use crate::door::page;
use crate::door::refusal::Refused;
use crate::wire::{Fault, code};

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, DELETE, OPTIONS");
/// Two hours, the longest that browsers keep it.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

/// Refuses foreign hosts and origins with 403, and headers that name none or several with 400; answers `OPTIONS`, and lets allowed pages read the answers.
pub async fn check_and_share(State(guard): State<Arc<Guard>>, request: Request<Body>, next: Next) -> Response {
    if let Err(refusal) = guard.check_request(request.uri(), request.headers()) {
        warn!(error = %refusal, "request refused");
        let status = match refusal {
            // RFC 9112, 3.2: a request without exactly one good `Host` is a bad request.
            Refusal::NoHost | Refusal::Unreadable(_) => StatusCode::BAD_REQUEST,
            Refusal::Host(_) | Refusal::Origin(_) => StatusCode::FORBIDDEN,
        };
        let refused = Refused::new(status, Fault::new(code::INVALID_REQUEST, refusal.to_string()));
        let is_person = page::is_wanted(request.headers());
        return if is_person { page::turned_away(&refused) } else { refused.into_response() };
    }
    let origin = request.headers().get(header::ORIGIN).cloned();
    let mut response =
        if request.method() == Method::OPTIONS { preflight(request.headers()) } else { next.run(request).await };
    if let Some(origin) = origin {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Mcp-Session-Id"));
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
    }
    response
}

fn preflight(asked: &HeaderMap) -> Response {
    let mut response = (StatusCode::NO_CONTENT, [(header::ALLOW, METHODS)]).into_response();
    if asked.contains_key(header::ORIGIN) {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        // The names of `Mcp-Param-*` headers are the shards' business, so whatever an allowed page asks for is granted.
        if let Some(names) = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
        }
    }
    response
}
