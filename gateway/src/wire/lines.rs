//! Newline-delimited messages from a pipe.
//!
//! Invariant: at most the limit and one buffer are in memory, whatever the peer writes, and a line is handed out without
//! being copied.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::wire::{IdFinder, flatten};

const BUFFER: usize = 64 * 1024;

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
    limit: usize,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// Lines of up to `limit` bytes from `reader`.
    pub fn new(reader: R, limit: usize) -> Self {
        Self { reader, buffer: BytesMut::with_capacity(BUFFER), searched: 0, limit }
    }

    /// The next line; `None` at the end of the stream, where a last line without a line break is dropped: its writer
    /// died while it wrote. Empty lines are passed over.
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
                    finder.feed(&line);
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
                return Ok(None);
            }
        }
    }

    /// False at the end of the stream.
    async fn fill(&mut self) -> io::Result<bool> {
        if self.buffer.capacity() - self.buffer.len() < BUFFER / 4 {
            self.buffer.reserve(BUFFER);
        }
        Ok(self.reader.read_buf(&mut self.buffer).await? > 0)
    }

    async fn discard(&mut self) -> io::Result<Option<Line>> {
        let mut finder = IdFinder::default();
        let mut length = 0;
        loop {
            let found = memchr(b'\n', &self.buffer);
            let piece = found.unwrap_or(self.buffer.len());
            finder.feed(&self.buffer[..piece]);
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
    use super::*;

    async fn read(text: &[u8], limit: usize) -> Vec<String> {
        let mut lines = Lines::new(text, limit);
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
        assert_eq!(read(b"{\"a\":\r1}\r\n\n  \r\nb\nhalf", 100).await, ["{\"a\": 1} ", "b"]);
    }

    #[tokio::test]
    async fn a_line_over_the_limit_leaves_its_id_and_the_next_line() {
        let long = format!("{{\"result\":\"{}\",\"id\":9}}\nnext\n", "x".repeat(300_000));
        assert_eq!(read(long.as_bytes(), 1000).await, ["300020 bytes, id Some(\"9\")", "next"]);
        assert_eq!(read(b"{\"id\":1,\"xx\":2}\nok\n", 8).await, ["15 bytes, id Some(\"1\")", "ok"]);
    }
}
