//! The floor: what any HTTP server in front of an answer costs. It has the router, the connection settings and the
//! body handling of the gateway's door, parses nothing, and answers every request with the same bytes, or with what a shard
//! behind it says: a bare relay.
//!
//! Invariant: from memory it answers with the status, the headers and the bytes that the gateway gave for the same request.

mod relay;

use std::ffi::OsStr;
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

use self::relay::Relay;
use crate::cli::{Verdict, beside};

/// What the floor serves.
#[derive(Debug, Args)]
pub struct Options {
    /// The file that holds every answer.
    #[arg(long, value_name = "FILE", required_unless_present = "pad")]
    pub answer: Option<PathBuf>,
    /// Let an echo shard answer instead, whose results carry so many bytes.
    #[arg(long, value_name = "BYTES", conflicts_with = "answer")]
    pub pad: Option<usize>,
    /// How many threads serve; by default as many as the gateway takes.
    #[arg(long, value_name = "COUNT", default_value_t = threads::half())]
    pub workers: usize,
}

/// Serves until stdin ends; the first line on stdout is the address.
///
/// # Errors
/// The answer cannot be read, or there is no address to listen at.
pub fn run(options: &Options) -> anyhow::Result<Verdict> {
    let runtime = threads::runtime(options.workers)?;
    runtime.block_on(async {
        let source = Source::new(options)?;
        tokio::select! {
            served = serve(source) => served,
            _ = async { stdin().read(&mut [0]).await } => Ok(()),
        }
    })?;
    runtime.shutdown_background();
    Ok(Verdict::Pass)
}

/// Where the answers come from.
#[derive(Clone)]
enum Source {
    Memory(Bytes),
    Shard(Relay),
}

impl Source {
    fn new(options: &Options) -> anyhow::Result<Self> {
        match &options.answer {
            Some(path) => {
                let answer = fs::read(path).with_context(|| format!("no answer in `{}`", path.display()))?;
                Ok(Self::Memory(answer.into()))
            }
            None => Ok(Self::Shard(Relay::start(options.pad.unwrap_or_default())?)),
        }
    }
}

async fn serve(source: Source) -> anyhow::Result<()> {
    let router = Router::new().route("/", get(welcome)).route("/mcp", any(answered)).with_state(source);
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

async fn answered(State(source): State<Source>, request: Request) -> Response<Body> {
    let mut body = request.into_body();
    let mut whole = BytesMut::new();
    while let Some(Ok(frame)) = body.frame().await {
        if let Ok(piece) = frame.into_data() {
            whole.extend_from_slice(&piece);
        }
    }
    let answer = match source {
        Source::Memory(answer) => answer,
        // The generator counts an empty answer as a fault.
        Source::Shard(relay) => relay.ask(whole.freeze()).await.unwrap_or_default(),
    };
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
    _answer: Option<NamedTempFile>,
}

impl Floor {
    /// Starts a floor that gives that answer, and returns when it listens.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(answer: &[u8]) -> anyhow::Result<Self> {
        let mut file = NamedTempFile::with_prefix("bench-")?;
        file.write_all(answer)?;
        let path = file.path().to_owned();
        Self::spawn(["--answer".as_ref(), path.as_os_str()], Some(file))
    }

    /// Starts a floor with an echo shard behind it, whose results carry `pad` bytes, and returns when it listens.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn relaying(pad: usize) -> anyhow::Result<Self> {
        Self::spawn(["--pad".as_ref(), pad.to_string().as_ref()], None)
    }

    fn spawn(arguments: [&OsStr; 2], answer: Option<NamedTempFile>) -> anyhow::Result<Self> {
        let mut command = Command::new(beside("bench")?);
        command.arg("floor").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("cannot start the floor")?;
        let mut host = String::new();
        BufReader::new(child.stdout.take().context("stdout is a pipe")?).read_line(&mut host)?;
        Ok(Self { child, host: host.trim().to_owned(), _answer: answer })
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
