//! A small HTTP server for unit tests, which can also misbehave.
//!
//! It serves one request per connection and ends with the value that owns it.

use std::sync::{Arc, Mutex};

use clap::Parser as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::Api;
use crate::settings::Settings;

/// What the server does with one request.
pub(crate) enum Act {
    /// Sends the bytes and closes.
    Send(Vec<u8>),
    /// Sends the bytes and then filler without end.
    Flood(Vec<u8>),
    /// Says nothing and keeps the connection.
    Hang,
}

/// An answer with a right length.
pub(crate) fn answer(status: &str, content_type: &str, body: &str) -> Act {
    let length = body.len();
    Act::Send(format!("HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}").into())
}

/// A good JSON answer.
pub(crate) fn json(body: &str) -> Act {
    answer("200 OK", "application/json", body)
}

/// What Traefik answers for a path that it does not have.
pub(crate) fn not_found() -> Act {
    answer("404 Not Found", "text/plain; charset=utf-8", "404 page not found\n")
}

/// The version of a Traefik.
pub(crate) const VERSION: &str = r#"{"Version":"3.7.15","Codename":"test","startDate":"2026-01-01T00:00:00Z"}"#;

/// The server; it ends when it is dropped.
pub(crate) struct Fake {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<String>>>,
    _server: JoinSet<()>,
}

impl Fake {
    /// Serves on a free loopback port; `act` gets the request's head.
    pub(crate) async fn start(act: impl Fn(&str) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (act, heads) = (Arc::new(act), seen.clone());
        let mut server = JoinSet::new();
        server.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                open.spawn(serve(stream, act.clone(), heads.clone()));
            }
        });
        Self { url, seen, _server: server }
    }

    /// The heads of all requests so far.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    /// A client of this server at `/api`, with more flags.
    pub(crate) fn api(&self, flags: &[&str]) -> Api {
        Api::new(&settings(&format!("{}/api", self.url), flags)).unwrap()
    }
}

/// Settings with that API and more flags.
pub(crate) fn settings(api_url: &str, flags: &[&str]) -> Settings {
    Settings::parse_from(["traefik-shard", "--api-url", api_url].iter().chain(flags))
}

async fn serve(mut stream: TcpStream, act: Arc<impl Fn(&str) -> Act>, seen: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let act = act(&head);
    seen.lock().unwrap().push(head);
    match act {
        Act::Send(bytes) => {
            stream.write_all(&bytes).await.ok();
            stream.shutdown().await.ok();
        }
        Act::Flood(bytes) => {
            let mut sent = stream.write_all(&bytes).await;
            while sent.is_ok() {
                sent = stream.write_all(&[b' '; 4096]).await;
            }
        }
        Act::Hang => std::future::pending().await,
    }
}
