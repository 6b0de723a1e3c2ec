//! What is still to be said to the client of a connection.
//!
//! Invariant: messages leave in the order in which they were sent, and the queue is bounded: who has something to say
//! waits until the client reads.

use bytes::Bytes;
use tokio::sync::mpsc;
use tracing::debug;

use crate::wire::Chunks;

/// How many messages may wait.
pub(crate) const QUEUE: usize = 64;

/// Where messages are sent to; the queue ends when the last one of these is dropped.
#[derive(Debug, Clone)]
pub(crate) struct Output(mpsc::Sender<Chunks>);

/// An empty queue. Whoever drops the receiver says that the client is gone.
pub(crate) fn open() -> (Output, mpsc::Receiver<Chunks>) {
    let (sender, queue) = mpsc::channel(QUEUE);
    (Output(sender), queue)
}

impl Output {
    /// Ready when there is a place in the queue, or nobody to say anything to any more. Takes none.
    pub(crate) async fn has_room(&self) {
        let _ = self.0.reserve().await;
    }

    /// Waits for a place in the queue. Nothing is said if the client is gone.
    pub(crate) async fn send(&self, message: Chunks) {
        if self.0.send(message).await.is_err() {
            debug!("a message for a client that is gone");
        }
    }

    /// The same for a message that is in one piece.
    pub(crate) async fn send_notice(&self, message: Bytes) {
        self.send(Vec::from(message).into()).await;
    }

    /// Ready when the client is gone. Safe to cancel.
    pub(crate) async fn closed(&self) {
        self.0.closed().await;
    }

    /// Whether the client is gone.
    pub(crate) fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}
