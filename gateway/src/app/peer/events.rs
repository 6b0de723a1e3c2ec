//! Reads server-sent events from the pieces in which they come.
//!
//! Invariant: what is kept of an unfinished event is bounded.

use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};

/// A result may be as long as the largest `limits.message` that is in use anywhere.
pub(crate) const LONGEST: usize = 256 << 20;
/// An `id:` that is longer is not kept.
const LONGEST_ID: usize = 1024;
/// A `retry:` that asks for longer counts as this.
const LONGEST_RETRY: Duration = Duration::from_secs(60);

/// The data of events, in order.
#[derive(Debug, Default)]
pub(crate) struct Events {
    pending: BytesMut,
    /// What of `pending` holds no line end.
    searched: usize,
    data: BytesMut,
    /// Of the event that is being read.
    id: Option<String>,
    last_id: Option<String>,
    retry: Option<Duration>,
}

impl Events {
    /// Takes what has come; false if an event is too long.
    #[must_use]
    pub(crate) fn feed(&mut self, piece: &[u8]) -> bool {
        self.pending.extend_from_slice(piece);
        self.kept() <= LONGEST
    }

    /// How many bytes are kept of what is not whole yet.
    pub(crate) fn kept(&self) -> usize {
        self.pending.len() + self.data.len()
    }

    /// The `id` of the last whole event that had one, also of one without data.
    pub(crate) fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }

    /// How long to wait before the stream is opened again, if the sender has said so.
    pub(crate) fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// The data of the next whole event. Comments and other fields mean nothing here.
    pub(crate) fn next(&mut self) -> Option<Bytes> {
        loop {
            let Some(end) = memchr::memchr(b'\n', &self.pending[self.searched..]) else {
                self.searched = self.pending.len();
                return None;
            };
            let mut line = self.pending.split_to(self.searched + end);
            self.pending.advance(1);
            self.searched = 0;
            if line.ends_with(b"\r") {
                line.truncate(line.len() - 1);
            }
            if line.is_empty() {
                self.last_id = self.id.take().or(self.last_id.take());
                if !self.data.is_empty() {
                    return Some(self.data.split().freeze());
                }
            } else if let Some(data) = line.strip_prefix(b"data:") {
                if !self.data.is_empty() {
                    self.data.extend_from_slice(b"\n");
                }
                self.data.extend_from_slice(data.strip_prefix(b" ").unwrap_or(data));
            } else if let Some(id) = line.strip_prefix(b"id:") {
                self.id = text(id).filter(|id| id.len() <= LONGEST_ID).map(ToOwned::to_owned);
            } else if let Some(retry) = line.strip_prefix(b"retry:") {
                let millis = text(retry).and_then(|retry| retry.parse().ok());
                self.retry = millis.map(|millis| Duration::from_millis(millis).min(LONGEST_RETRY)).or(self.retry);
            }
        }
    }
}

fn text(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value.strip_prefix(b" ").unwrap_or(value)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_the_same_however_they_are_cut() {
        let stream = b": hello\r\n\r\nid: 1\r\ndata: {\"a\":\r\ndata: 1}\r\n\r\ndata:\n\ndata:x\n\ndata: y\n";
        for size in 1..stream.len() {
            let mut events = Events::default();
            let mut found = Vec::new();
            for piece in stream.chunks(size) {
                assert!(events.feed(piece));
                found.extend(std::iter::from_fn(|| events.next()));
            }
            assert_eq!(found, [&b"{\"a\":\n1}"[..], b"x"], "pieces of {size}");
        }
    }

    #[test]
    fn an_id_counts_when_its_event_is_whole() {
        let mut events = Events::default();
        assert!(events.feed(b"id: a\nretry: 1500\ndata: \n\nid: b\ndata: x\n"));
        assert_eq!((events.next(), events.last_id()), (None, Some("a")));
        assert_eq!(events.retry(), Some(Duration::from_millis(1500)));
        assert!(events.feed(b"\ndata: y\n\nid: c\n"));
        assert_eq!([events.next(), events.next(), events.next()].map(|data| data.is_some()), [true, true, false]);
        assert_eq!(events.last_id(), Some("b"));
        assert!(events.feed(format!("id: {}\nretry: 99999999\ndata: z\n\n", "x".repeat(2000)).as_bytes()));
        assert!(events.next().is_some());
        assert_eq!(events.retry(), Some(LONGEST_RETRY));
    }
}
