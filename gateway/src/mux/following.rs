//! What becomes of `resources/subscribe` and `resources/unsubscribe` of legacy clients.
//!
//! Invariant: a legacy shard answers them itself, as long as it need not be spared and the child that is asked is the one that
//! reports; a modern shard, which does not know them, is listened to instead.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Mux;
use super::client::Client;
use super::route::{self, Route};
use super::subscriptions::Course;
use crate::shard::Shard;
use crate::wire::{Era, Fault, Params, code};

/// How long a shard may take to say whether it reports on a resource. One that is not ready by then will be told later.
pub(super) const AGREEING: Duration = Duration::from_secs(5);

impl Mux {
    /// The way of a `resources/unsubscribe`: to the shard that was subscribed to, whatever the lists say by now.
    pub(super) fn left(&self, client: &Client, method: &str, params: &Params<'_>) -> Option<Route> {
        let uri = params.uri.filter(|_| method == "resources/unsubscribe")?.string()?;
        let shard = self.inner.subscriptions.shard_of(client.key, &uri, |shard| self.view.includes(shard))?;
        Some(Route::to_resource(method, shard, &uri, &self.view))
    }

    /// Answers a request of a legacy client to subscribe, or not to any more, for a modern shard, which has no such requests:
    /// its supervisor listens to the resource. `None` if it is another request, or the shard's to answer.
    pub(super) async fn followed_at_modern(&self, client: &Client, route: &Route) -> Option<Result<(), Fault>> {
        let uri = route.uri.as_deref()?;
        let begins = match &*route.method {
            "resources/subscribe" => true,
            "resources/unsubscribe" => false,
            _ => return None,
        };
        let shard = self.inner.world.borrow().shard(&route.shard).cloned()?;
        let roster = Arc::clone(&shard.known.borrow().as_ref()?.roster);
        if roster.era() == Era::Legacy {
            return None;
        }
        let subscriptions = &self.inner.subscriptions;
        if !begins {
            subscriptions.leave(client.key, &route.shard, uri);
            return Some(Ok(()));
        }
        if !roster.declares_that("resources", "subscribe") {
            let message = format!("the shard `{}` does not report on its resources", route.shard);
            return Some(Err(Fault::new(code::METHOD_NOT_FOUND, message)));
        }
        let resource = (Arc::clone(&route.shard), uri.to_owned());
        if let Err(fault) = subscriptions.wish_also(client.key, &resource) {
            return Some(Err(fault));
        }
        let resources = [resource];
        // A session without a child yet has nobody to wait for.
        let patience = if shard.is_to_report_to(client.key.0) { AGREEING } else { Duration::ZERO };
        subscriptions.decided(client.key, &resources, Instant::now() + patience).await;
        let followed = subscriptions.settle(client.key, &resources, |_| !shard.reports_to(client.key.0));
        Some(if followed.is_empty() { Err(route::no_resource(uri, Era::Legacy)) } else { Ok(()) })
    }

    /// Notes what a request to subscribe, or not to any more, will come to.
    pub(super) fn following(&self, client: &Client, route: &Route) -> Result<Option<Course>, Fault> {
        let subscriptions = &self.inner.subscriptions;
        let Some(uri) = &route.uri else { return Ok(None) };
        Ok(match &*route.method {
            "resources/subscribe" => Some(Course::AskShard(subscriptions.subscribe(client.key, &route.shard, uri)?)),
            "resources/unsubscribe" => {
                let shard = self.inner.world.borrow().shard(&route.shard).cloned();
                let reaches = |shard: &Shard| shard.is_called_where_it_reports_to(client.key.0);
                // A child that was never told of the resource would have nothing to stop.
                if shard.as_ref().is_some_and(|shard| !reaches(shard))
                    && subscriptions.follows(client.key, &route.shard, uri)
                {
                    subscriptions.leave(client.key, &route.shard, uri);
                    return Ok(Some(Course::Settled));
                }
                let instances = shard.map(|shard| shard.spec().process.instances).unwrap_or_default();
                Some(subscriptions.unsubscribe(client.key, &route.shard, uri, instances))
            }
            _ => None,
        })
    }
}
