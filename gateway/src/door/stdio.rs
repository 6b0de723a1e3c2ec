//! The stdio door: one client on the gateway's own stdin and stdout.
//!
//! Invariant: the reader waits for nobody but a client that does not read and the `initialize` that the rest depends on,
//! every other request runs beside it, and all that goes out passes one writer, so that messages are whole lines and a call's notices precede its answer.

pub(crate) mod writer;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::door::budget::Budget;
use crate::door::connection::{self, Connection};
use crate::door::refusal::Refused;
use crate::mux::Mux;
use crate::tasks::Tasks;
use crate::wire::{Line, Lines};

/// All that the stdio door can be told.
#[derive(Debug, Clone)]
pub struct StdioSettings {
    /// Bytes of one message (`--max-body`).
    pub message: usize,
    /// Requests under way (`--max-requests`).
    pub requests: usize,
    /// How long calls may go on when the client has closed stdin.
    pub drain: Duration,
}

impl Default for StdioSettings {
    fn default() -> Self {
        Self { message: 16 * 1024 * 1024, requests: 1024, drain: Duration::from_secs(5) }
    }
}

/// How long the last lines may take, cancelled calls to end, and calls of a gateway that stops.
pub(crate) const LAST_WORDS: Duration = Duration::from_secs(1);

/// Serves one client until it closes its end or `tasks` is asked to stop. Calls under way then have `drain`, or a second
/// if it is the gateway that stops, and are cancelled after that. All that was started has ended when this returns.
pub async fn serve<R, W>(stdin: R, stdout: W, mux: Mux, settings: StdioSettings, tasks: &Tasks)
where
    R: AsyncRead + Unpin + Send,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let writing = Tasks::default();
    let calls = tasks.child();
    let (output, queue) = connection::output();
    let written = writer::start(stdout, queue, &writing);
    let requests = Budget::new(settings.requests, "requests at once", "--max-requests");
    let connection = Arc::new(Connection::new(mux, requests, output, calls.clone()));
    let hears = Hearing { connection: &connection, calls: &calls };
    let drain = listen(stdin, &settings, &hears, tasks.stop(), &written).await;
    if calls.shutdown(drain).await.is_err() {
        connection.end();
        if let Err(left) = calls.shutdown(LAST_WORDS).await {
            debug!(error = &left as &dyn std::error::Error, "calls outlive their client");
        }
    }
    drop(connection);
    if let Err(left) = writing.shutdown(LAST_WORDS).await {
        debug!(error = &left as &dyn std::error::Error, "the client does not read its last lines");
    }
}

/// Who hears what a client writes.
pub(crate) trait Hears {
    /// Ready when the client has read enough to be answered.
    async fn has_room(&self);
    /// Takes one line, and comes back when the next one may be read. Dropped, the line is not served any more.
    async fn take(&self, line: Bytes);
    /// Says what is wrong with a line.
    async fn refuse(&self, refused: &Refused);
}

/// Reads what a client writes until it closes its end, is asked to `stop`, or reads no more itself (`gone`). Gives how long its
/// calls may go on.
pub(crate) async fn listen<R, H>(
    stdin: R,
    settings: &StdioSettings,
    hears: &H,
    stop: &CancellationToken,
    gone: &CancellationToken,
) -> Duration
where
    R: AsyncRead + Unpin,
    H: Hears,
{
    let mut lines = Lines::new(stdin, settings.message);
    loop {
        tokio::select! {
            () = hears.has_room() => {}
            () = stop.cancelled() => return LAST_WORDS,
            () = gone.cancelled() => return Duration::ZERO,
        }
        let line = tokio::select! {
            line = lines.next() => line,
            () = stop.cancelled() => return LAST_WORDS,
            () = gone.cancelled() => return Duration::ZERO,
        };
        match line {
            Ok(Some(Line::Whole(line))) => tokio::select! {
                biased;
                () = hears.take(line) => {}
                () = stop.cancelled() => return LAST_WORDS,
                () = gone.cancelled() => return Duration::ZERO,
            },
            Ok(Some(Line::Overlong { id, length, .. })) => {
                hears.refuse(&overlong(id.as_deref(), length, settings.message)).await;
            }
            Ok(None) => return settings.drain,
            Err(error) => {
                debug!(error = &error as &dyn std::error::Error, "stdin broke off");
                return settings.drain;
            }
        }
    }
}

/// A client of this process's own fleet.
struct Hearing<'c> {
    connection: &'c Arc<Connection>,
    calls: &'c Tasks,
}

impl Hears for Hearing<'_> {
    async fn has_room(&self) {
        self.connection.has_room().await;
    }

    /// A quick answer needs no task.
    async fn take(&self, line: Bytes) {
        let client = Arc::clone(self.connection);
        let mut served = Box::pin(async move {
            if let Err(refused) = Arc::clone(&client).serve(line).await {
                client.refuse(&refused).await;
            }
        });
        if connection::begin(&mut served).await.is_pending() {
            if self.connection.is_initializing() {
                served.await;
            } else {
                self.calls.spawn(served);
            }
        }
    }

    async fn refuse(&self, refused: &Refused) {
        self.connection.refuse(refused).await;
    }
}

/// The answer to a line that was too long to be kept.
fn overlong(id: Option<&str>, length: usize, limit: usize) -> Refused {
    let refused = Refused::invalid(format!("a message of {length} bytes is over the limit of {limit} (`--max-body`)"));
    refused.of(id.unwrap_or("null"))
}
