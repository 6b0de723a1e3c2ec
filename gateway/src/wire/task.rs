//! Tasks of 2025-11-25 (basic/utilities/tasks), as far as the gateway reads them.
//!
//! Invariant: an id that could be read in two ways is no id.

use std::borrow::Cow;
use std::time::Duration;

use crate::wire::{Ambiguous, Kind, Meta, Raw, read_object};

/// What a peer says of one task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task<'a> {
    /// Who made the task chose it.
    pub id: Cow<'a, str>,
    /// How far it is; `None` for a word that the revision does not know.
    pub status: Option<Status>,
    /// How long it is kept after it was made; `None` for as long as its maker lives.
    pub ttl: Option<Duration>,
}

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It is at work, or waits for input.
    Open,
    /// It has come to an end, and its result can be fetched.
    Ended,
    /// It was cancelled.
    Cancelled,
}

impl<'a> Task<'a> {
    /// The task that the result of a call announces; `None` if the call was simply answered.
    ///
    /// # Errors
    /// [`Ambiguous`] if two readers could read two tasks.
    pub fn made_by(result: Raw<'a>) -> Result<Option<Self>, Ambiguous> {
        let [task] = read_object(result, &["task"])?;
        task.map_or(Ok(None), Self::read)
    }

    /// A task as it stands in `task`, in the result of `tasks/get` and in `notifications/tasks/status`.
    ///
    /// # Errors
    /// [`Ambiguous`] if two readers could read two tasks.
    pub fn read(task: Raw<'a>) -> Result<Option<Self>, Ambiguous> {
        let [id, status, ttl] = read_object(task, &["taskId", "status", "ttl"])?;
        let status = status.and_then(Raw::string).and_then(|status| match &*status {
            "working" | "input_required" => Some(Status::Open),
            "completed" | "failed" => Some(Status::Ended),
            "cancelled" => Some(Status::Cancelled),
            _ => None,
        });
        let ttl = ttl.and_then(Raw::unsigned).map(Duration::from_millis);
        Ok(id.and_then(Raw::string).map(|id| Self { id, status, ttl }))
    }
}

/// The id of the task that a message says it belongs to, in the `_meta` of its parameters or its result.
pub fn related_task(object: Raw<'_>) -> Option<Cow<'_, str>> {
    let [meta] = read_object(object, &["_meta"]).ok()?;
    let [related] = read_object(meta?, &[Meta::RELATED_TASK]).ok()?;
    let [id] = read_object(related.filter(|related| related.kind() == Kind::Object)?, &["taskId"]).ok()?;
    id?.string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(result: &str) -> String {
        match Task::made_by(Raw::parse(result.as_bytes()).unwrap()) {
            Ok(Some(task)) => format!("{} {:?} {:?}", task.id, task.status, task.ttl),
            Ok(None) => "none".into(),
            Err(ambiguous) => ambiguous.to_string(),
        }
    }

    #[test]
    fn a_task_is_read_in_one_way_or_not_at_all() {
        let cases = [
            (r#"{"task":{"taskId":"a","status":"working","ttl":60000}}"#, "a Some(Open) Some(60s)"),
            (r#"{"task":{"task\u0049d":"\u0061","status":"failed","ttl":null}}"#, "a Some(Ended) None"),
            (r#"{"task":{"taskId":"a","status":"asleep"}}"#, "a None None"),
            (r#"{"task":{"taskId":7}}"#, "none"),
            (r#"{"task":null}"#, "none"),
            (r#"{"content":[]}"#, "none"),
            (r#"{"task":{"taskId":"a","taskId":"b"}}"#, "duplicate key `taskId`"),
            (r#"{"task":{"taskId":"a"},"Task":{}}"#, "key `Task` differs from `task` in case only"),
        ];
        for (result, expected) in cases {
            assert_eq!(made(result), expected, "{result}");
        }
    }

    #[test]
    fn a_message_belongs_to_the_task_that_its_meta_names() {
        let related = |text: &str| related_task(Raw::parse(text.as_bytes()).unwrap()).map(Cow::into_owned);
        let own = r#"{"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"a"}}}"#;
        assert_eq!(related(own).as_deref(), Some("a"));
        for other in ["{}", r#"{"_meta":{"io.modelcontextprotocol/related-task":"a"}}"#, r#"{"taskId":"a"}"#] {
            assert_eq!(related(other), None, "{other}");
        }
    }
}
