//! A client's connection that gives up on a client that does not read.
//!
//! Invariant: bytes wait for a client no longer than the stall limit. Since bodies are asked for their next piece only
//! when the socket has room, this one timer bounds every stream and every large answer.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

/// A stream whose writes fail with [`io::ErrorKind::TimedOut`] once one has waited for `stall`.
pub(crate) struct Socket<T> {
    stream: T,
    stall: Duration,
    waiting: Pin<Box<Sleep>>,
    is_waiting: bool,
}

impl Socket<TcpStream> {
    /// Sets what every client's connection needs.
    ///
    /// # Errors
    /// What the system says; the connection is of no use then.
    pub(crate) fn accepted(stream: TcpStream, stall: Duration) -> io::Result<Self> {
        // Without it each answer in several pieces waits 40 ms for the client's delayed acknowledgement.
        stream.set_nodelay(true)?;
        #[cfg(target_os = "linux")]
        {
            // A client that vanished (a laptop that fell asleep) acknowledges nothing; the default is a quarter of an hour.
            let millis = u32::try_from(stall.as_millis()).unwrap_or(u32::MAX);
            rustix::net::sockopt::set_tcp_user_timeout(&stream, millis)?;
        }
        Ok(Self::new(stream, stall))
    }
}

impl<T> Socket<T> {
    /// Gives up on whoever reads nothing for `stall`.
    pub(super) fn new(stream: T, stall: Duration) -> Self {
        Self { stream, stall, waiting: Box::pin(sleep(stall)), is_waiting: false }
    }

    /// Passes on what a write came to, and starts, keeps or ends the wait.
    fn judge<R>(&mut self, written: Poll<io::Result<R>>, context: &mut Context<'_>) -> Poll<io::Result<R>> {
        if written.is_ready() {
            self.is_waiting = false;
            return written;
        }
        if !std::mem::replace(&mut self.is_waiting, true) {
            self.waiting.as_mut().reset(Instant::now() + self.stall);
        }
        match self.waiting.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Socket<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Socket<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.judge(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.judge(flushed, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_for_a_minute_is_given_up() {
        let (gateway, _client) = duplex(10);
        let mut socket = Socket::new(gateway, Duration::from_secs(60));
        socket.write_all(&[0; 10]).await.unwrap();
        let start = Instant::now();
        let error = socket.write_all(&[0; 10]).await.unwrap_err();
        assert_eq!((error.kind(), start.elapsed().as_secs()), (io::ErrorKind::TimedOut, 60));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_is_waited_for() {
        let (gateway, mut client) = duplex(10);
        let mut socket = Socket::new(gateway, Duration::from_secs(60));
        let reading = async {
            let mut buffer = [0; 10];
            for _ in 0..10 {
                sleep(Duration::from_secs(50)).await;
                client.read_exact(&mut buffer).await.unwrap();
            }
        };
        let (written, ()) = tokio::join!(socket.write_all(&[0; 100]), reading);
        written.unwrap();
    }
}
