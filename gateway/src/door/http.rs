//! The HTTP server: its settings, its paths and its connections.
//!
//! Invariant: every connection is a task of [`Tasks`], holds a place in the bound on connections, and ends with the
//! gateway. It is hyper's connection builder rather than `axum::serve`, which spawns by itself and has no timeouts.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OwnedSemaphorePermit;
use tracing::{debug, warn};

use crate::door::budget::Budget;
use crate::door::clients::Place;
use crate::door::guard::{Guard, check_and_share};
use crate::door::health;
use crate::door::page;
use crate::door::refusal::Refused;
use crate::door::session::Sessions;
use crate::door::socket::Socket;
use crate::door::sse;
use crate::door::streamable::{self, Door};
use crate::mux::Mux;
use crate::tasks::Tasks;
use crate::wire::{Fault, code};

/// What one connection may buffer of a request. Heads over it are refused with 431, at the latest at twice the size,
/// because hyper looks after a read.
const BUFFER: usize = 64 * 1024;

/// All that the HTTP door can be told.
#[derive(Debug)]
pub struct HttpSettings {
    /// Who may come in.
    pub guard: Guard,
    /// Where clients find the gateway; a `url` only if it has a public one.
    pub place: Place,
    /// Who has been here.
    pub sessions: Sessions,
    /// How much.
    pub limits: Limits,
    /// How long.
    pub times: Times,
}

/// Bounds; each error that one raises names its flag.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of one request body (`--max-body`).
    pub body: usize,
    /// Bytes of all request bodies that are being read (`--max-body-memory`).
    pub body_bytes: usize,
    /// POSTs under way, waiting calls included (`--max-requests`).
    pub requests: usize,
    /// Open GET streams, those of HTTP+SSE included (`--max-streams`).
    pub streams: usize,
    /// Open GET streams of one session.
    pub streams_per_session: usize,
    /// Connections (`--max-connections`).
    pub connections: usize,
    /// Bytes of events that clients whose connections broke may ask for again (`--max-replay-memory`).
    pub replay: usize,
}

/// Time limits.
#[derive(Debug, Clone)]
pub struct Times {
    /// For a connection without a whole request head, idle ones included. Longer than proxies keep idle connections,
    /// so that they never send a request into one that closes.
    pub head: Duration,
    /// Between two pieces of a body.
    pub body: Duration,
    /// For a whole body: a client that sends a byte now and then must not hold its memory for ever.
    pub whole_body: Duration,
    /// Until a client that does not read is given up.
    pub stall: Duration,
    /// Until an answer that has to be JSON sends its headers.
    pub json_headers: Duration,
    /// Until a silent answer becomes a stream.
    pub silence: Duration,
    /// Between two signs of life.
    pub comment: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            body: 16 * MIB,
            body_bytes: 256 * MIB,
            requests: 1024,
            streams: 1024,
            streams_per_session: 4,
            connections: 4096,
            replay: 64 * MIB,
        }
    }
}

impl Default for Times {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            head: seconds(120),
            body: seconds(30),
            whole_body: seconds(300),
            stall: seconds(60),
            json_headers: seconds(25),
            silence: seconds(60),
            comment: seconds(15),
        }
    }
}

impl HttpSettings {
    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        let sessions = Sessions::new(&crate::door::Key::random(), Duration::from_secs(86_400));
        let place = Place { program: "mcp-gateway".into(), shards: "shards.d".into(), url: None };
        Self { guard: Guard::default(), place, sessions, limits: Limits::default(), times: Times::default() }
    }
}

/// Serves clients until `tasks` is asked to stop. Then it accepts no more, GET streams end at once, and requests under
/// way go on as tasks of `tasks`, whose owner waits for them.
pub async fn serve(listener: TcpListener, mux: Mux, settings: HttpSettings, tasks: &Tasks) {
    let connections = Budget::new(settings.limits.connections, "connections", "--max-connections");
    let times = settings.times.clone();
    let router = router(mux, settings, tasks);
    while let Some(stream) = tasks.stop().run_until_cancelled(accept(&listener)).await {
        match connections.take(1) {
            Ok(place) => drop(tasks.spawn(connection(stream, place, router.clone(), times.clone(), tasks.clone()))),
            Err(_full) => turn_away(&stream, &connections),
        }
    }
}

/// Running out of file descriptors is no reason to stop serving; it passes.
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) if is_of_one_client(&error) => debug!(error = &error as &dyn std::error::Error, "client gone"),
            Err(error) => {
                warn!(error = &error as &dyn std::error::Error, "cannot accept connections, will try again");
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
        }
    }
}

fn is_of_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// One try is enough: the buffer of a new socket is empty.
fn turn_away(stream: &TcpStream, connections: &Budget) {
    let reason = connections.spent();
    warn!(%reason, "connection refused");
    let text = format!(
        "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\n\
         content-type: text/plain\r\ncontent-length: {}\r\n\r\n{reason}",
        reason.len()
    );
    if let Err(error) = stream.try_write(text.as_bytes()) {
        debug!(error = &error as &dyn std::error::Error, "client gone");
    }
}

async fn connection(stream: TcpStream, place: OwnedSemaphorePermit, router: Router, times: Times, tasks: Tasks) {
    match Socket::accepted(stream, times.stall) {
        Ok(socket) => serve_on(socket, router, times, &tasks).await,
        Err(error) => debug!(error = &error as &dyn std::error::Error, "client gone"),
    }
    drop(place);
}

/// Serves one client until it goes, does not read, or the gateway stops.
async fn serve_on<T>(socket: Socket<T>, router: Router, times: Times, tasks: &Tasks)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(times.head).max_buf_size(BUFFER);
    let mut serving = pin!(server.serve_connection(TokioIo::new(socket), TowerToHyperService::new(router)));
    let served = match tasks.stop().run_until_cancelled(serving.as_mut()).await {
        Some(served) => served,
        None => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = served {
        debug!(error = &error as &dyn std::error::Error, "connection ended");
    }
}

fn router(mux: Mux, settings: HttpSettings, tasks: &Tasks) -> Router {
    let guard = Arc::new(settings.guard.clone());
    Router::new()
        .route("/", get(page::welcome))
        .route("/mcp", any(streamable::serve))
        .route("/mcp/", any(streamable::serve))
        .route("/mcp/{shard}", any(streamable::serve))
        .route("/mcp/{shard}/", any(streamable::serve))
        .route("/sse", any(sse::listen))
        .route("/sse/", any(sse::listen))
        .route("/sse/{shard}", any(sse::listen))
        .route("/sse/{shard}/", any(sse::listen))
        .route("/messages", any(sse::speak))
        .route("/health", get(health::health))
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(guard, check_and_share))
        .with_state(Arc::new(Door::new(mux, settings, tasks.clone())))
}

async fn not_found(State(door): State<Arc<Door>>, uri: Uri, headers: HeaderMap) -> Response {
    let message =
        format!("there is nothing at `{}`; the MCP endpoint is `/mcp`, or `/mcp/NAME` for one shard", uri.path());
    let refused = Refused::new(StatusCode::NOT_FOUND, Fault::new(code::INVALID_REQUEST, message));
    if page::is_wanted(&headers) {
        page::nothing(door.place(), &refused, &uri, &headers)
    } else {
        refused.into_response()
    }
}

async fn wrong_method() -> Refused {
    let message = "this page is only for GET; there is nothing for MCP clients at it: their endpoint is `/mcp`, or `/mcp/NAME` for one shard";
    Refused::not_allowed(message, "GET, HEAD, OPTIONS")
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio::time::{Instant, timeout};

    use super::*;

    const LISTENING: &str = concat!(
        r#"{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{},"_meta":{"#,
        r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"#,
        r#""io.modelcontextprotocol/clientInfo":{"name":"test","version":"1"}}}}"#
    );

    /// Asks to listen on a connection that holds little, and reads the status; nothing after that is read.
    async fn listen(client: &mut DuplexStream) -> String {
        let head = "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                    accept: application/json, text/event-stream\r\nmcp-protocol-version: 2026-07-28\r\n\
                    mcp-method: subscriptions/listen\r\n";
        let request = format!("{head}content-length: {}\r\n\r\n{LISTENING}", LISTENING.len());
        client.write_all(request.as_bytes()).await.unwrap();
        let mut status = [0; 12];
        client.read_exact(&mut status).await.unwrap();
        String::from_utf8(status.to_vec()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_listens_and_does_not_read_is_given_up_and_another_has_its_place() {
        let tasks = Tasks::default();
        let (door, _world) = Door::for_tests(&tasks);
        let mut settings = HttpSettings::for_tests();
        settings.limits.streams = 1;
        let times = settings.times.clone();
        let router = router(door.mux.clone(), settings, &tasks);
        for _ in 0..2 {
            let (gateway, mut client) = duplex(512);
            let serving = serve_on(Socket::new(gateway, times.stall), router.clone(), times.clone(), &tasks);
            let begun = Instant::now();
            let both = async { tokio::join!(serving, listen(&mut client)) };
            let ((), status) = timeout(Duration::from_secs(3600), both).await.expect("it is given up");
            assert_eq!(status, "HTTP/1.1 200");
            assert!(begun.elapsed() >= times.stall, "comments alone fill the connection only after a while");
        }
        tasks.shutdown(Duration::from_secs(1)).await.unwrap();
    }
}
