//! What a modern child is asked to tell of its tasks (2026-07-28, the extension, "Task Status Notifications").
//!
//! Invariant: each request of a client has one of ours at each child, so that what is told finds its listener by our number.

use serde_json::json;

use super::listening::FOREVER;
use super::{Call, Caller, Deadlines, Link, Purpose, Refused};
use crate::shard::handshake::modern_meta;
use crate::wire::{Meta, TASKS, request};

/// A client listens to a task: the child is kept for it as if the client asked all the time, until this is dropped.
#[derive(Debug)]
pub(crate) struct Attention {
    link: Link,
    own: Box<str>,
}

impl Link {
    /// Asks the child to tell of these tasks, by its own ids. Dropping the call takes it back.
    ///
    /// # Errors
    /// [`Refused`]: the child is gone.
    pub(crate) fn listen_to_tasks(&self, own: &[&str]) -> Result<Call, Refused> {
        let mut meta = modern_meta();
        meta[Meta::CLIENT_CAPABILITIES] = json!({"extensions": {TASKS: {}}});
        let params = json!({"_meta": meta, "notifications": {"taskIds": own}}).to_string();
        let number = self.next_number();
        let line = request(number, "subscriptions/listen", Some(params.as_bytes()));
        let caller = Caller { purpose: Purpose::Listens, ..Caller::GATEWAY };
        self.call(number, line, caller, Deadlines { call: FOREVER, max: FOREVER })
    }

    /// A client listens to this task from now on.
    pub(crate) fn attend(&self, own: &str) -> Attention {
        self.table().tasks.attend(own);
        Attention { link: self.clone(), own: own.into() }
    }
}

impl Drop for Attention {
    fn drop(&mut self) {
        self.link.table().tasks.turn_away(&self.own);
        self.link.0.outgoing.notify_one();
    }
}
