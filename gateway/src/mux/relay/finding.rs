//! Finds the child for a call: at once if one is ready, else as soon as one is.
//!
//! Invariant (DESIGN D8): what was not sent waits as long as a start may take, a little for a shard that is down, and for
//! a child that is busy as long as a call may take. A search that is interrupted goes on where it was.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::parking::Waiting;
use crate::fleet::World;
use crate::mux::failure::CallError;
use crate::mux::parked::Parked;
use crate::shard::pool::{Prospect, Search, Tenant};
use crate::shard::{Place, Shard};

/// How long an unsent call waits for a shard that is down.
const DOWN: Duration = Duration::from_secs(3);
/// A call that gives way comes to its end within this, or another one has to.
const PACE: Duration = Duration::from_secs(2);

/// The search of one call.
#[derive(Debug)]
pub(super) struct Finding {
    world: watch::Receiver<Arc<World>>,
    since: Instant,
    /// Since when the shard is down.
    down: Option<Instant>,
    /// Calls that could give way, and when one was made to.
    parked: Arc<Parked<Waiting>>,
    made_way: Option<Instant>,
    /// The shard that had the name when it was looked at last, and what was found there.
    search: Option<(Shard, Search)>,
}

impl Finding {
    pub(super) fn new(world: &watch::Receiver<Arc<World>>, parked: &Arc<Parked<Waiting>>) -> Self {
        let (world, parked) = (world.clone(), Arc::clone(parked));
        Self { world, since: Instant::now(), down: None, parked, made_way: None, search: None }
    }

    /// The shard of the child whose end kept the call waiting.
    pub(super) fn child(&self) -> Option<&Shard> {
        self.search.as_ref().and_then(|(_, search)| search.child())
    }

    /// The child for a call of `tenant` to the shard called `name`. Wakes it if it sleeps. Safe to cancel.
    pub(super) async fn next(&mut self, name: &str, tenant: &Tenant) -> Result<Place, CallError> {
        loop {
            let shard = self.world.borrow_and_update().shard(name).cloned().ok_or(CallError::Removed)?;
            let (_, search) = match self.search.take_if(|(known, _)| !known.is(&shard)) {
                None if self.search.is_some() => self.search.as_mut().expect("it has just been seen"),
                _ => {
                    let search = shard.seek(tenant).map_err(CallError::Refused)?;
                    self.search.insert((shard.clone(), search))
                }
            };
            let timeouts = shard.spec().timeouts;
            let waited = self.since.elapsed();
            let found = search.look();
            let is_crowded = matches!(found, Err(Prospect::Busy(_)));
            let (until, error) = match found {
                Ok(place) => {
                    self.search = None;
                    return Ok(place);
                }
                Err(Prospect::Busy(children)) => (self.since + timeouts.call, CallError::Busy { children, waited }),
                Err(Prospect::Starting(ended)) => (self.since + timeouts.start, CallError::NotReady { waited, ended }),
                // It is being replaced by a new child, which is still to start.
                Err(Prospect::Draining) => {
                    let until = self.since + timeouts.drain + timeouts.stop + timeouts.start;
                    (until, CallError::NotReady { waited, ended: None })
                }
                Err(Prospect::Down(ended)) => {
                    let down = *self.down.get_or_insert_with(Instant::now);
                    (down + DOWN, CallError::NotReady { waited, ended })
                }
            };
            let way = make_way(&self.parked, name, self.made_way);
            tokio::select! {
                () = search.changed() => {}
                () = way, if is_crowded => self.made_way = Some(Instant::now()),
                _ = self.world.changed() => {}
                () = sleep_until(until) => return Err(error.after(self.since.elapsed())),
            }
        }
    }
}

/// Lets a call that waits for its client give way, but not while the one before it may be doing so.
async fn make_way(parked: &Parked<Waiting>, shard: &str, latest: Option<Instant>) {
    if let Some(latest) = latest {
        sleep_until(latest + PACE).await;
    }
    parked.make_way(shard).await;
}
