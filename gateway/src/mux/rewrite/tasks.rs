//! The id of a task where the client knows it by another than the shard.
//!
//! Invariant: only the ids of that very task are set; where both sides call it the same, not a byte is touched.

use bytes::Bytes;

use super::edited;
use crate::mux::client::Client;
use crate::mux::route::{Errand, Follow, Route};
use crate::wire::{Edit, Era, Meta, Params, Raw};

/// A result or parameters of the shard, with the id that the client knows.
pub(in crate::mux) fn renamed(object: Bytes, own: &str, shown: &str) -> Bytes {
    if own == shown {
        return object;
    }
    let Ok(raw) = Raw::parse(&object) else { return object };
    let id = text(shown);
    let is_own = |object: Raw<'_>| object.get("taskId").and_then(Raw::string).as_deref() == Some(own);
    let set = |object: Raw<'_>| is_own(object).then(|| edited(object, &[Edit::Set("taskId", &id)]));
    let task = raw.get("task").and_then(set);
    let meta = raw.get("_meta").and_then(|meta| {
        let related = meta.get(Meta::RELATED_TASK).and_then(set)?;
        Some(edited(meta, &[Edit::Set(Meta::RELATED_TASK, &related)]))
    });
    let mut edits = Vec::with_capacity(3);
    edits.extend(is_own(raw).then_some(Edit::Set("taskId", &id)));
    edits.extend(task.as_deref().map(|task| Edit::Set("task", task)));
    edits.extend(meta.as_deref().map(|meta| Edit::Set("_meta", meta)));
    if edits.is_empty() { object } else { edited(raw, &edits).into() }
}

/// The `taskId` for the shard, JSON text, if it is another than the client wrote.
pub(super) fn own_id(route: &Route, read: &Params<'_>) -> Option<String> {
    match &route.errand {
        Errand::Follows(task, _) if task.is_renamed() && read.task_id.is_some() => Some(text(&task.own)),
        _ => None,
    }
}

/// What becomes of the task that a request says in `_meta` that it belongs to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Related {
    Kept,
    /// The request names a task itself, and what `_meta` says is to be ignored (2025-11-25, "Associating Task-Related
    /// Messages"). Shards do not ignore it.
    Removed,
    /// The value for the shard, JSON text.
    Set(String),
}

pub(super) fn related(route: &Route, client: &Client, read: &Params<'_>) -> Related {
    // In the modern era the key means nothing, and legacy shards see none like it of modern clients.
    let related = read.meta.related_task.filter(|_| client.revision.era() == Era::Legacy);
    match (&route.errand, related) {
        (Errand::Follows(_, Follow::Get | Follow::Result | Follow::Cancel), Some(_)) => Related::Removed,
        (Errand::Follows(task, Follow::Other), Some(related)) if task.is_renamed() => {
            Related::Set(edited(related, &[Edit::Set("taskId", &text(&task.own))]))
        }
        _ => Related::Kept,
    }
}

/// What a modern client says of a task in a call means nothing in its era, and would make a task at a legacy shard that the
/// client could never ask for.
pub(super) fn disregarded(client: &Client, era: Era, read: &Params<'_>) -> Option<Edit<'static>> {
    let is_bridged = client.revision.era() == Era::Modern && era == Era::Legacy;
    read.task.filter(|_| is_bridged).map(|_| Edit::Remove("task"))
}

fn text(id: &str) -> String {
    serde_json::to_string(id).expect("a string is always JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_ids_of_that_task_are_set() {
        let check = |object: &str, expected: &str| {
            let seen = renamed(Bytes::copy_from_slice(object.as_bytes()), "1", "1~2");
            assert_eq!(seen, expected, "{object}");
        };
        let related = |id: &str| {
            format!(
                r#"{{"content":[{{"taskId":"1"}}], "_meta":{{"a":1e5,"io.modelcontextprotocol/related-task":{{ "taskId":"{id}"}}}}}}"#
            )
        };
        check(&related("1"), &related("1~2"));
        check(&related("2"), &related("2"));
        check(r#"{"task":{"ttl":1.0,"taskId":"1"}}"#, r#"{"task":{"ttl":1.0,"taskId":"1~2"}}"#);
        check(r#"{"taskId":"\u0031","status":"working"}"#, r#"{"taskId":"1~2","status":"working"}"#);
        check(r#"{"taskId":1,"task":"1"}"#, r#"{"taskId":1,"task":"1"}"#);
        check(
            r#"{"resultType":"complete","status":"completed", "taskId": "1","result":{"taskId":"1","x":1.0}}"#,
            r#"{"resultType":"complete","status":"completed", "taskId": "1~2","result":{"taskId":"1","x":1.0}}"#,
        );
        let odd = Bytes::from_static(br#"{"taskId" :"1"}"#);
        assert_eq!(renamed(odd.clone(), "1", "1"), odd);
    }
}
