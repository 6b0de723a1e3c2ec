//! How much the HTTP door takes in at once (DESIGN D7).
//!
//! Invariant: whatever is taken is given back by dropping it, and what is refused is told the setting that refused it.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::door::refusal::Refused;

/// One bound, counted in whatever the caller counts.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    left: Arc<Semaphore>,
    limit: usize,
    what: &'static str,
    setting: &'static str,
}

impl Budget {
    /// At most `limit` of `what`, as `setting` says.
    pub(crate) fn new(limit: usize, what: &'static str, setting: &'static str) -> Self {
        let limit = limit.min(Semaphore::MAX_PERMITS);
        Self { left: Arc::new(Semaphore::new(limit)), limit, what, setting }
    }

    /// Takes `count`, or is refused with 503 at once.
    pub(crate) fn take(&self, count: usize) -> Result<OwnedSemaphorePermit, Refused> {
        let taken =
            u32::try_from(count).ok().and_then(|count| Arc::clone(&self.left).try_acquire_many_owned(count).ok());
        taken.ok_or_else(|| Refused::busy(self.spent()))
    }

    /// What there is to say when nothing is left.
    pub(crate) fn spent(&self) -> String {
        format!("the gateway is busy: the limit of {} {} (`{}`) is reached", self.limit, self.what, self.setting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_can_be_taken_again() {
        let budget = Budget::new(2, "requests at once", "--max-requests");
        let both = budget.take(2).unwrap();
        let refused = budget.take(1).unwrap_err();
        let (status, _, _, message) = refused.told();
        assert_eq!(status, 503);
        assert!(message.contains("2 requests at once (`--max-requests`)"), "{message}");
        drop(both);
        assert!(budget.take(1).is_ok());
    }
}
