//! A message that goes no further, and how each door says so.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::door::body;
use crate::wire::{Chunks, Fault, code};

/// A JSON-RPC error that a door itself answers with, and the HTTP status where there is one.
#[derive(Debug, Clone)]
pub(crate) struct Refused {
    status: StatusCode,
    /// JSON text; `null` if the message's id could not be read.
    id: String,
    fault: Box<Fault>,
    way_out: Option<WayOut>,
}

/// What a client can do about it, as a header.
#[derive(Debug, Clone, Copy)]
enum WayOut {
    Retry,
    Allow(&'static str),
}

impl Refused {
    pub(crate) fn new(status: StatusCode, fault: Fault) -> Self {
        Self { status, id: "null".to_owned(), fault: Box::new(fault), way_out: None }
    }

    /// 400 and -32600.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Fault::new(code::INVALID_REQUEST, message))
    }

    /// 503: a bound of the door is reached. The message names the setting.
    pub(crate) fn busy(message: impl Into<String>) -> Self {
        Self {
            way_out: Some(WayOut::Retry),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, Fault::new(code::INTERNAL, message))
        }
    }

    /// 405 with the methods that there are.
    pub(crate) fn not_allowed(message: impl Into<String>, allow: &'static str) -> Self {
        Self {
            way_out: Some(WayOut::Allow(allow)),
            ..Self::new(StatusCode::METHOD_NOT_ALLOWED, Fault::new(code::INVALID_REQUEST, message))
        }
    }

    /// The same refusal for the request with this id, a JSON text.
    #[must_use]
    pub(crate) fn of(self, id: &str) -> Self {
        Self { id: id.to_owned(), ..self }
    }

    /// Whether a client knows by the id to which of its requests this is the answer.
    pub(crate) fn names_a_request(&self) -> bool {
        self.id != "null"
    }

    /// The HTTP status, and what a person reads.
    pub(crate) fn shown(&self) -> (StatusCode, &str) {
        (self.status, &self.fault.message)
    }

    /// The JSON-RPC message.
    pub(crate) fn message(&self) -> Chunks {
        self.fault.response(&self.id)
    }

    #[cfg(test)]
    pub(crate) fn told(&self) -> (u16, i64, &str, &str) {
        (self.status.as_u16(), self.fault.code, &self.id, &self.fault.message)
    }
}

/// 400.
impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self::new(StatusCode::BAD_REQUEST, fault)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = body::json(self.status, self.message());
        response.headers_mut().extend(self.way_out.map(|way_out| match way_out {
            WayOut::Retry => (header::RETRY_AFTER, HeaderValue::from_static("1")),
            WayOut::Allow(methods) => (header::ALLOW, HeaderValue::from_static(methods)),
        }));
        response
    }
}
