//! Finds the child for a call: at once if one is ready, else as soon as one is.
//!
//! Invariant (DESIGN D8): what was not sent waits as long as a start may take, and a little for a shard that is down.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::mux::Inner;
use crate::mux::failure::CallError;
use crate::shard::{Place, Shard, ShardState};

/// How long an unsent call waits for a shard that is down.
const DOWN: Duration = Duration::from_secs(3);

/// The child that can take a call now.
pub(super) fn ready(shard: &Shard) -> Option<Place> {
    match &*shard.state.borrow() {
        ShardState::Ready(live) => Some(Place::shared(shard.clone(), live.clone())),
        _ => None,
    }
}

/// Waits for a shard to be ready: as long as a start may take if it is starting, a little if it is down (DESIGN D8). Wakes
/// it if it sleeps.
pub(super) async fn find(mux: &Inner, name: &str) -> Result<Place, CallError> {
    let since = Instant::now();
    let mut down = None;
    let mut world = mux.world.clone();
    loop {
        let shard = world.borrow_and_update().shard(name).cloned().ok_or(CallError::Removed)?;
        let mut state = shard.state.clone();
        let timeouts = || shard.spec().timeouts;
        let (until, ended) = match &*state.borrow_and_update() {
            ShardState::Ready(live) if !live.link.is_closed() => {
                let live = live.clone();
                return Ok(Place::shared(shard, live));
            }
            ShardState::Starting => (since + timeouts().start, shard.stats.last_ended()),
            ShardState::Asleep => {
                shard.wake();
                (since + timeouts().start, None)
            }
            // It is being replaced by a new child, which is still to start.
            ShardState::Draining => {
                let timeouts = timeouts();
                (since + timeouts.drain + timeouts.stop + timeouts.start, None)
            }
            ShardState::Backoff { ended, .. } => {
                (*down.get_or_insert_with(Instant::now) + DOWN, Some(Arc::clone(ended)))
            }
            ShardState::Ready(_) | ShardState::Stopped => (*down.get_or_insert_with(Instant::now) + DOWN, None),
        };
        tokio::select! {
            _ = state.changed() => {}
            _ = world.changed() => {}
            () = sleep_until(until) => return Err(CallError::NotReady { waited: since.elapsed(), ended }),
        }
    }
}
