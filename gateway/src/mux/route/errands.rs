//! Which child a request must go to, because it follows up a task (2025-11-25, basic/utilities/tasks; 2026-07-28, the
//! extension).
//!
//! Invariant: nobody reaches the task of another owner, whether by `taskId` or by what `_meta` says.

use serde_json::json;

use crate::mux::task_ids::TaskAt;
use crate::wire::{Era, Fault, Kind, Meta, Params, Raw, TASKS, code, takes_tasks};

use super::{Route, Scope, not_served, quoted, text};

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
    /// Here is what it has asked for.
    Update,
    /// It is only named.
    Other,
}

/// The route of a request that names a task.
pub(super) fn follow(
    scope: &Scope<'_>,
    era: Era,
    method: &str,
    follow: Follow,
    params: &Params<'_>,
) -> Result<Route, Fault> {
    let is_served = era == Era::Legacy || scope.catalogue.has_task_extension();
    if era == Era::Modern && !takes_tasks(&params.meta) {
        return Err(if is_served { undeclared() } else { not_served(method) });
    }
    let id = text(params.task_id, "params.taskId")?;
    let task = find(scope, &id).ok_or_else(|| if is_served { unknown(&id, era) } else { not_served(method) })?;
    Ok(Route { errand: Errand::Follows(task.into(), follow), ..Route::to(scope, method, "") }.at_its_shard())
}

/// The task that the client knows by this id, if it may see the shard that made it.
pub(super) fn find(scope: &Scope<'_>, id: &str) -> Option<TaskAt> {
    scope.tasks.find(scope.owner, id).filter(|task| scope.view.includes(&task.shard))
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
    let of_shard = find(scope, &id).filter(|task| task.shard == route.shard);
    let task = of_shard.ok_or_else(|| unknown(&id, Era::Legacy))?;
    Ok(if makes { Errand::Makes } else { Errand::Follows(task.into(), Follow::Other) })
}

/// The same for a request of the modern era, whose `_meta` names no task. It passes as it is: that of a client which has not
/// declared the extension is the shard's to answer or to refuse.
pub(super) fn modern(route: Route, params: &Params<'_>) -> Route {
    let makes = &*route.method == "tools/call" && takes_tasks(&params.meta);
    if makes { Route { errand: Errand::Makes, ..route } } else { route }
}

fn unknown(id: &str, era: Era) -> Fault {
    let why = match era {
        Era::Legacy => "this session has none of that id here, or its `ttl` is over",
        Era::Modern => "none of that id was made here for you since the gateway was started, or its `ttlMs` is over",
    };
    Fault::new(code::INVALID_PARAMS, format!("unknown task `{}`: {why}", quoted(id)))
}

/// -32021 with what the client must declare.
fn undeclared() -> Fault {
    let message = format!("declare the extension `{TASKS}` in `{}` of this request", Meta::CLIENT_CAPABILITIES);
    let required = json!({"requiredCapabilities": {"extensions": {TASKS: {}}}});
    Fault::new(code::MISSING_CAPABILITY, message).with_data(required)
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
