//! What stands behind Traefik: small HTTP servers in the test's own process, and ports where nobody listens.
//!
//! Invariant: a backend ends when it is dropped, and its port is its own until then.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use rustix::net::{AddressFamily, SocketType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A server that answers each request with its own name, the method and the path.
pub(crate) struct Backend {
    port: u16,
    status: Arc<AtomicU16>,
    _tasks: JoinSet<()>,
}

impl Backend {
    /// Starts it on a free port.
    pub(crate) async fn start(name: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let status = Arc::new(AtomicU16::new(200));
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, name.to_owned(), Arc::clone(&status)));
        Self { port, status, _tasks: tasks }
    }

    /// `http://127.0.0.1:PORT`, as a route's backend is written.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Answers with this status from now on.
    pub(crate) fn answer_with(&self, status: u16) {
        self.status.store(status, Ordering::Relaxed);
    }
}

async fn serve(listener: TcpListener, name: String, status: Arc<AtomicU16>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        while connections.try_join_next().is_some() {}
        connections.spawn(answer(stream, name.clone(), Arc::clone(&status)));
    }
}

/// One request, one answer, and the end.
async fn answer(mut stream: TcpStream, name: String, status: Arc<AtomicU16>) {
    let mut head = Vec::new();
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        if !matches!(stream.read_buf(&mut head).await, Ok(1..)) {
            return;
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let asked = head.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
    let body = format!("{name} {asked}");
    let status = status.load(Ordering::Relaxed);
    let length = body.len();
    let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
    // A client that has gone needs no answer.
    drop(stream.write_all(answer.as_bytes()).await);
    drop(stream.shutdown().await);
}

/// A port that is taken and refuses every connection.
pub(crate) struct Closed {
    port: u16,
    _socket: OwnedFd,
}

impl Closed {
    /// Takes a free port.
    pub(crate) fn new() -> Self {
        let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        rustix::net::bind(&socket, &SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let bound: SocketAddr = rustix::net::getsockname(&socket).unwrap().try_into().unwrap();
        Self { port: bound.port(), _socket: socket }
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}
