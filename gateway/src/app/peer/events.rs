//! Reads server-sent events from the pieces in which they come.
//!
//! Invariant: what is kept of an unfinished event is bounded.

use bytes::{Buf as _, Bytes, BytesMut};

/// A result may be as long as the largest `limits.message` that is in use anywhere.
pub(super) const LONGEST: usize = 256 << 20;

/// The data of events, in order.
#[derive(Debug, Default)]
pub(super) struct Events {
    pending: BytesMut,
    /// What of `pending` holds no line end.
    searched: usize,
    data: BytesMut,
}

impl Events {
    /// Takes what has come; false if an event is too long.
    #[must_use]
    pub(super) fn feed(&mut self, piece: &[u8]) -> bool {
        self.pending.extend_from_slice(piece);
        self.pending.len() + self.data.len() <= LONGEST
    }

    /// The data of the next whole event. Comments and other fields mean nothing here.
    pub(super) fn next(&mut self) -> Option<Bytes> {
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
            if line.is_empty() && !self.data.is_empty() {
                return Some(self.data.split().freeze());
            }
            if let Some(data) = line.strip_prefix(b"data:") {
                if !self.data.is_empty() {
                    self.data.extend_from_slice(b"\n");
                }
                self.data.extend_from_slice(data.strip_prefix(b" ").unwrap_or(data));
            }
        }
    }
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
}
