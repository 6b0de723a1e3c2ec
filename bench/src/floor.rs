//! The floor: what any HTTP server in front of an answer costs. It has the router, the connection settings and the
//! body handling of the gateway's door, parses nothing, and answers every request with the same bytes.
//!
//! Invariant: it answers with the status, the headers and the bytes that the gateway gave for the same request.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _, stdout};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Response, header};
use axum::routing::{any, get};
use bytes::{Bytes, BytesMut};
use clap::Args;
use gateway::app::threads;
use http_body_util::BodyExt as _;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt as _, stdin};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::cli::{Verdict, beside};

/// What the floor serves.
#[derive(Debug, Args)]
pub struct Options {
    /// The file that holds every answer.
    #[arg(long, value_name = "FILE")]
    pub answer: PathBuf,
    /// How many threads serve; by default as many as the gateway takes.
    #[arg(long, value_name = "COUNT", default_value_t = threads::half())]
    pub workers: usize,
}

/// Serves until stdin ends; the first line on stdout is the address.
///
/// # Errors
/// The answer cannot be read, or there is no address to listen at.
pub fn run(options: &Options) -> anyhow::Result<Verdict> {
    let answer = fs::read(&options.answer).with_context(|| format!("no answer in `{}`", options.answer.display()))?;
    let runtime = threads::runtime(options.workers)?;
    runtime.block_on(async {
        tokio::select! {
            served = serve(answer.into()) => served,
            _ = async { stdin().read(&mut [0]).await } => Ok(()),
        }
    })?;
    runtime.shutdown_background();
    Ok(Verdict::Pass)
}

async fn serve(answer: Bytes) -> anyhow::Result<()> {
    let router = Router::new().route("/", get(welcome)).route("/mcp", any(answered)).with_state(answer);
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    writeln!(stdout(), "{}", listener.local_addr()?)?;
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await?;
        connections.spawn(connection(stream, router.clone()));
    }
}

/// As the gateway's door sets it.
async fn connection(stream: TcpStream, router: Router) {
    if stream.set_nodelay(true).is_ok() {
        let mut server = http1::Builder::new();
        server.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(120)).max_buf_size(64 * 1024);
        // A generator that has seen enough hangs up; that is no fault.
        let _ = server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)).await;
    }
}

async fn welcome() -> &'static str {
    "This is the floor.\n"
}

async fn answered(State(answer): State<Bytes>, request: Request) -> Response<Body> {
    let mut body = request.into_body();
    let mut whole = BytesMut::new();
    while let Some(Ok(frame)) = body.frame().await {
        if let Ok(piece) = frame.into_data() {
            whole.extend_from_slice(&piece);
        }
    }
    let mut response = Response::new(Body::from(answer));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A floor in a process of its own, which is killed when this is dropped.
#[derive(Debug)]
pub struct Floor {
    child: Child,
    host: String,
    _answer: NamedTempFile,
}

impl Floor {
    /// Starts a floor that gives that answer, and returns when it listens.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(answer: &[u8]) -> anyhow::Result<Self> {
        let mut file = NamedTempFile::with_prefix("bench-")?;
        file.write_all(answer)?;
        let mut command = Command::new(beside("bench")?);
        command.args(["floor", "--answer"]).arg(file.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("cannot start the floor")?;
        let mut host = String::new();
        BufReader::new(child.stdout.take().context("stdout is a pipe")?).read_line(&mut host)?;
        Ok(Self { child, host: host.trim().to_owned(), _answer: file })
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        // Both fail only if it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
