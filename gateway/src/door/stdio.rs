//! The stdio door: one client on the gateway's own stdin and stdout.
//!
//! Invariant: the reader waits for nobody but a client that does not read and the `initialize` that the rest depends on,
//! every other request runs beside it, and all that goes out passes one writer, so that messages are whole lines and a call's notices precede its answer.

mod writer;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
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
const LAST_WORDS: Duration = Duration::from_secs(1);

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
    let mut lines = Lines::new(stdin, settings.message);
    let drain = loop {
        tokio::select! {
            () = connection.has_room() => {}
            () = tasks.stop().cancelled() => break LAST_WORDS,
            () = written.cancelled() => break Duration::ZERO,
        }
        let line = tokio::select! {
            line = lines.next() => line,
            () = tasks.stop().cancelled() => break LAST_WORDS,
            () = written.cancelled() => break Duration::ZERO,
        };
        match line {
            Ok(Some(Line::Whole(line))) => take(&connection, line, &calls).await,
            Ok(Some(Line::Overlong { id, length, .. })) => {
                connection.refuse(&overlong(id.as_deref(), length, settings.message)).await;
            }
            Ok(None) => break settings.drain,
            Err(error) => {
                debug!(error = &error as &dyn std::error::Error, "stdin broke off");
                break settings.drain;
            }
        }
    };
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

/// A quick answer needs no task.
async fn take(connection: &Arc<Connection>, line: Bytes, calls: &Tasks) {
    let client = Arc::clone(connection);
    let mut served = Box::pin(async move {
        if let Err(refused) = Arc::clone(&client).serve(line).await {
            client.refuse(&refused).await;
        }
    });
    if connection::begin(&mut served).await.is_pending() {
        if connection.is_initializing() {
            served.await;
        } else {
            calls.spawn(served);
        }
    }
}

/// The answer to a line that was too long to be kept.
fn overlong(id: Option<&str>, length: usize, limit: usize) -> Refused {
    let refused = Refused::invalid(format!("a message of {length} bytes is over the limit of {limit} (`--max-body`)"));
    refused.of(id.unwrap_or("null"))
}
