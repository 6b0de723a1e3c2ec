//! What must change on the way between a client and a shard, and nothing else.
//!
//! Invariant (DESIGN D1): only the keys named here are set or stripped; every other byte is copied.

mod errors;
mod tasks;

use std::borrow::Cow;

use bytes::Bytes;
use memchr::memmem;

pub(super) use self::errors::error;
use self::tasks::Related;
pub(super) use self::tasks::renamed;
use super::client::Client;
use super::route::Route;
use crate::wire::{Capabilities, Edit, Era, Kind, Meta, Params, Raw, Revision, read_object, request, splice};

/// The message for the shard: its own name for the tool, our number as id and progress token, and the `_meta` of its era.
/// `asks` is what a legacy client can be asked on the way to its answer.
pub(super) fn outgoing(
    number: u64,
    route: &Route,
    (client, asks): (&Client, Capabilities),
    era: Era,
    params: Option<Raw<'_>>,
    read: &Params<'_>,
) -> Vec<u8> {
    let meta = meta(number, route, (client, asks), era, read);
    let is_foreign = client.revision.era() == Era::Modern && era == Era::Legacy;
    let edits = [
        meta.as_deref().map(|meta| Edit::Set("_meta", meta)),
        read.input_responses.filter(|_| is_foreign).map(|_| Edit::Remove("inputResponses")),
        read.request_state.filter(|_| is_foreign).map(|_| Edit::Remove("requestState")),
        // In the modern era it means nothing; here it would make a task that the client could never ask for.
        read.task.filter(|_| is_foreign).map(|_| Edit::Remove("task")),
    ];
    match parameters(route, &edits, params, read) {
        Some(written) => request(number, &route.method, Some(&written)),
        None => request(number, &route.method, params.map(|params| params.as_str().as_bytes())),
    }
}

/// The parameters of a notification for the shard.
pub(super) fn passed(route: &Route, params: Option<Raw<'_>>, read: &Params<'_>) -> Option<Vec<u8>> {
    let written = parameters(route, &[], params, read);
    written.or_else(|| params.map(|params| params.as_str().as_bytes().to_vec()))
}

/// The parameters for the shard, if they are others than the client wrote: with its own names, and with `more` edits.
fn parameters(route: &Route, more: &[Option<Edit<'_>>], params: Option<Raw<'_>>, read: &Params<'_>) -> Option<Vec<u8>> {
    let name = route.own_name.as_ref().map(|own| serde_json::to_string(&**own).expect("a string is always JSON"));
    let reference = match (&name, read.reference) {
        (Some(name), Some(reference)) if &*route.method == "completion/complete" => {
            Some(edited(reference, &[Edit::Set("name", name)]))
        }
        _ => None,
    };
    let task_id = tasks::own_id(route, read);
    let mut edits = Vec::with_capacity(4);
    match (&name, &reference) {
        (_, Some(reference)) => edits.push(Edit::Set("ref", reference)),
        (Some(name), None) => edits.push(Edit::Set("name", name)),
        (None, None) => {}
    }
    edits.extend(task_id.as_deref().map(|id| Edit::Set("taskId", id)));
    edits.extend(more.iter().flatten());
    if edits.is_empty() {
        return None;
    }
    let mut spliced = Vec::with_capacity(params.map_or(2, |params| params.as_str().len()) + 64);
    splice(params.unwrap_or(Raw::EMPTY_OBJECT), &edits, &mut spliced);
    Some(spliced)
}

/// The `_meta` that the shard gets, if it is another than the client wrote.
fn meta(
    number: u64,
    route: &Route,
    (client, asks): (&Client, Capabilities),
    era: Era,
    read: &Params<'_>,
) -> Option<String> {
    let related = tasks::related(route, client, read);
    if read.meta.progress_token.is_none() && client.revision.era() == era && related == Related::Kept {
        return None;
    }
    let number = number.to_string();
    let version = format!("\"{}\"", Revision::MODERN.as_str());
    let level = client.level.map(|level| format!("\"{}\"", level.as_str()));
    let capabilities;
    let mut edits = Vec::with_capacity(6);
    if read.meta.progress_token.is_some() {
        edits.push(Edit::Set("progressToken", &number));
    }
    match &related {
        Related::Kept => {}
        Related::Removed => edits.push(Edit::RemovePrefixed(Meta::RELATED_TASK)),
        Related::Set(related) => edits.push(Edit::Set(Meta::RELATED_TASK, related)),
    }
    match (client.revision.era(), era) {
        (Era::Modern, Era::Legacy) => edits.push(Edit::RemovePrefixed(Meta::PREFIX)),
        (Era::Legacy, Era::Modern) => {
            capabilities = asks.to_modern_json();
            edits.extend([
                Edit::Set(Meta::PROTOCOL_VERSION, &version),
                Edit::Set(Meta::CLIENT_INFO, &client.info),
                Edit::Set(Meta::CLIENT_CAPABILITIES, &capabilities),
            ]);
            // Such a shard logs nothing for a request that names no level.
            edits.extend(level.as_deref().map(|level| Edit::Set(Meta::LOG_LEVEL, level)));
        }
        (Era::Legacy, Era::Legacy) | (Era::Modern, Era::Modern) => {}
    }
    Some(edited(read.meta.object.unwrap_or(Raw::EMPTY_OBJECT), &edits))
}

/// A progress notification with the client's own token.
pub(super) fn progress(params: &Bytes, token: &str) -> Option<Vec<u8>> {
    Some(edited(Raw::parse(params).ok()?, &[Edit::Set("progressToken", token)]).into_bytes())
}

/// A result as a client of some era can be given it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Crossed {
    /// The call has come to its end.
    Complete(Bytes),
    /// A modern shard asks a legacy client for something first: its result as it is.
    InputRequired(Bytes),
}

/// A result for a client of another era than the shard's.
pub(super) fn result(result: Bytes, method: &str, from: Era, to: Era) -> Result<Crossed, String> {
    if from == to {
        return Ok(Crossed::Complete(result));
    }
    let raw = Raw::parse(&result).map_err(|malformed| malformed.to_string())?;
    let read = read_object(raw, &["resultType", "ttlMs", "cacheScope", "structuredContent"]);
    let [kind, ttl, scope, structured] = read.map_err(|ambiguous| ambiguous.to_string())?;
    if to == Era::Legacy {
        return match kind.and_then(Raw::string).as_deref() {
            None | Some("complete") => {
                let object = as_object(structured, raw).map(Bytes::from);
                Ok(Crossed::Complete(object.unwrap_or_else(|| result.clone())))
            }
            Some("input_required") => Ok(Crossed::InputRequired(result)),
            Some(_) => Err("its `resultType` is none that a client of the legacy era can be given".to_owned()),
        };
    }
    let mut edits = Vec::with_capacity(3);
    // The key means nothing in the legacy era, whatever a shard has put there, and all its results are whole.
    if kind.and_then(Raw::string).as_deref() != Some("complete") {
        edits.push(Edit::Set("resultType", "\"complete\""));
    }
    if method == "resources/read" {
        edits.extend(ttl.is_none().then_some(Edit::Set("ttlMs", "0")));
        edits.extend(scope.is_none().then_some(Edit::Set("cacheScope", "\"private\"")));
    }
    Ok(Crossed::Complete(edited(raw, &edits).into()))
}

/// The result with an object around the `structuredContent`, as the SDKs do it, if that is none: the legacy revisions know
/// no other, and their clients would refuse the whole result.
fn as_object(structured: Option<Raw<'_>>, result: Raw<'_>) -> Option<String> {
    let structured = structured.filter(|structured| structured.kind() != Kind::Object)?;
    let object = format!("{{\"result\":{}}}", structured.as_str());
    Some(edited(result, &[Edit::Set("structuredContent", &object)]))
}

/// Longer uris that a result shows are not remembered, in bytes.
const LONGEST_URI: usize = 2048;

/// The uris that a result shows, so that a later read finds its shard.
pub(super) fn shown_uris(result: &Bytes) -> Vec<String> {
    if memmem::find(result, b"\"uri\"").is_none() {
        return Vec::new();
    }
    let Ok(result) = Raw::parse(result) else { return Vec::new() };
    // The answer to `tasks/get` holds the result of the call within its own.
    let results = [Some(result), result.get("result")].into_iter().flatten();
    let lists = results.flat_map(|result| ["content", "contents"].into_iter().filter_map(move |key| result.get(key)));
    let uris = lists.flat_map(|list| list.elements().collect::<Vec<_>>()).filter_map(|item| {
        let uri = item.get("uri").or_else(|| item.get("resource")?.get("uri"))?;
        uri.string().filter(|uri| uri.len() <= LONGEST_URI).map(Cow::into_owned)
    });
    uris.collect()
}

/// An object with these changes, as text.
pub(super) fn edited(object: Raw<'_>, edits: &[Edit<'_>]) -> String {
    let mut out = Vec::with_capacity(object.as_str().len() + 64);
    splice(object, edits, &mut out);
    String::from_utf8(out).expect("pieces of JSON text are UTF-8")
}

#[cfg(test)]
mod tests;
