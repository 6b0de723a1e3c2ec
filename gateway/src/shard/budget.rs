//! One byte budget for all results that wait in memory for a client (DESIGN D7).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

/// Lines up to this size are not counted: there are never more of them than calls in flight.
const FREE: usize = 4 * 1024;

/// How many bytes of results may be in memory at once. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Budget {
    left: Arc<AtomicUsize>,
    total: usize,
}

impl Budget {
    /// A budget of `total` bytes.
    pub fn new(total: usize) -> Self {
        Self { left: Arc::new(AtomicUsize::new(total)), total }
    }

    /// The whole budget, in bytes.
    pub fn total(&self) -> usize {
        self.total
    }

    /// Books `line` until its last slice is dropped; `None` if the budget does not reach.
    pub fn book(&self, line: Bytes) -> Option<Bytes> {
        let size = line.len();
        if size <= FREE {
            return Some(line);
        }
        let take = |left: usize| left.checked_sub(size);
        self.left.fetch_update(Ordering::AcqRel, Ordering::Acquire, take).ok()?;
        Some(Bytes::from_owner(Booked { line, left: Arc::clone(&self.left) }))
    }
}

struct Booked {
    line: Bytes,
    left: Arc<AtomicUsize>,
}

impl AsRef<[u8]> for Booked {
    fn as_ref(&self) -> &[u8] {
        &self.line
    }
}

impl Drop for Booked {
    fn drop(&mut self) {
        self.left.fetch_add(self.line.len(), Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_booking_lasts_as_long_as_any_slice_of_the_line() {
        let budget = Budget::new(10_000);
        let slice = budget.book(Bytes::from(vec![1; 8_000])).unwrap().slice(10..20);
        assert!(budget.book(Bytes::from(vec![1; 5_000])).is_none());
        assert!(budget.book(Bytes::from(vec![1; 4_000])).is_some(), "small lines are free");
        drop(slice);
        assert!(budget.book(Bytes::from(vec![1; 5_000])).is_some());
    }
}
