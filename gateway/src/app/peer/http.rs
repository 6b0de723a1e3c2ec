//! The HTTP client of the commands.
//!
//! Invariant: an answer is bounded, and nothing that was sent is sent again.

use std::error::Error;
use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response, StatusCode, Url};
use serde_json::Value;

use super::Address;
use super::argument_headers;
use super::events::{Events, LONGEST};
use super::message::{self, Heard, Question};
use crate::wire::{Raw, Revision, to_header};

/// A page of a gateway is not longer.
const PAGE: usize = 16 << 20;
const CONNECT: Duration = Duration::from_secs(10);
/// Whoever says nothing at all for so long is gone: a gateway gives a sign of life once a minute, and more often in a stream.
const SILENCE: Duration = Duration::from_secs(120);
/// Connections that are kept for the next request. Each keeps a buffer that may have grown to half a MiB.
const IDLE: usize = 16;

/// Headers of MCP.
pub(crate) const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");

/// A client for one gateway. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Http(Client);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// There is no connection, so nothing was sent.
    #[error("{0}")]
    Unsent(String),
    /// Nothing came, or it broke off.
    #[error("{0}")]
    Broken(String),
    /// Something else than what was asked for.
    #[error("it answers with HTTP status {0}")]
    Status(StatusCode),
    /// No message.
    #[error("it answers with something that is no MCP message: {0}")]
    Nonsense(String),
    /// More than is read.
    #[error("its answer is larger than {0} bytes")]
    Overlong(usize),
}

impl Http {
    /// A client that goes to `address`: on this machine past every proxy, and without the system's certificates if there
    /// is no TLS, since a small container may have none.
    pub(crate) fn new(address: &Address) -> reqwest::Result<Self> {
        // The error only says that a provider is there, and all parts install the same.
        let _already_there = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder().connect_timeout(CONNECT).redirect(Policy::none()).tcp_nodelay(true);
        if address.is_loopback() {
            builder = builder.no_proxy();
        }
        if address.is_plain() {
            builder = builder.tls_certs_only([]);
        }
        builder = builder.read_timeout(SILENCE).pool_max_idle_per_host(IDLE);
        builder = builder.user_agent(concat!("mcp-gateway/", env!("CARGO_PKG_VERSION")));
        Ok(Self(builder.build()?))
    }

    /// Reads a page. The caller sets the time limit.
    pub(crate) async fn get(&self, url: &Url) -> Result<Bytes, Fault> {
        let response = self.0.get(url.clone()).send().await.map_err(|error| broken(&error))?;
        if response.status() != StatusCode::OK {
            return Err(Fault::Status(response.status()));
        }
        whole(response, PAGE).await
    }

    /// Sends a message of MCP, or opens a stream, and gives the answer's head. The body is the caller's to read and to bound;
    /// dropped, it closes the connection.
    pub(crate) async fn send(
        &self,
        method: Method,
        endpoint: &Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response, Fault> {
        let mut request = self.0.request(method, endpoint.clone()).headers(headers);
        request = request.header(ACCEPT, "application/json, text/event-stream");
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        request.send().await.map_err(|error| broken(&error))
    }

    /// Asks the gateway, and tells `hear` of every notice that precedes the answer. Dropped before its end, it cancels the
    /// call there: the connection closes.
    pub(super) async fn ask(
        &self,
        endpoint: &Url,
        question: Question<'_>,
        hear: &mut (dyn FnMut(&str, &Value) + Send),
    ) -> Result<Heard, Fault> {
        let mut headers = modern_headers(Revision::MODERN.as_str(), question.method, question.name);
        let arguments = question.arguments.and_then(|arguments| Raw::parse(arguments.get().as_bytes()).ok());
        headers.extend(question.mirrored.map(|mirrored| argument_headers(mirrored, arguments)).unwrap_or_default());
        let response = self.send(Method::POST, endpoint, headers, question.text().into()).await?;
        if is_stream(&response) {
            return stream(response, hear).await;
        }
        let status = response.status();
        let body = whole(response, LONGEST).await?;
        // A refusal of the gateway is JSON-RPC whatever its status; what a proxy says is not.
        message::read(&body)
            .map_err(|why| if status.is_success() { Fault::Nonsense(why) } else { Fault::Status(status) })
    }
}

async fn stream(mut response: Response, hear: &mut (dyn FnMut(&str, &Value) + Send)) -> Result<Heard, Fault> {
    let mut events = Events::default();
    while let Some(piece) = response.chunk().await.map_err(|error| broken(&error))? {
        if !events.feed(&piece) {
            return Err(Fault::Overlong(LONGEST));
        }
        while let Some(event) = events.next() {
            match message::read(&event).map_err(Fault::Nonsense)? {
                Heard::Notice { method, params } => hear(&method, &params),
                answer => return Ok(answer),
            }
        }
    }
    Err(Fault::Broken("the connection ended before the answer; the call may have run".to_owned()))
}

/// Whether it answers with events.
pub(crate) fn is_stream(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.starts_with("text/event-stream")
}

/// What a modern request repeats of its body. A text that no header can carry is left out, and the other side says so.
pub(crate) fn modern_headers(revision: &str, method: &str, name: Option<&str>) -> HeaderMap {
    let fields = [
        (PROTOCOL_VERSION, Some(revision.to_owned())),
        (METHOD, Some(method.to_owned())),
        (NAME, name.map(|name| to_header(name).into_owned())),
    ];
    let valid = |(name, value): (HeaderName, Option<String>)| Some((name, HeaderValue::try_from(value?).ok()?));
    fields.into_iter().filter_map(valid).collect()
}

async fn whole(mut response: Response, limit: usize) -> Result<Bytes, Fault> {
    let mut body = BytesMut::new();
    while let Some(piece) = response.chunk().await.map_err(|error| broken(&error))? {
        if body.len() + piece.len() > limit {
            return Err(Fault::Overlong(limit));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.freeze())
}

/// I/O errors hide the error that they were made from among their causes, and one may hold another.
fn innermost<'e>(mut error: &'e (dyn Error + 'static)) -> &'e (dyn Error + 'static) {
    while let Some(hidden) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        error = hidden;
    }
    error
}

/// The first cause is the one that tells something; the layers above repeat the URL.
pub(crate) fn broken(error: &reqwest::Error) -> Fault {
    let mut cause = error.source();
    let mut text = error.to_string();
    let broken = if error.is_connect() { Fault::Unsent } else { Fault::Broken };
    while let Some(inner) = cause {
        if let Some(rustls::Error::InvalidMessage(_)) = innermost(inner).downcast_ref() {
            return broken("it does not speak TLS; an address of it begins with `http://`".to_owned());
        }
        text = inner.to_string();
        cause = inner.source();
    }
    broken(text)
}
