//! What a modern client wants to hear of (2026-07-28, basic/patterns/subscriptions, "Notification Filter").
//!
//! Invariant: what is not asked for is not told, and what is not known here is not honoured. A further kind of filter is a
//! field of [`Filter`], read in [`Filter::read`], and given back in [`Filter::honoured`] if it is honoured.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::shard::followed::OF_ONE;
use crate::shard::link::ListKind;
use crate::wire::{self, Fault, Raw, code, read_object};

const RESOURCES: &str = "resourceSubscriptions";
const TASKS: &str = "taskIds";
/// How many tasks one request may name.
const TASKS_OF_ONE: usize = 256;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::mux) struct Filter {
    pub(super) lists: Vec<ListKind>,
    pub(super) resources: BTreeSet<String>,
    /// By the ids that the client knows.
    pub(super) tasks: BTreeSet<String>,
}

impl Filter {
    /// Reads `params.notifications`.
    pub(in crate::mux) fn read(notifications: Option<Raw<'_>>) -> Result<Self, Fault> {
        let notifications = notifications.filter(|filter| filter.kind() == wire::Kind::Object);
        let notifications = notifications.ok_or_else(|| invalid("`params.notifications` must be an object"))?;
        let [tools, prompts, resources] = ListKind::ALL.map(ListKind::wish);
        let keys = [tools, prompts, resources, RESOURCES, TASKS];
        let [tools, prompts, resources, uris, tasks] = read_object(notifications, &keys)
            .map_err(|ambiguous| Fault::new(code::INVALID_REQUEST, ambiguous.to_string()))?;
        let mut lists = Vec::new();
        for (kind, wished) in ListKind::ALL.into_iter().zip([tools, prompts, resources]) {
            if wished.map_or(Ok(false), |wished| boolean(wished, kind.wish()))? {
                lists.push(kind);
            }
        }
        let resources = uris.map(|uris| read_names(uris, RESOURCES, OF_ONE, "uris")).transpose()?;
        let tasks = tasks.map(|ids| read_names(ids, TASKS, TASKS_OF_ONE, "tasks")).transpose()?;
        Ok(Self { lists, resources: resources.unwrap_or_default(), tasks: tasks.unwrap_or_default() })
    }

    /// The same for the acknowledgement.
    pub(super) fn honoured(&self) -> Value {
        let mut honoured: Map<_, _> =
            self.lists.iter().map(|kind| (kind.wish().to_owned(), Value::Bool(true))).collect();
        if !self.resources.is_empty() {
            honoured.insert(RESOURCES.to_owned(), json!(self.resources));
        }
        if !self.tasks.is_empty() {
            honoured.insert(TASKS.to_owned(), json!(self.tasks));
        }
        Value::Object(honoured)
    }
}

fn boolean(value: Raw<'_>, key: &str) -> Result<bool, Fault> {
    match value.as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(invalid(format!("`params.notifications.{key}` must be true or false"))),
    }
}

fn read_names(names: Raw<'_>, key: &str, most: usize, what: &str) -> Result<BTreeSet<String>, Fault> {
    let place = format!("`params.notifications.{key}`");
    let wrong = || invalid(format!("{place} must be an array of strings"));
    if names.kind() != wire::Kind::Array {
        return Err(wrong());
    }
    let mut read = BTreeSet::new();
    for name in names.elements() {
        read.insert(name.string().ok_or_else(wrong)?.into_owned());
        if read.len() > most {
            return Err(invalid(format!("{place} names more than {most} {what}, which is the most of one request")));
        }
    }
    Ok(read)
}

fn invalid(message: impl Into<String>) -> Fault {
    Fault::new(code::INVALID_PARAMS, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Filter, (i64, String)> {
        Filter::read(Some(Raw::parse(text.as_bytes()).unwrap())).map_err(|fault| (fault.code, fault.message))
    }

    #[test]
    fn a_filter_is_given_back_as_it_was_read_but_for_what_is_not_wanted_or_not_known() {
        for (text, honoured) in [
            ("{}", json!({})),
            (r#"{"toolsListChanged":false,"vendorKind":["x"],"resourceSubscriptions":[]}"#, json!({})),
            (
                r#"{"resourceSubscriptions":["b","a","b"],"resourcesListChanged":true,"promptsListChanged":true}"#,
                json!({"promptsListChanged": true, "resourcesListChanged": true, "resourceSubscriptions": ["a", "b"]}),
            ),
            (r#"{"taskIds":["b","\u0061","b"]}"#, json!({"taskIds": ["a", "b"]})),
        ] {
            assert_eq!(read(text).unwrap().honoured(), honoured, "{text}");
        }
    }

    #[test]
    fn a_filter_of_another_shape_is_refused_with_its_place() {
        assert_eq!(Filter::read(None).unwrap_err().code, -32602);
        for (text, code, words) in [
            ("[]", -32602, "`params.notifications` must be an object"),
            (r#"{"toolsListChanged":1}"#, -32602, "`params.notifications.toolsListChanged` must be true or false"),
            (
                r#"{"promptsListChanged":null}"#,
                -32602,
                "`params.notifications.promptsListChanged` must be true or false",
            ),
            (r#"{"resourceSubscriptions":"a"}"#, -32602, "must be an array of strings"),
            (r#"{"resourceSubscriptions":["a",1]}"#, -32602, "must be an array of strings"),
            (r#"{"taskIds":["a",1]}"#, -32602, "`params.notifications.taskIds` must be an array of strings"),
            (r#"{"toolsListChanged":true,"toolsListChanged":true}"#, -32600, "duplicate key"),
        ] {
            let refused = read(text).unwrap_err();
            assert!(refused.0 == code && refused.1.contains(words), "{text}: {refused:?}");
        }
        let uris: Vec<_> = (0..=OF_ONE).map(|number| number.to_string()).collect();
        let refused = read(&json!({"resourceSubscriptions": uris}).to_string()).unwrap_err();
        assert!(refused.1.contains("names more than 1024 uris"), "{refused:?}");
        let refused = read(&json!({"taskIds": uris}).to_string()).unwrap_err();
        assert!(refused.1.contains("names more than 256 tasks"), "{refused:?}");
    }
}
