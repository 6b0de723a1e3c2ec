//! Methods that no revision names: extensions, and what servers made up.
//!
//! Invariant: they go to the one shard that can own what they name, and what could be meant for two goes to none. What the
//! gateway itself or a client answers is never passed on.

use std::sync::Arc;

use super::errands::{self, Errand, Follow};
use super::{Route, Scope, resource_owner};
use crate::shard::roster::List;
use crate::wire::{Params, Raw};

/// Known methods that are not for shards, whatever their parameters hold.
const OURS: [&str; 12] = [
    "initialize",
    "server/discover",
    "subscriptions/listen",
    "tasks/list",
    "sampling/createMessage",
    "elicitation/create",
    "roots/list",
    "notifications/initialized",
    "notifications/cancelled",
    "notifications/progress",
    "notifications/roots/list_changed",
    "notifications/tasks/status",
];

/// The route of a message of a legacy client by the `name`, `uri` and `taskId` that it holds; all of them must be the same
/// shard's.
pub(in crate::mux) fn route(scope: &Scope<'_>, method: &str, params: &Params<'_>) -> Option<Route> {
    if OURS.contains(&method) {
        return None;
    }
    let (mut shard, mut route) = (None, Route::to(scope, method, ""));
    if let Some(id) = params.task_id {
        let task = errands::find(scope, &id.string()?)?;
        route.errand = Errand::Follows(task.into(), Follow::Other);
        route = route.at_its_shard();
        agree(&mut shard, &route.shard)?;
    }
    if let Some(uri) = params.uri {
        agree(&mut shard, &resource_owner(scope, &uri.string()?)?)?;
    }
    if let Some(name) = params.name {
        let (owner, own) = by_name(scope, name)?;
        agree(&mut shard, &owner)?;
        let name = name.string()?;
        route.own_name = (*own != *name).then_some(own);
        route.exposed = Some((*name).into());
    }
    Some(Route { shard: shard?, ..route })
}

/// The shard that has a tool or a prompt of that name, and what it calls it; none if the two are not called the same there.
fn by_name(scope: &Scope<'_>, name: Raw<'_>) -> Option<(Arc<str>, Arc<str>)> {
    let name = name.string()?;
    let targets = [List::Tools, List::Prompts].map(|list| match list {
        List::Tools => scope.catalogue.tool(&name),
        _ => scope.catalogue.prompt(&name),
    });
    let mut found = targets.into_iter().flatten().map(|target| (Arc::clone(&target.shard), Arc::clone(&target.own)));
    let first = found.next()?;
    found.all(|other| other == first).then_some(first)
}

fn agree(known: &mut Option<Arc<str>>, shard: &Arc<str>) -> Option<()> {
    (known.get_or_insert_with(|| Arc::clone(shard)) == shard).then_some(())
}
