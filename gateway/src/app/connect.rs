//! `mcp-gateway stdio --connect`: one client on stdin and stdout, at a gateway that runs already.
//!
//! Invariant: nothing is started and nothing kept but what the client needs for its session, and no queue here is unbounded:
//! who does not read is not read from.

mod asks;
mod bridge;
mod errand;
mod exchange;
mod listening;
mod mending;
mod messages;
mod session;
mod tools;
mod way;

use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tracing::debug;

use self::bridge::Bridge;
use self::way::Way;
use super::peer::Whereabouts;
use super::{Exit, LAST_READS, Stop, threads};
use crate::door::budget::Budget;
use crate::door::connection;
use crate::door::stdio::{self, LAST_WORDS, StdioSettings, writer};
use crate::tasks::Tasks;

/// How long the gateway may take to hear that the client is gone.
const FAREWELL: Duration = Duration::from_secs(1);

/// Whom to join, and what the client may do.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// Where the gateway is, or may be.
    pub whereabouts: Whereabouts,
    /// What the client may send.
    pub stdio: StdioSettings,
}

/// Serves the client until it closes stdin, or a signal comes. A gateway that is not there, or no more, ends nothing: it is
/// waited for.
///
/// # Errors
/// It could not start.
pub fn join(options: ConnectOptions) -> anyhow::Result<Exit> {
    let runtime = threads::runtime(1).context("cannot start")?;
    let done = runtime.block_on(async {
        let mut stop = Stop::new()?;
        let tasks = Tasks::default();
        let mut served = std::pin::pin!(serve(tokio::io::stdin(), tokio::io::stdout(), options, &tasks));
        tokio::select! {
            () = &mut served => return Ok(Exit::Good),
            () = stop.asked() => tasks.stop().cancel(),
        }
        tokio::select! {
            () = &mut served => {}
            () = stop.asked_twice() => debug!("stopped at once by a second signal"),
        }
        Ok(Exit::Good)
    });
    // A read of stdin cannot be interrupted, so nobody waits for it.
    runtime.shutdown_timeout(LAST_READS);
    done
}

/// Serves one client until it closes its end or `tasks` is asked to stop. What is under way then has the time to drain.
async fn serve<R, W>(stdin: R, stdout: W, options: ConnectOptions, tasks: &Tasks)
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let (writing, calls) = (Tasks::default(), tasks.child());
    let (output, queue) = connection::output();
    let written = writer::start(stdout, queue, &writing);
    let requests = Budget::new(options.stdio.requests, "requests at once", "--max-requests");
    let bridge = Bridge::new(Way::new(options.whereabouts), output, requests, calls.clone());
    let drain = stdio::listen(stdin, &options.stdio, &bridge, tasks.stop(), &written).await;
    if calls.shutdown(drain).await.is_err() {
        bridge.hang_up();
        if let Err(left) = calls.shutdown(LAST_WORDS).await {
            debug!(error = &left as &dyn std::error::Error, "requests outlive their client");
        }
    }
    if tokio::time::timeout(FAREWELL, bridge.end()).await.is_err() {
        debug!("the gateway does not end the session");
    }
    drop(bridge);
    if let Err(left) = writing.shutdown(LAST_WORDS).await {
        debug!(error = &left as &dyn std::error::Error, "the client does not read its last lines");
    }
}

#[cfg(test)]
mod tests;
