//! The HTTP client of the commands.
//!
//! Invariant: an answer is bounded, and nothing that was sent is sent again.

use std::error::Error;
use std::io;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::{Bytes, BytesMut};
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};
use serde_json::Value;

use super::Address;
use super::events::{Events, LONGEST};
use super::message::{self, Heard, Question};
use crate::wire::Revision;

/// A page of a gateway is not longer.
const PAGE: usize = 16 << 20;
const CONNECT: Duration = Duration::from_secs(10);

/// A client for one gateway. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Http(Client);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
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

    /// Asks the gateway, and tells `hear` of every notice that precedes the answer. Dropped before its end, it cancels the
    /// call there: the connection closes.
    pub(super) async fn ask(
        &self,
        endpoint: &Url,
        question: Question<'_>,
        hear: &mut (dyn FnMut(&str, &Value) + Send),
    ) -> Result<Heard, Fault> {
        let mut request = self.0.post(endpoint.clone()).header(CONTENT_TYPE, "application/json");
        request = request.header(ACCEPT, "application/json, text/event-stream");
        request =
            request.header("mcp-protocol-version", Revision::MODERN.as_str()).header("mcp-method", question.method);
        if let Some(name) = question.name {
            request = request.header("mcp-name", header_text(name));
        }
        let response = request.body(question.text()).send().await.map_err(|error| broken(&error))?;
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.starts_with("text/event-stream") {
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

/// A name as a header can carry it: as it is, or as base64 where it is not plain.
fn header_text(name: &str) -> String {
    let is_plain = name.bytes().all(|byte| byte.is_ascii_graphic()) && !name.starts_with("=?base64?");
    if is_plain { name.to_owned() } else { format!("=?base64?{}?=", BASE64.encode(name)) }
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
fn broken(error: &reqwest::Error) -> Fault {
    let mut cause = error.source();
    let mut text = error.to_string();
    while let Some(inner) = cause {
        if let Some(rustls::Error::InvalidMessage(_)) = innermost(inner).downcast_ref() {
            return Fault::Broken("it does not speak TLS; an address of it begins with `http://`".to_owned());
        }
        text = inner.to_string();
        cause = inner.source();
    }
    Fault::Broken(text)
}
