//! A shard whose process is being exchanged (DESIGN D4).
//!
//! Invariant: until the new process has been ready once, the old spec is at hand.

use std::sync::Arc;

use super::Trouble;
use crate::config::ShardSpec;
use crate::shard::{Ended, Shard, ShardState};

/// An exchange that is not done.
#[derive(Debug)]
pub(super) enum Change {
    /// `reload: swap`: the new process starts beside the old one, which serves until the new one is ready.
    Swap {
        /// The new one. It is tried until it is ready or the file changes.
        next: Shard,
    },
    /// `reload: restart`: the new process has the place of the old one, and has not been ready.
    Restart {
        /// The spec of the old one.
        before: Arc<ShardSpec>,
    },
    /// `reload: restart`, and the new process failed: the old spec has its place again until the file changes.
    Refused {
        /// The spec of the new one.
        spec: Arc<ShardSpec>,
        /// How it failed.
        ended: Arc<Ended>,
    },
}

/// What a change has come to.
pub(super) enum Step {
    /// Nothing new.
    Wait,
    /// The new process is ready to take the place.
    Promote(Shard),
    /// The new process is ready in its place.
    Done,
    /// The new process failed in its place: back to the old spec.
    Back(Arc<ShardSpec>, Arc<Ended>),
}

impl Change {
    /// What is tried, or was, unless it has the place already.
    pub(super) fn next(&self) -> Option<Arc<ShardSpec>> {
        match self {
            Self::Swap { next } => Some(next.spec()),
            Self::Restart { .. } => None,
            Self::Refused { spec, .. } => Some(Arc::clone(spec)),
        }
    }

    /// What it has come to, while `current` has the place.
    pub(super) fn step(&self, current: &Shard) -> Step {
        match self {
            Self::Swap { next } if is_ready(next) => Step::Promote(next.clone()),
            Self::Restart { .. } if is_ready(current) => Step::Done,
            Self::Restart { before } => match &*current.state.borrow() {
                ShardState::Backoff { ended, .. } => Step::Back(Arc::clone(before), Arc::clone(ended)),
                _ => Step::Wait,
            },
            Self::Swap { .. } | Self::Refused { .. } => Step::Wait,
        }
    }

    /// What a person should know of it.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        let (spec, ended, consequence) = match self {
            Self::Swap { next } => {
                let consequence = "the old process serves on and the new one is tried again; if the two cannot run at \
                                   the same time (a port, a lock, a database file), write `reload: restart`";
                (next.spec(), next.stats.last_ended()?, consequence)
            }
            Self::Restart { .. } => return None,
            Self::Refused { spec, ended } => {
                (Arc::clone(spec), Arc::clone(ended), "the old spec is back; change the file to try again")
            }
        };
        let words = ended.last_words();
        let message = format!("the changed process of `{}` does not come up: {ended}{words}; {consequence}", spec.name);
        Some(Trouble { file: spec.source.clone(), line: None, message })
    }
}

fn is_ready(shard: &Shard) -> bool {
    matches!(*shard.state.borrow(), ShardState::Ready(_))
}
