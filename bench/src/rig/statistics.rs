//! Statistics over latencies that are all kept.
//!
//! Invariant: nothing is estimated; a percentile is a latency that was measured.

use std::time::Duration;

/// Recorded latencies.
#[derive(Debug, Clone, Default)]
pub struct Latencies {
    nanos: Vec<u64>,
    sorted: bool,
}

impl Latencies {
    /// Adds one.
    pub fn record(&mut self, latency: Duration) {
        self.nanos.push(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
        self.sorted = false;
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: Self) {
        self.nanos.extend(other.nanos);
        self.sorted = false;
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.nanos.len()
    }

    /// The latency that `share` of all do not exceed: 0.5 is the median, 1.0 the worst. Zero if there are none.
    pub fn percentile(&mut self, share: f64) -> Duration {
        if !std::mem::replace(&mut self.sorted, true) {
            self.nanos.sort_unstable();
        }
        let rank = (self.nanos.len() as f64 * share).ceil() as usize;
        Duration::from_nanos(self.nanos.get(rank.saturating_sub(1)).copied().unwrap_or_default())
    }
}

/// The median; of an even number the mean of the middle two, of none zero.
pub fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        count if count % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_latency_that_was_measured() {
        let mut latencies = Latencies::default();
        for millis in (1..=100).rev() {
            latencies.record(Duration::from_millis(millis));
        }
        for (share, millis) in [(0.0, 1), (0.5, 50), (0.99, 99), (1.0, 100)] {
            assert_eq!(latencies.percentile(share), Duration::from_millis(millis), "{share}");
        }
        assert_eq!(Latencies::default().percentile(0.5), Duration::ZERO);
    }

    #[test]
    fn a_median_is_in_the_middle() {
        assert_eq!((median(&[]), median(&[3.0, 1.0, 2.0]), median(&[4.0, 1.0])), (0.0, 2.0, 2.5));
    }
}
