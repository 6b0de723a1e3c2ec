//! The one writer to stdout.
//!
//! Invariant: whole lines in the order in which they were sent.

use std::io;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::door::connection::QUEUE;
use crate::door::event::one_line;
use crate::tasks::Tasks;
use crate::wire::Chunks;

/// Starts the writer as a task of `tasks`; it ends with the senders of `queue`. The token is cancelled when it has ended.
pub(crate) fn start<W>(stdout: W, queue: mpsc::Receiver<Chunks>, tasks: &Tasks) -> CancellationToken
where
    W: AsyncWrite + Unpin + Send + 'static,
{
    let ended = CancellationToken::new();
    let at_end = ended.clone().drop_guard();
    tasks.spawn(async move {
        if let Err(error) = write(stdout, queue).await {
            debug!(error = &error as &dyn std::error::Error, "stdout broke off");
        }
        drop(at_end);
    });
    ended
}

/// Small messages that are queued together go out in one write; large ones are not copied.
async fn write<W: AsyncWrite + Unpin>(mut stdout: W, mut queue: mpsc::Receiver<Chunks>) -> io::Result<()> {
    const COPIED_UP_TO: usize = 8 * 1024;
    let mut waiting = Vec::with_capacity(QUEUE);
    let mut together = Vec::new();
    while queue.recv_many(&mut waiting, QUEUE).await > 0 {
        for message in waiting.drain(..) {
            for piece in message.into_pieces().map(one_line) {
                if piece.len() > COPIED_UP_TO {
                    flush_into(&mut stdout, &mut together).await?;
                    stdout.write_all(&piece).await?;
                } else {
                    together.extend_from_slice(&piece);
                }
            }
            together.push(b'\n');
        }
        flush_into(&mut stdout, &mut together).await?;
        stdout.flush().await?;
    }
    Ok(())
}

async fn flush_into<W: AsyncWrite + Unpin>(stdout: &mut W, together: &mut Vec<u8>) -> io::Result<()> {
    stdout.write_all(together).await?;
    together.clear();
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;
    use crate::door::connection;
    use crate::wire::result_response;

    #[tokio::test]
    async fn each_message_is_one_line_and_the_writer_ends_with_its_senders() {
        let (gateway, mut client) = tokio::io::duplex(100_000);
        let tasks = Tasks::default();
        let (output, queue) = connection::output();
        start(gateway, queue, &tasks);
        output.send(Chunks::from(b"{\"a\":\n1}".to_vec())).await;
        let large = format!("\"{}\"", "x".repeat(20_000));
        output.send(result_response("1", Bytes::from(large.clone()))).await;
        drop(output);
        tasks.shutdown(Duration::from_secs(1)).await.unwrap();
        let mut text = String::new();
        tokio::io::AsyncReadExt::read_to_string(&mut client, &mut text).await.unwrap();
        assert_eq!(text, format!("{{\"a\": 1}}\n{{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{large}}}\n"));
    }

    #[tokio::test]
    async fn a_client_that_closes_its_end_is_noticed() {
        let (gateway, client) = tokio::io::duplex(10);
        let tasks = Tasks::default();
        let (output, queue) = connection::output();
        let ended = start(gateway, queue, &tasks);
        drop(client);
        output.send(Chunks::from(b"{}".to_vec())).await;
        ended.cancelled().await;
        output.send(Chunks::from(b"{}".to_vec())).await;
    }
}
