//! What the links of one shard's children have in common, and whose child is at the end of each.
//!
//! Invariant: marks are states, not events: a list has changed, however often and by whomever it was said.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::Notify;
use tokio::sync::mpsc::Sender;

use super::Elicited;
use crate::shard::pool::{Mail, Owner};
use crate::shard::roster::List;

/// What a link has in common with the links to the shard's other children, earlier and later ones too.
#[derive(Debug, Clone, Default)]
pub struct Ties {
    /// The lists that any of the children said have changed.
    pub(crate) marks: Arc<Marks>,
    /// Woken when the child has answered a call that was given up; `None` if that is nobody's concern, because the child
    /// goes to no other client.
    pub(crate) settled: Option<Arc<Notify>>,
    /// The session whose child it is.
    pub(crate) owner: Option<Owner>,
    /// The way to a session outside of its calls, for what the child says of a task or an elicitation.
    pub(crate) post: Option<Sender<Mail>>,
    /// The elicitations that this child and all others have announced.
    pub(crate) elicited: Elicited,
}

/// The lists that have changed since they were fetched.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    lists: AtomicU8,
    woken: Notify,
}

impl Marks {
    pub(crate) fn set(&self, lists: &[List]) {
        let bits = lists.iter().fold(0, |bits, list| bits | 1 << *list as u8);
        self.lists.fetch_or(bits, Ordering::AcqRel);
        self.woken.notify_one();
    }

    /// The lists that have changed since they were taken last.
    pub(crate) fn take(&self) -> Vec<List> {
        let bits = self.lists.swap(0, Ordering::AcqRel);
        List::ALL.into_iter().filter(|list| bits & (1 << *list as u8) != 0).collect()
    }

    /// Waits until there is one to take. Safe to cancel; only one may wait.
    pub(crate) async fn changed(&self) {
        while self.lists.load(Ordering::Acquire) == 0 {
            self.woken.notified().await;
        }
    }
}
