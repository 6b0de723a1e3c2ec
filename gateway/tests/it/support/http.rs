//! A plain HTTP/1.1 client that sends exactly what it is told.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// One connection. Its task ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Http {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: hyper::HeaderMap,
    pub(crate) body: Bytes,
}

impl Http {
    /// Connects to `host:port`.
    pub(crate) async fn connect(host: &str) -> Self {
        let stream = TcpStream::connect(host).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        #[expect(clippy::disallowed_methods, reason = "ends when the sender is dropped")]
        tokio::spawn(async move { drop(connection.await) });
        Self { sender, host: host.to_owned() }
    }

    /// Sends a request and leaves the body to be read. A header in `headers` takes the place of the default one.
    pub(crate) async fn open(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> hyper::Response<Incoming> {
        let mut request = hyper::Request::builder().method(method).uri(path);
        let defaults = [
            ("host", &*self.host),
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
        ];
        for (name, value) in defaults {
            if !headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
                request = request.header(name, value);
            }
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.sender.ready().await.unwrap();
        self.sender.send_request(request.body(Full::new(body.into())).unwrap()).await.unwrap()
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Response {
        Response::of(self.open(method, path, headers, body).await).await
    }
}

impl Response {
    /// Reads the rest of an answer.
    pub(crate) async fn of(response: hyper::Response<Incoming>) -> Self {
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Self { status: head.status.as_u16(), headers: head.headers, body }
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The JSON-RPC messages of the answer, in order: one for JSON, one per event for SSE.
    pub(crate) fn messages(&self) -> Vec<Value> {
        let content_type = self.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let text = self.text();
        if content_type.starts_with("text/event-stream") {
            let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
            return data
                .filter(|data| !data.trim().is_empty())
                .map(|data| serde_json::from_str(data).unwrap())
                .collect();
        }
        vec![serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text:?}"))]
    }

    /// The last message: the response itself.
    pub(crate) fn answer(&self) -> Value {
        self.messages().pop().unwrap_or_else(|| panic!("no message in {self:?}"))
    }

    /// The error's code, if the answer is an error.
    pub(crate) fn code(&self) -> Option<i64> {
        self.answer()["error"]["code"].as_i64()
    }
}
