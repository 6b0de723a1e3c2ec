//! A plain HTTP/1.1 client that keeps its connection.
//!
//! Invariant: nothing is retried.

use anyhow::Context as _;
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full};
use hyper::HeaderMap;
use hyper::Method;
use hyper::Uri;
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// One connection. Its task ends when it is dropped.
#[derive(Debug)]
pub struct Http {
    sender: SendRequest<Full<Bytes>>,
    defaults: HeaderMap,
}

/// A whole answer.
#[derive(Debug)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Http {
    /// Connects to `host:port`.
    ///
    /// # Errors
    /// Nobody listens there.
    pub async fn connect(host: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(host).await.with_context(|| format!("cannot connect to {host}"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        #[expect(clippy::disallowed_methods, reason = "ends when the sender is dropped")]
        tokio::spawn(async move { drop(connection.await) });
        let mut defaults = HeaderMap::new();
        defaults.insert(HOST, HeaderValue::try_from(host)?);
        defaults.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        defaults.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        Ok(Self { sender, defaults })
    }

    /// The headers that every request takes, with more.
    ///
    /// # Errors
    /// A value is not a header's.
    pub fn headers(&self, more: &[(&'static str, &str)]) -> anyhow::Result<HeaderMap> {
        let mut headers = self.defaults.clone();
        for (name, value) in more {
            headers.insert(HeaderName::from_static(name), HeaderValue::try_from(*value)?);
        }
        Ok(headers)
    }

    /// Sends a request and leaves the body to be read.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn open(
        &mut self,
        method: Method,
        path: &'static str,
        headers: HeaderMap,
        body: Bytes,
    ) -> anyhow::Result<hyper::Response<Incoming>> {
        let mut request = hyper::Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = Uri::from_static(path);
        *request.headers_mut() = headers;
        self.sender.ready().await?;
        Ok(self.sender.send_request(request).await?)
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn send(
        &mut self,
        method: Method,
        path: &'static str,
        headers: HeaderMap,
        body: Bytes,
    ) -> anyhow::Result<Response> {
        let (head, mut incoming) = self.open(method, path, headers, body).await?.into_parts();
        let mut body = BytesMut::new();
        let mut first = Bytes::new();
        while let Some(frame) = incoming.frame().await {
            let Ok(piece) = frame?.into_data() else { continue };
            if first.is_empty() && body.is_empty() && incoming.is_end_stream() {
                first = piece;
            } else {
                body.extend_from_slice(&piece);
            }
        }
        let body = if first.is_empty() { body.freeze() } else { first };
        Ok(Response { status: head.status.as_u16(), headers: head.headers, body })
    }

    /// Gets a page that answers with JSON.
    ///
    /// # Errors
    /// The connection broke, or the answer is no JSON.
    pub async fn json(&mut self, path: &'static str) -> anyhow::Result<Value> {
        let headers = self.headers(&[])?;
        let response = self.send(Method::GET, path, headers, Bytes::new()).await?;
        serde_json::from_slice(&response.body).with_context(|| format!("{path} answered {}", response.status))
    }
}

impl Response {
    /// The JSON-RPC response: the body, or the data of the last event in it.
    pub fn message(&self) -> Option<&[u8]> {
        let kind = self.headers.get(CONTENT_TYPE)?.as_bytes();
        if !kind.starts_with(b"text/event-stream") {
            return Some(&self.body);
        }
        let mut lines = self.body.rsplit(|byte| *byte == b'\n');
        lines.find_map(|line| line.strip_prefix(b"data:").filter(|data| !data.trim_ascii().is_empty()))
    }
}
