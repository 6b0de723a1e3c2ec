//! How many files the process may have open at once.
//!
//! Invariant: the soft limit only ever rises, and no further than the settings need. Children get back what it was.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

/// What is open besides connections: pipes of shards, the folder's watch, listeners.
const OTHERS: u64 = 1024;

/// Allows for `connections`, which the usual soft limit of 1,024 does not. The way out of a lower hard limit is logged.
pub(super) fn allow(connections: usize) {
    let wanted = OTHERS.saturating_add(connections as u64);
    let limit = getrlimit(Resource::Nofile);
    if let Some(raised) = raised(limit, wanted) {
        let limit = Rlimit { current: Some(raised), ..limit };
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            warn!(error = &error as &dyn std::error::Error, raised, "cannot raise the limit of open files");
        }
    }
    if let Some(hard) = limit.maximum.filter(|hard| *hard < wanted) {
        warn!(hard, wanted, "too few open files for `--max-connections`: lower it, or raise the limit (`ulimit -Hn`)");
    }
}

/// The new soft limit, if it must change.
fn raised(limit: Rlimit, wanted: u64) -> Option<u64> {
    let possible = limit.maximum.map_or(wanted, |hard| hard.min(wanted));
    limit.current.is_some_and(|soft| soft < possible).then_some(possible)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_rises_to_what_is_needed_within_the_hard_one() {
        let check = |current, maximum, expected| assert_eq!(raised(Rlimit { current, maximum }, 5120), expected);
        check(Some(1024), Some(524_288), Some(5120));
        check(Some(1024), Some(4096), Some(4096));
        check(Some(1024), None, Some(5120));
        check(Some(4096), Some(4096), None);
        check(Some(65_536), Some(65_536), None);
        check(None, None, None);
    }
}
