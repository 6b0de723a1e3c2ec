//! Tasks of 2025-11-25 (basic/utilities/tasks) and of the extension that 2026-07-28 has moved them to, as far as the gateway
//! reads them.
//!
//! Invariant: an id that could be read in two ways is no id.

use std::borrow::Cow;
use std::time::Duration;

use crate::wire::{Ambiguous, Era, Kind, Meta, Raw, read_object};

/// The extension of the modern era.
pub const TASKS: &str = "io.modelcontextprotocol/tasks";

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
    pub fn made_by(result: Raw<'a>, era: Era) -> Result<Option<Self>, Ambiguous> {
        let task = match era {
            Era::Legacy => read_object(result, &["task"])?[0],
            Era::Modern => {
                let [kind] = read_object(result, &["resultType"])?;
                Some(result).filter(|_| kind.and_then(Raw::string).as_deref() == Some("task"))
            }
        };
        task.map_or(Ok(None), |task| Self::read(task, era))
    }

    /// A task as it stands in `task` (in the modern era in the result itself), in the result of `tasks/get` and in
    /// notifications.
    ///
    /// # Errors
    /// [`Ambiguous`] if two readers could read two tasks.
    pub fn read(task: Raw<'a>, era: Era) -> Result<Option<Self>, Ambiguous> {
        let ttl = if era == Era::Legacy { "ttl" } else { "ttlMs" };
        let [id, status, ttl] = read_object(task, &["taskId", "status", ttl])?;
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

/// Whether the sender of a modern request has declared that it takes a task for an answer.
pub fn takes_tasks(meta: &Meta<'_>) -> bool {
    let within = |object: Raw<'_>, key: &'static str| read_object(object, &[key]).is_ok_and(|[value]| value.is_some());
    let extensions = meta.client_capabilities.and_then(|declared| read_object(declared, &["extensions"]).ok()?[0]);
    extensions.is_some_and(|extensions| within(extensions, TASKS))
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
        made_in(Era::Legacy, result)
    }

    fn made_in(era: Era, result: &str) -> String {
        match Task::made_by(Raw::parse(result.as_bytes()).unwrap(), era) {
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
    fn a_task_of_the_extension_is_the_result_itself_and_says_so() {
        let cases = [
            (r#"{"resultType":"task","taskId":"a","status":"working","ttlMs":60000}"#, "a Some(Open) Some(60s)"),
            (r#"{"taskId":"a","status":"input_required","ttlMs":null,"result\u0054ype":"task"}"#, "a Some(Open) None"),
            (r#"{"resultType":"task","taskId":"a","ttl":60000}"#, "a None None"),
            (r#"{"resultType":"complete","taskId":"a","status":"working"}"#, "none"),
            (r#"{"taskId":"a","status":"working"}"#, "none"),
            (r#"{"task":{"taskId":"a"}}"#, "none"),
            (r#"{"resultType":"task","taskId":1}"#, "none"),
            (r#"{"resultType":"task","taskId":"a","taskid":"b"}"#, "key `taskid` differs from `taskId` in case only"),
            (r#"{"resultType":"task","resultType":"complete","taskId":"a"}"#, "duplicate key `resultType`"),
        ];
        for (result, expected) in cases {
            assert_eq!(made_in(Era::Modern, result), expected, "{result}");
        }
    }

    #[test]
    fn a_client_takes_tasks_if_its_request_says_so() {
        let takes = |capabilities: &str| {
            let client_capabilities = Some(Raw::parse(capabilities.as_bytes()).unwrap());
            takes_tasks(&Meta { client_capabilities, ..Meta::default() })
        };
        assert!(takes(r#"{"extensions":{"io.modelcontextprotocol/tasks":{}}}"#));
        assert!(takes(r#"{"x":1,"extensions":{"y":2, "io.modelcontextprotocol\/tasks" : {"z":3}}}"#));
        for other in [
            "{}",
            r#"{"extensions":{}}"#,
            r#"{"extensions":["io.modelcontextprotocol/tasks"]}"#,
            r#"{"io.modelcontextprotocol/tasks":{}}"#,
            r#"{"tasks":{}}"#,
            r#"{"extensions":{"io.modelcontextprotocol/tasks":{},"io.modelcontextprotocol/tasks":{}}}"#,
        ] {
            assert!(!takes(other), "{other}");
        }
        assert!(!takes_tasks(&Meta::default()));
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
