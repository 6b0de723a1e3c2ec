//! How long a crashed shard waits before it is started again.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(60);
/// A shard that served this long has proved itself.
const PROVEN: Duration = Duration::from_secs(10);

/// Counts failures in a row; a shard is never given up.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
    /// How long the child served that has just ended.
    served: Duration,
}

impl Backoff {
    /// The delay after one more failure: none after the first, then doubling up to a minute, with a fifth of jitter. The
    /// time for which the child served counts as waited: what is bounded is how often a shard is started.
    pub(crate) fn next(&mut self) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(16);
        let delay = if self.failures == 0 { Duration::ZERO } else { (FIRST * 2_u32.pow(doublings)).min(LONGEST) };
        self.failures += 1;
        delay.mul_f64(0.8 + 0.4 * fraction()).saturating_sub(std::mem::take(&mut self.served))
    }

    /// The child had served for `time` when it ended. Each second makes up for one failure; but only one that served
    /// long is started again at once.
    pub(crate) fn lived(&mut self, time: Duration) {
        let forgiven = u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
        let left = self.failures.saturating_sub(forgiven);
        self.failures = if time >= PROVEN { 0 } else { left.max(self.failures.min(1)) };
        self.served = time;
    }

    /// The child had answered a client. It does what it is for, so that the past counts no more: one that is killed now
    /// and then, or by some calls, is back at once, and still not started more often than twice a second.
    pub(crate) fn proved(&mut self) {
        self.failures = self.failures.min(1);
    }
}

/// Between 0 and 1; without a source of randomness every shard waits equally long, which harms nobody.
fn fraction() -> f64 {
    f64::from(getrandom::u32().unwrap_or(u32::MAX / 2)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_restart_is_at_once_and_the_delay_is_bounded() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.next(), Duration::ZERO);
        let second = backoff.next();
        assert!(second >= FIRST.mul_f64(0.8) && second <= FIRST.mul_f64(1.2), "{second:?}");
        let late = (0..40).map(|_| backoff.next()).last().unwrap();
        assert!(late >= LONGEST.mul_f64(0.8) && late <= LONGEST.mul_f64(1.2), "{late:?}");
        backoff.lived(PROVEN);
        assert_eq!(backoff.next(), Duration::ZERO);
    }

    #[test]
    fn a_shard_that_served_for_a_while_waits_less_but_is_not_trusted_at_once() {
        let mut backoff = Backoff::default();
        let _ = (0..5).map(|_| backoff.next()).last();
        backoff.lived(Duration::from_secs(2));
        assert_eq!(backoff.failures, 3);
        backoff.lived(Duration::from_millis(999));
        assert_eq!(backoff.failures, 3);
        backoff.lived(Duration::from_secs(9));
        assert_eq!(backoff.failures, 1);
        let mut unhurt = Backoff::default();
        unhurt.lived(Duration::from_secs(3));
        assert_eq!(unhurt.next(), Duration::ZERO);
    }

    #[test]
    fn the_time_for_which_it_served_counts_as_waited_once() {
        let mut backoff = Backoff { failures: 3, ..Backoff::default() };
        backoff.lived(Duration::from_millis(900));
        let third = backoff.next();
        assert!(third >= FIRST.mul_f64(3.2 - 1.8) && third <= FIRST.mul_f64(4.8 - 1.8), "{third:?}");
        assert!(backoff.next() >= FIRST.mul_f64(8.0 * 0.8), "one that never served waits in full");
        let mut killed = Backoff { failures: 1, ..Backoff::default() };
        killed.lived(Duration::from_secs(2));
        assert_eq!(killed.next(), Duration::ZERO);
    }

    #[test]
    fn one_that_answered_a_client_is_not_held_to_its_past() {
        let mut backoff = Backoff { failures: 7, ..Backoff::default() };
        backoff.lived(Duration::from_millis(100));
        backoff.proved();
        let delay = backoff.next();
        assert!(delay >= FIRST.mul_f64(0.8 - 0.2) && delay <= FIRST.mul_f64(1.2 - 0.2), "{delay:?}");
    }
}
