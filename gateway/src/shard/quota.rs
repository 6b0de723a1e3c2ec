//! How much of what a shard says goes into the gateway's log.
//!
//! Invariant: in each second at most [`PER_SECOND`] bytes are logged, or one longer line; the rest is counted, and the
//! count is told with the next line that is logged.

use std::time::Duration;

use tokio::time::Instant;

/// Enough for any server that means well; a flood would cost more processor time than all calls.
const PER_SECOND: usize = 64 * 1024;
/// What stands around a line in the log.
const AROUND: usize = 128;
const SECOND: Duration = Duration::from_secs(1);

/// The share of one shard's stream.
#[derive(Debug, Default)]
pub(crate) struct Quota {
    second: Option<Instant>,
    logged: usize,
    left_out: u64,
}

impl Quota {
    /// Whether a line of that many bytes is logged, and then how many were left out before it.
    pub(crate) fn take(&mut self, length: usize) -> Option<u64> {
        let (now, length) = (Instant::now(), length + AROUND);
        if self.second.is_none_or(|second| now - second >= SECOND) {
            (self.second, self.logged) = (Some(now), 0);
        }
        if self.logged > 0 && self.logged + length > PER_SECOND {
            self.left_out += 1;
            return None;
        }
        self.logged += length;
        Some(self.rest())
    }

    /// How many lines were left out and not told.
    pub(crate) fn rest(&mut self) -> u64 {
        std::mem::take(&mut self.left_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_logged_in_part_and_the_rest_is_counted() {
        let mut quota = Quota::default();
        let taken: Vec<_> = (0..100).filter_map(|_| quota.take(PER_SECOND / 10 - AROUND)).collect();
        assert_eq!(taken, [0; 10]);
        tokio::time::advance(SECOND).await;
        assert_eq!(quota.take(2 * PER_SECOND), Some(90), "one long line is not lost");
        assert_eq!((quota.take(1), quota.rest(), quota.rest()), (None, 1, 0));
    }
}
