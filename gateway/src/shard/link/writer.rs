//! Writes to the child: all that waits goes out in one write, in order.

use std::io;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::task::yield_now;

use super::Link;
use super::table::Batch;

/// Buffers larger than this are given back after use.
const KEPT: usize = 256 * 1024;

/// Writes until the link takes no more calls and all are answered, then closes `stdin`.
///
/// # Errors
/// What the pipe says: the child does not read any more.
pub(crate) async fn write(link: Link, mut stdin: impl AsyncWrite + Unpin) -> io::Result<()> {
    let mut lines = Vec::new();
    loop {
        lines.clear();
        if lines.capacity() > KEPT {
            lines = Vec::new();
        }
        let batch = link.table().take_batch(link.in_flight_limit(), &mut lines);
        match batch {
            Batch::Write => stdin.write_all(&lines).await?,
            Batch::Wait => {
                link.0.outgoing.notified().await;
                // Whoever is about to call as well does so first: one write wakes the child once.
                yield_now().await;
            }
            Batch::End => return stdin.shutdown().await,
        }
    }
}
