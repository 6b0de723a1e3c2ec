//! A web server whose every answer the test decides.
//!
//! Invariant: it answers on loopback only, and dropping it closes its port and its connections.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What it says to a request for a path.
#[derive(Clone)]
pub(super) enum Answer {
    /// Content type, body and perhaps an ETag.
    File(&'static str, Vec<u8>, Option<String>),
    Redirect(String),
    Status(u16),
    /// Headers of a page, and then nothing more.
    Hang,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) path: String,
    pub(super) if_none_match: Option<String>,
}

#[derive(Default)]
struct State {
    answers: BTreeMap<String, Answer>,
    asked: Vec<Asked>,
}

/// The server.
pub(super) struct Server {
    url: String,
    state: Arc<Mutex<State>>,
    _tasks: JoinSet<()>,
}

impl Server {
    /// Serves these paths, each relative to `/traefik/`; everything else is 404.
    pub(super) async fn start(answers: BTreeMap<String, Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/traefik/", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State { answers, asked: Vec::new() }));
        let mut tasks = JoinSet::new();
        let shared = Arc::clone(&state);
        tasks.spawn(async move {
            let mut open = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let state = Arc::clone(&shared);
                open.spawn(async move { serve(stream, &state).await });
            }
        });
        Self { url, state, _tasks: tasks }
    }

    /// Its address, with `/traefik/` at the end.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Changes one answer.
    pub(super) fn answer(&self, path: &str, answer: Answer) {
        self.state.lock().unwrap().answers.insert(path.to_owned(), answer);
    }

    /// All requests for that path so far.
    pub(super) fn asked(&self, path: &str) -> Vec<Asked> {
        let state = self.state.lock().unwrap();
        state.asked.iter().filter(|asked| asked.path == path).cloned().collect()
    }
}

/// Answers one request; the connection ends with it.
async fn serve(mut stream: TcpStream, state: &Mutex<State>) {
    let mut lines = BufReader::new(&mut stream).lines();
    let mut asked = Asked { path: String::new(), if_none_match: None };
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some(rest) = line.strip_prefix("GET /traefik/") {
            asked.path = rest.split(' ').next().unwrap().to_owned();
        } else if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("if-none-match")
        {
            asked.if_none_match = Some(value.trim().to_owned());
        } else if line.is_empty() {
            break;
        }
    }
    let answer = {
        let mut state = state.lock().unwrap();
        state.asked.push(asked.clone());
        state.answers.get(&asked.path).cloned().unwrap_or(Answer::Status(404))
    };
    let (head, body) = match answer {
        Answer::File(_, _, Some(etag)) if asked.if_none_match.as_deref() == Some(etag.as_str()) => {
            (format!("304 Not Modified\r\netag: {etag}\r\ncontent-length: 0"), Vec::new())
        }
        Answer::File(kind, body, etag) => {
            let etag = etag.map(|etag| format!("\r\netag: {etag}")).unwrap_or_default();
            (format!("200 OK\r\ncontent-type: {kind}{etag}\r\ncontent-length: {}", body.len()), body)
        }
        Answer::Redirect(to) => (format!("302 Found\r\nlocation: {to}\r\ncontent-length: 0"), Vec::new()),
        Answer::Status(status) => {
            (format!("{status} Status\r\ncontent-type: text/html\r\ncontent-length: 0"), Vec::new())
        }
        Answer::Hang => ("200 OK\r\ncontent-type: text/html\r\ncontent-length: 9".to_owned(), Vec::new()),
    };
    let hangs = head.ends_with("length: 9") && body.is_empty();
    // The client may have gone, for example from a page that is too large.
    let _ = stream.write_all(format!("HTTP/1.1 {head}\r\nconnection: close\r\n\r\n").as_bytes()).await;
    let _ = stream.write_all(&body).await;
    if hangs {
        std::future::pending::<()>().await;
    }
}
