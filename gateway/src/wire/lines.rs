//! Newline-delimited messages from a pipe.
//!
//! Invariant: at most the limit and one buffer are in memory, whatever the peer writes, and a line is handed out without
//! being copied.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::task::yield_now;

use crate::tasks::work_on;
use crate::wire::{IdFinder, Kind, Raw, flatten};

const BUFFER: usize = 64 * 1024;
/// What a line that fills the buffer gets at once: it is long, and so it is read in few pieces that are not moved. Memory that is
/// never written costs nothing.
const LONG: usize = 1024 * 1024 + BUFFER;
/// After so many bytes that were there at once, other tasks get their turn.
const TURN: usize = BUFFER;

/// One line, without its line break.
#[derive(Debug)]
pub enum Line {
    /// A line within the limit. Raw CRs in it have become spaces.
    Whole(Bytes),
    /// A line over the limit: it was discarded, but for the JSON text of its top-level `id`.
    Overlong {
        /// The message's `id`, if it could be found.
        id: Option<String>,
        /// It has a `method`: the `id` is not that of an answer.
        has_method: bool,
        /// How long the line was, in bytes.
        length: usize,
    },
}

/// Cuts a byte stream into lines.
#[derive(Debug)]
pub struct Lines<R> {
    reader: R,
    buffer: BytesMut,
    searched: usize,
    /// Bytes since the last turn of others.
    taken: usize,
    limit: usize,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// Lines of up to `limit` bytes from `reader`.
    pub fn new(reader: R, limit: usize) -> Self {
        Self { reader, buffer: BytesMut::with_capacity(BUFFER), searched: 0, taken: 0, limit }
    }

    /// Lines of up to `limit` bytes from now on.
    pub fn limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// The next line; `None` at the end of the stream. A last line without a line break counts if it is a whole message;
    /// else its writer died while it wrote. Empty lines are passed over.
    ///
    /// Not safe to cancel while a line over the limit is being discarded.
    ///
    /// # Errors
    /// What the reader says.
    pub async fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            if let Some(found) = memchr(b'\n', &self.buffer[self.searched..]) {
                let mut line = self.buffer.split_to(self.searched + found);
                self.buffer.advance(1);
                self.searched = 0;
                if line.len() > self.limit {
                    let mut finder = IdFinder::default();
                    work_on(line.len(), || finder.feed(&line));
                    return Ok(Some(overlong(finder, line.len())));
                }
                if line.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                flatten(&mut line);
                return Ok(Some(Line::Whole(line.freeze())));
            }
            self.searched = self.buffer.len();
            if self.buffer.len() > self.limit {
                return self.discard().await;
            }
            if !self.fill().await? {
                return Ok(self.last());
            }
        }
    }

    fn last(&mut self) -> Option<Line> {
        let mut line = self.buffer.split();
        self.searched = 0;
        let is_message = Raw::parse(&line).is_ok_and(|raw| matches!(raw.kind(), Kind::Object | Kind::Array));
        flatten(&mut line);
        is_message.then(|| Line::Whole(line.freeze()))
    }

    /// False at the end of the stream.
    async fn fill(&mut self) -> io::Result<bool> {
        if self.buffer.capacity() - self.buffer.len() < BUFFER / 4 {
            self.buffer.reserve(if self.buffer.len() < BUFFER / 2 { BUFFER } else { LONG });
        }
        if self.taken > TURN {
            self.taken = 0;
            yield_now().await;
        }
        let read = self.reader.read_buf(&mut self.buffer).await?;
        self.taken += read;
        Ok(read > 0)
    }

    async fn discard(&mut self) -> io::Result<Option<Line>> {
        let mut finder = IdFinder::default();
        let mut length = 0;
        loop {
            let found = memchr(b'\n', &self.buffer);
            let piece = found.unwrap_or(self.buffer.len());
            work_on(piece, || finder.feed(&self.buffer[..piece]));
            length += piece;
            self.searched = 0;
            if found.is_some() {
                self.buffer.advance(piece + 1);
                return Ok(Some(overlong(finder, length)));
            }
            self.buffer = BytesMut::with_capacity(BUFFER);
            if !self.fill().await? {
                return Ok(None);
            }
        }
    }
}

fn overlong(finder: IdFinder, length: usize) -> Line {
    Line::Overlong { has_method: finder.has_method(), id: finder.finish(), length }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use proptest::collection::vec;
    use proptest::prelude::*;
    use tokio::io::ReadBuf;

    use super::*;
    use crate::wire::arbitrary::value;

    async fn read(reader: impl AsyncRead + Unpin, limit: usize) -> Vec<String> {
        let mut lines = Lines::new(reader, limit);
        let mut seen = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            seen.push(match line {
                Line::Whole(line) => String::from_utf8_lossy(&line).into_owned(),
                Line::Overlong { id, length, .. } => format!("{length} bytes, id {id:?}"),
            });
        }
        seen
    }

    #[tokio::test]
    async fn lines_end_at_lf_only_and_a_torn_last_line_is_dropped() {
        assert_eq!(read(&b"{\"a\":\r1}\r\n\n  \r\nb\nhalf"[..], 100).await, ["{\"a\": 1} ", "b"]);
        assert_eq!(read(&b"b\n{\"a\":1"[..], 100).await, ["b"]);
    }

    #[tokio::test]
    async fn a_whole_message_at_the_end_needs_no_line_break() {
        assert_eq!(read(&b"b\n{\"a\":\r1}"[..], 100).await, ["b", "{\"a\": 1}"]);
    }

    #[tokio::test]
    async fn a_line_over_the_limit_leaves_its_id_and_the_next_line() {
        let long = format!("{{\"jsonrpc\":\"2.0\",\"result\":\"{}\",\"id\":9}}\nnext\n", "x".repeat(300_000));
        assert_eq!(read(long.as_bytes(), 1000).await, ["300036 bytes, id Some(\"9\")", "next"]);
        assert_eq!(read(&b"{\"id\":1,\"jsonrpc\":2}\nok\n"[..], 8).await, ["20 bytes, id Some(\"1\")", "ok"]);
    }

    /// Yields its pieces one by one.
    struct Pieces(VecDeque<Vec<u8>>);

    impl AsyncRead for Pieces {
        fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            if let Some(mut piece) = self.0.pop_front() {
                let rest = piece.split_off(piece.len().min(out.remaining()));
                out.put_slice(&piece);
                if !rest.is_empty() {
                    self.0.push_front(rest);
                }
            }
            Poll::Ready(Ok(()))
        }
    }

    /// What the same bytes are when they come at once.
    fn expected(text: &str, limit: usize) -> Vec<String> {
        let whole = text.rsplit_once('\n').map_or("", |(whole, _torn)| whole);
        let lines = whole.split('\n').filter(|line| line.len() > limit || !line.trim_ascii().is_empty());
        let told = lines.map(|line| match line.len() {
            length if length > limit => {
                let mut finder = IdFinder::default();
                finder.feed(line.as_bytes());
                format!("{length} bytes, id {:?}", finder.finish())
            }
            _ => line.replace('\r', " "),
        });
        told.collect()
    }

    proptest! {
        #[test]
        fn the_same_lines_come_however_the_bytes_are_cut(
            lines in vec(prop_oneof!["[ \t\r]{0,3}", "\\PC{0,8}\r?", value(), "\\{\"jsonrpc\":1,\"id\":[0-9]{1,60}\\}"], 0..8),
            torn in "[a-z]{0,3}",
            sizes in vec(1..40_usize, 1..8),
            limit in 4..60_usize,
        ) {
            let text: String = lines.iter().map(|line| format!("{line}\n")).chain([torn]).collect();
            let mut pieces = VecDeque::new();
            let mut rest = text.as_bytes();
            for size in sizes.into_iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, behind) = rest.split_at(size.min(rest.len()));
                pieces.push_back(piece.to_vec());
                rest = behind;
            }
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let seen = runtime.block_on(read(Pieces(pieces), limit));
            prop_assert_eq!(seen, expected(&text, limit), "{:?}", text);
        }
    }
}
