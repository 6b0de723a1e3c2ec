//! What a child says on stderr: always read, logged line by line, and the end of it kept.
//!
//! Invariant: secrets are masked before a line is kept or logged.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::BytesMut;
use memchr::memchr;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::config::Mask;

/// How much of the end is kept, in bytes.
const KEPT: usize = 64 * 1024;
/// Longer lines are cut into pieces.
const LINE: usize = 8 * 1024;

/// The last lines of a child's stderr. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct StderrTail(Arc<Mutex<Tail>>);

#[derive(Debug, Default)]
struct Tail {
    lines: VecDeque<String>,
    bytes: usize,
}

impl StderrTail {
    /// The last `count` lines, the oldest first.
    pub fn last(&self, count: usize) -> Vec<String> {
        let tail = self.0.lock().expect("no code that can panic runs under this lock");
        tail.lines.iter().skip(tail.lines.len().saturating_sub(count)).cloned().collect()
    }

    fn push(&self, line: String) {
        let mut tail = self.0.lock().expect("no code that can panic runs under this lock");
        tail.bytes += line.len();
        tail.lines.push_back(line);
        while tail.bytes > KEPT {
            let Some(oldest) = tail.lines.pop_front() else { break };
            tail.bytes -= oldest.len();
        }
    }
}

/// Reads until the child, and whoever inherited its stderr, closes it.
pub(crate) async fn read(mut stderr: impl AsyncRead + Unpin, tail: StderrTail, mask: Mask) {
    let mut buffer = BytesMut::with_capacity(LINE);
    loop {
        let end = memchr(b'\n', &buffer).or((buffer.len() >= LINE).then_some(LINE));
        if let Some(end) = end {
            take(&buffer.split_to(end), &tail, &mask);
            if buffer.first() == Some(&b'\n') {
                let _ = buffer.split_to(1);
            }
            continue;
        }
        buffer.reserve(LINE);
        match stderr.read_buf(&mut buffer).await {
            Ok(0) | Err(_) => return take(&buffer, &tail, &mask),
            Ok(_) => {}
        }
    }
}

fn take(line: &[u8], tail: &StderrTail, mask: &Mask) {
    let text = String::from_utf8_lossy(line);
    let text = mask.apply(text.trim_end());
    if !text.is_empty() {
        tracing::info!(target: "shard::stderr", "{text}");
        tail.push(text.into_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_end_is_kept_and_long_lines_are_cut() {
        let text = format!("{}\n{}last", "x".repeat(3 * LINE), "line\n".repeat(20_000));
        let tail = StderrTail::default();
        read(text.as_bytes(), tail.clone(), Mask::default()).await;
        assert_eq!(tail.last(2), ["line", "last"]);
        assert!(tail.last(usize::MAX).iter().map(String::len).sum::<usize>() <= KEPT);
    }
}
