//! Notifications of clients that no revision names, on their way to the shard that can own what they name.
//!
//! Invariant: they wait for nothing and wake nobody. One that has nowhere to go is dropped, as any notification may be.

use super::client::Client;
use super::route::{Errand, Scope, unheard};
use super::task_ids::Holder;
use super::{Inner, Mux, rewrite};
use crate::config::Instances;
use crate::shard::{Live, Shard, ShardState};
use crate::wire::{Era, Notification, Params};

impl Mux {
    /// Passes a notification of a legacy client on, if there is one shard that can own it.
    pub(super) fn pass(&self, client: &Client, notification: &Notification<'_>) {
        let Ok(params) = Params::read(notification.params) else { return };
        if client.revision.era() == Era::Modern {
            return;
        }
        let world = self.inner.world.borrow().clone();
        let catalogue = world.seen(&self.view);
        let scope = self.scope(&catalogue, client);
        let Some(route) = unheard::route(&scope, &notification.method, &params) else { return };
        let live = match &route.errand {
            Errand::Follows(task, _) => Some(task.place.live.clone()),
            Errand::None | Errand::Makes => world.shard(&route.shard).and_then(|shard| child(shard, client)),
        };
        if let Some(Live { link, era: Era::Legacy, .. }) = live {
            let params = rewrite::passed(&route, notification.params, &params);
            link.pass(&notification.method, params.as_deref());
        }
    }

    pub(super) fn scope<'s>(&'s self, catalogue: &'s crate::catalogue::Catalogue, client: &Client) -> Scope<'s> {
        let Inner { shown, task_ids, .. } = &*self.inner;
        Scope { catalogue, view: &self.view, shown, tasks: task_ids, owner: Holder::of(client) }
    }
}

/// The child that hears what a client tells a shard outside of calls; none where each call has any.
fn child(shard: &Shard, client: &Client) -> Option<Live> {
    match (shard.spec().process.instances, &*shard.state.borrow()) {
        (Instances::Shared, ShardState::Ready(live)) => Some(live.clone()),
        (Instances::PerSession, _) => shard.private(client.key.0),
        (Instances::Shared | Instances::Exclusive, _) => None,
    }
}
