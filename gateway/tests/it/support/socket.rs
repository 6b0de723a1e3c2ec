//! HTTP as bytes: requests that no well-behaved client would send.

use bytes::Bytes;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Gateway, PATIENCE, Response};

/// A connection.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Socket {
    /// Connects.
    pub(crate) async fn open(gateway: &Gateway) -> Self {
        let stream = TcpStream::connect(gateway.host()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, read: Vec::new() }
    }

    /// Writes bytes as they are.
    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads one answer, which must say its length or have no body.
    pub(crate) async fn response(&mut self) -> Response {
        let head = loop {
            match self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                Some(end) => break self.take(end + 4),
                None => assert!(self.more().await, "the connection ended in {:?}", String::from_utf8_lossy(&self.read)),
            }
        };
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in lines.map(|line| line.split_once(':').unwrap()) {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_str(value.trim()).unwrap());
        }
        assert!(!headers.contains_key("transfer-encoding"), "{headers:?}");
        let length = headers.get("content-length").map_or(0, |length| length.to_str().unwrap().parse().unwrap());
        while self.read.len() < length {
            assert!(self.more().await, "the connection ended in the body");
        }
        Response { status, headers, body: Bytes::from(self.take(length)) }
    }

    /// Waits until the gateway has closed its end, and whether nothing came before that.
    pub(crate) async fn closes(&mut self) -> bool {
        while self.more().await {}
        self.read.is_empty()
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        self.read.drain(..length).collect()
    }

    /// False at the end; a connection that was reset has ended too.
    async fn more(&mut self) -> bool {
        let reading = self.stream.read_buf(&mut self.read);
        timeout(PATIENCE, reading).await.expect("the gateway goes on").unwrap_or(0) > 0
    }
}
