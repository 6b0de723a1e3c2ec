//! Which child a request must go to, because it follows up a task (2025-11-25, basic/utilities/tasks).
//!
//! Invariant: nobody reaches the task of another session, whether by `taskId` or by what `_meta` says.

use crate::mux::task_ids::TaskAt;
use crate::wire::{Fault, Kind, Meta, Params, Raw, code};

use super::{Route, Scope, quoted, text};

/// What a request has to do with tasks.
#[derive(Debug, Clone)]
pub(in crate::mux) enum Errand {
    None,
    /// Its answer may announce one.
    Makes,
    /// It is about one, and goes where that is.
    Follows(Box<TaskAt>, Follow),
}

/// What is asked of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::mux) enum Follow {
    Get,
    Result,
    Cancel,
    /// It is only named.
    Other,
}

/// The route of a request that names a task.
pub(super) fn follow(scope: &Scope<'_>, method: &str, follow: Follow, params: &Params<'_>) -> Result<Route, Fault> {
    let id = text(params.task_id, "params.taskId")?;
    let task = find(scope, &id).ok_or_else(|| unknown(&id))?;
    Ok(Route { errand: Errand::Follows(task.into(), follow), ..Route::to(scope, method, "") }.at_its_shard())
}

/// The task that the client knows by this id, if it may see the shard that made it.
pub(super) fn find(scope: &Scope<'_>, id: &str) -> Option<TaskAt> {
    scope.tasks.find(scope.client, id).filter(|task| scope.view.includes(&task.shard))
}

/// What a request that goes to `route` has to do with tasks.
pub(super) fn errand(scope: &Scope<'_>, route: &Route, params: &Params<'_>) -> Result<Errand, Fault> {
    if let Errand::Follows(..) = route.errand {
        // What it says in `_meta` is ignored in favour of the task that it names.
        return Ok(route.errand.clone());
    }
    let makes = &*route.method == "tools/call" && params.task.is_some_and(|task| task.kind() == Kind::Object);
    let Some(related) = params.meta.related_task else {
        return Ok(if makes { Errand::Makes } else { Errand::None });
    };
    // Measured: a server puts the answer to a request that claims a task where the task's owner reads it.
    let place = format!("params._meta.{}.taskId", Meta::RELATED_TASK);
    let id = text(Some(related).and_then(|related: Raw<'_>| related.get("taskId")), &place)?;
    let task = find(scope, &id).filter(|task| task.shard == route.shard).ok_or_else(|| unknown(&id))?;
    Ok(if makes { Errand::Makes } else { Errand::Follows(task.into(), Follow::Other) })
}

fn unknown(id: &str) -> Fault {
    let message = format!("unknown task `{}`: this session has none of that id here, or its `ttl` is over", quoted(id));
    Fault::new(code::INVALID_PARAMS, message)
}

impl Route {
    /// The same, to the shard of the task that it follows up.
    pub(super) fn at_its_shard(self) -> Self {
        match &self.errand {
            Errand::Follows(task, _) => Self { shard: task.shard.clone(), ..self },
            Errand::None | Errand::Makes => self,
        }
    }
}
