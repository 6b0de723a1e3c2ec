//! Which shard answers a request.
//!
//! Invariant: decided from one snapshot and from keys that can be read in one way only.

mod errands;
pub(super) mod unheard;

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use serde_json::json;

pub(super) use self::errands::{Errand, Follow, undeclared};
use super::task_ids::{Holder, TaskIds};
use crate::catalogue::{Catalogue, Owner, Target};
use crate::fleet::{View, World};
use crate::shard::roster::List;
use crate::wire::{Era, Fault, Params, Raw, code};

/// How many uris are remembered that shards have shown in results (DESIGN D5).
const SHOWN: usize = 4096;
/// Longer ones are not worth their place.
const LONGEST: usize = 2048;
/// Longer names are cut in messages.
const QUOTED: usize = 100;

/// Where a request goes.
#[derive(Debug, Clone)]
pub(super) struct Route {
    pub(super) method: Box<str>,
    pub(super) shard: Arc<str>,
    /// The shard's own name for the tool or prompt, if it is another than the exposed one.
    pub(super) own_name: Option<Arc<str>>,
    /// The exposed name, for the log.
    pub(super) exposed: Option<Box<str>>,
    /// The uri that is read.
    pub(super) uri: Option<Box<str>>,
    /// Where the client has seen it.
    pub(super) view: Arc<View>,
    /// What it has to do with tasks.
    pub(super) errand: Errand,
}

/// Where a request is routed: what the client sees and nothing else.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) view: &'a Arc<View>,
    pub(super) shown: &'a Shown,
    pub(super) tasks: &'a TaskIds,
    pub(super) owner: Holder,
}

impl Route {
    /// To the shard that has a resource.
    pub(super) fn to_resource(method: &str, shard: Arc<str>, uri: &str, view: &Arc<View>) -> Self {
        let (own_name, exposed, errand) = (None, None, Errand::None);
        Self { method: method.into(), shard, own_name, exposed, uri: Some(uri.into()), view: Arc::clone(view), errand }
    }

    /// Whether the exposed name still means the same item: while a call waited, its file may have hidden or renamed it.
    pub(super) fn holds_in(&self, world: &World) -> bool {
        let Some(exposed) = &self.exposed else { return true };
        let catalogue = world.seen(&self.view);
        let (tool, prompt) = (catalogue.tool(exposed), catalogue.prompt(exposed));
        let targets = match &*self.method {
            "tools/call" => [tool, None],
            "prompts/get" | COMPLETE => [prompt, None],
            _ => [tool, prompt],
        };
        let own: &str = self.own_name.as_deref().unwrap_or(exposed);
        targets.into_iter().flatten().any(|target| target.shard == self.shard && &*target.own == own)
    }

    /// A request that names nothing but its shard.
    fn to(scope: &Scope<'_>, method: &str, shard: impl Into<Arc<str>>) -> Self {
        let view = Arc::clone(scope.view);
        let (own_name, exposed, uri) = (None, None, None);
        Self { method: method.into(), shard: shard.into(), own_name, exposed, uri, view, errand: Errand::None }
    }
}

/// The uris that shards have shown last, so that what no list names can be read. Bounded.
#[derive(Debug, Default)]
pub(super) struct Shown(Mutex<Owners>);

#[derive(Debug, Default)]
struct Owners {
    by_uri: HashMap<String, Arc<str>>,
    /// The oldest first.
    order: VecDeque<String>,
}

impl Shown {
    pub(super) fn remember(&self, uris: Vec<String>, shard: &Arc<str>) {
        if uris.is_empty() {
            return;
        }
        let mut owners = self.0.lock().expect("no code that can panic runs under this lock");
        for uri in uris.into_iter().filter(|uri| uri.len() <= LONGEST) {
            if owners.by_uri.insert(uri.clone(), Arc::clone(shard)).is_none() {
                owners.order.push_back(uri);
            }
        }
        while owners.order.len() > SHOWN {
            if let Some(oldest) = owners.order.pop_front() {
                owners.by_uri.remove(&oldest);
            }
        }
    }

    fn owner(&self, uri: &str) -> Option<Arc<str>> {
        self.0.lock().expect("no code that can panic runs under this lock").by_uri.get(uri).cloned()
    }
}

/// Whether a request of this method may be answered with questions (2026-07-28, basic/patterns/mrtr).
pub(super) fn may_need_input(method: &str) -> bool {
    matches!(method, "tools/call" | "prompts/get" | "resources/read")
}

/// The shard for a request that the gateway does not answer itself.
pub(super) fn route(scope: &Scope<'_>, era: Era, method: &str, params: &Params<'_>) -> Result<Route, Fault> {
    let route = by_method(scope, era, method, params)?;
    if era == Era::Modern {
        return Ok(errands::modern(route, params));
    }
    let errand = errands::errand(scope, &route, params)?;
    Ok(Route { errand, ..route })
}

fn by_method(scope: &Scope<'_>, era: Era, method: &str, params: &Params<'_>) -> Result<Route, Fault> {
    match method {
        "tools/call" => named(scope, List::Tools, method, params.name, "params.name"),
        "prompts/get" => named(scope, List::Prompts, method, params.name, "params.name"),
        "resources/read" => resource(scope, era, method, params),
        "resources/subscribe" | "resources/unsubscribe" if era == Era::Legacy => resource(scope, era, method, params),
        COMPLETE => complete(scope, params),
        "tasks/get" => errands::follow(scope, era, method, Follow::Get, params),
        "tasks/cancel" => errands::follow(scope, era, method, Follow::Cancel, params),
        "tasks/result" if era == Era::Legacy => errands::follow(scope, era, method, Follow::Result, params),
        "tasks/update" if era == Era::Modern => errands::follow(scope, era, method, Follow::Update, params),
        _ => unheard::route(scope, method, params).filter(|_| era == Era::Legacy).ok_or_else(|| not_served(method)),
    }
}

const COMPLETE: &str = "completion/complete";

fn not_served(method: &str) -> Fault {
    Fault::new(code::METHOD_NOT_FOUND, format!("method `{}` is not served here", quoted(method)))
}

fn resource(scope: &Scope<'_>, era: Era, method: &str, params: &Params<'_>) -> Result<Route, Fault> {
    let uri = text(params.uri, "params.uri")?;
    let shard = resource_owner(scope, &uri).ok_or_else(|| no_resource(&uri, era))?;
    Ok(Route::to_resource(method, shard, &uri, scope.view))
}

/// Whatever cannot be completed is a fault of the parameters, in both eras (2025-11-25, server/utilities/completion).
fn complete(scope: &Scope<'_>, params: &Params<'_>) -> Result<Route, Fault> {
    let reference =
        params.reference.ok_or_else(|| Fault::new(code::INVALID_PARAMS, "`params.ref` must be an object"))?;
    match reference.get("type").and_then(Raw::string).as_deref() {
        Some("ref/prompt") => named(scope, List::Prompts, COMPLETE, reference.get("name"), "params.ref.name"),
        Some("ref/resource") => {
            let uri = text(reference.get("uri"), "params.ref.uri")?;
            let owner = scope.catalogue.template_owner(&uri).cloned().or_else(|| resource_owner(scope, &uri));
            let shard = owner.ok_or_else(|| no_resource(&uri, Era::Modern))?;
            Ok(Route::to_resource(COMPLETE, shard, &uri, scope.view))
        }
        _ => Err(Fault::new(code::INVALID_PARAMS, "`params.ref.type` must be `ref/prompt` or `ref/resource`")),
    }
}

fn named(scope: &Scope<'_>, list: List, method: &str, name: Option<Raw<'_>>, place: &str) -> Result<Route, Fault> {
    let name = text(name, place)?;
    let catalogue = scope.catalogue;
    let target = if list == List::Tools { catalogue.tool(&name) } else { catalogue.prompt(&name) };
    let Target { shard, own, .. } = target.ok_or_else(|| unknown(catalogue, list, &name))?;
    Ok(Route {
        own_name: (**own != *name).then(|| Arc::clone(own)),
        exposed: Some((*name).into()),
        ..Route::to(scope, method, Arc::clone(shard))
    })
}

pub(super) fn resource_owner(scope: &Scope<'_>, uri: &str) -> Option<Arc<str>> {
    match (scope.catalogue.resource(uri), &**scope.view) {
        (Owner::Listed(shard) | Owner::OnlyTemplate(shard), _) => Some(Arc::clone(shard)),
        // A shard may know uris that it does not list, and here it is the only one to ask.
        (Owner::Ambiguous(_) | Owner::Unknown, View::Alone(shard)) => Some(Arc::clone(shard)),
        (Owner::Ambiguous(_) | Owner::Unknown, view) => scope.shown.owner(uri).filter(|shard| view.includes(shard)),
    }
}

fn text<'a>(value: Option<Raw<'a>>, place: &str) -> Result<Cow<'a, str>, Fault> {
    let text = value.and_then(Raw::string);
    text.ok_or_else(|| Fault::new(code::INVALID_PARAMS, format!("`{place}` must be a string")))
}

fn unknown(catalogue: &Catalogue, list: List, name: &str) -> Fault {
    let what = if list == List::Tools { "tool" } else { "prompt" };
    let near = catalogue.nearest(list, name);
    let hint = match &near[..] {
        [] => String::new(),
        names => {
            format!("; did you mean {}?", names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or "))
        }
    };
    let message = format!("unknown {what} `{}`{hint}", quoted(name));
    Fault::new(code::INVALID_PARAMS, message).with_data(json!({"name": quoted(name), "nearest": near}))
}

pub(super) fn no_resource(uri: &str, era: Era) -> Fault {
    let code = if era == Era::Legacy { code::RESOURCE_NOT_FOUND } else { code::INVALID_PARAMS };
    Fault::new(code, format!("no shard has the resource `{}`", quoted(uri))).with_data(json!({"uri": uri}))
}

fn quoted(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests;
