//! What the answers to follow-ups say of a task of the extension (2026-07-28, `io.modelcontextprotocol/tasks`).
//!
//! Invariant: a child is kept for a task until its client has seen how it ended, has cancelled it, or asks for it no more.

use crate::mux::relay::Relay;
use crate::mux::route::Follow;
use crate::mux::task_ids::{Holder, TaskAt};
use crate::shard::link::Reply;
use crate::wire::{Era, Fault, Raw, Status, Task, code};

impl Relay {
    /// Takes note of what the shard has answered to a request that is about this task.
    pub(super) fn note(&self, task: &TaskAt, follow: Follow, reply: &Reply) {
        match (follow, reply) {
            (Follow::Get, Reply::Result(result)) => {
                let read = Raw::parse(result).ok().and_then(|result| Task::read(result, Era::Modern).ok().flatten());
                let Some(Task { status, ttl, .. }) = read else { return };
                self.mux.task_ids.last(Holder::of(&self.client), &task.shown, ttl);
                task.link.asked_for_task(&task.own, Some(ttl));
                // What has ended comes with its result.
                if matches!(status, Some(Status::Ended | Status::Cancelled)) {
                    task.link.fetched_task(&task.own);
                }
            }
            (Follow::Get, Reply::Error(error)) => {
                if Raw::parse(error).ok().and_then(Fault::code_of) == Some(code::INVALID_PARAMS) {
                    task.link.fetched_task(&task.own);
                }
            }
            // Its client need not look at it again.
            (Follow::Cancel, Reply::Result(_)) => task.link.fetched_task(&task.own),
            (Follow::Update, Reply::Result(_)) => task.link.asked_for_task(&task.own, None),
            (Follow::Cancel | Follow::Update, Reply::Error(_)) | (Follow::Result | Follow::Other, _) => {}
        }
    }
}
