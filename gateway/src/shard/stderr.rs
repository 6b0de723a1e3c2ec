//! What a child says on stderr: always read, logged line by line within a quota, and the end of it kept.
//!
//! Invariant: secrets are masked before a line is kept or logged.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::BytesMut;
use memchr::memchr;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::config::Mask;
use crate::shard::quota::Quota;

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
    /// How many lines there ever were.
    count: u64,
}

impl StderrTail {
    /// The last `count` lines, the oldest first.
    pub fn last(&self, count: usize) -> Vec<String> {
        self.last_since(0, count)
    }

    /// How many lines there have been: where a new child begins.
    pub(crate) fn position(&self) -> u64 {
        self.0.lock().expect("no code that can panic runs under this lock").count
    }

    /// The last `count` lines of those after `position`, the oldest first.
    pub(crate) fn last_since(&self, position: u64, count: usize) -> Vec<String> {
        let tail = self.0.lock().expect("no code that can panic runs under this lock");
        let fresh = usize::try_from(tail.count - position).unwrap_or(usize::MAX).min(count);
        tail.lines.iter().skip(tail.lines.len().saturating_sub(fresh)).cloned().collect()
    }

    fn push(&self, line: String) {
        let mut tail = self.0.lock().expect("no code that can panic runs under this lock");
        tail.bytes += line.len();
        tail.count += 1;
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
    let mut quota = Quota::default();
    loop {
        let end = memchr(b'\n', &buffer).or((buffer.len() >= LINE).then_some(LINE));
        if let Some(end) = end {
            take(&buffer.split_to(end), &tail, &mask, &mut quota);
            if buffer.first() == Some(&b'\n') {
                let _ = buffer.split_to(1);
            }
            continue;
        }
        buffer.reserve(LINE);
        match stderr.read_buf(&mut buffer).await {
            Ok(0) | Err(_) => {
                take(&buffer, &tail, &mask, &mut quota);
                return tell_left_out(quota.rest());
            }
            Ok(_) => {}
        }
    }
}

fn take(line: &[u8], tail: &StderrTail, mask: &Mask, quota: &mut Quota) {
    let text = String::from_utf8_lossy(line);
    let text = mask.apply(text.trim_end());
    if text.is_empty() {
        return;
    }
    if let Some(left_out) = quota.take(text.len()) {
        tell_left_out(left_out);
        tracing::info!(target: "shard::stderr", "{text}");
    }
    tail.push(text.into_owned());
}

fn tell_left_out(lines: u64) {
    if lines > 0 {
        tracing::warn!(lines, "the shard writes so much to stderr that lines were left out here");
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

    #[tokio::test]
    async fn a_child_has_no_last_words_of_the_one_before_it() {
        let tail = StderrTail::default();
        read(&b"one\ntwo\n"[..], tail.clone(), Mask::default()).await;
        let position = tail.position();
        assert!(tail.last_since(position, 3).is_empty());
        read(&b"three\n"[..], tail.clone(), Mask::default()).await;
        assert_eq!(tail.last_since(position, 3), ["three"]);
        assert_eq!(tail.last(2), ["two", "three"]);
    }
}
