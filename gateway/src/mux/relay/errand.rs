//! What a call has to do with tasks (2025-11-25, basic/utilities/tasks; 2026-07-28, the extension): it makes one, or follows
//! one up.
//!
//! Invariant: what follows up a task goes to the child that made it or nowhere, and what the client is told of a task names it
//! as the client knows it.

mod extension;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use memchr::memmem;
use tokio::time::Instant;

use super::{Relay, Running};
use crate::mux::Inner;
use crate::mux::client::ClientKey;
use crate::mux::failure::CallError;
use crate::mux::rewrite;
use crate::mux::route::{Errand, Follow};
use crate::mux::task_ids::{Early, Holder, LONGEST_ID, SWEEP, TaskAt};
use crate::shard::Place;
use crate::shard::link::{Ask, Failure, Link, Purpose, Reply};
use crate::wire::{Era, Fault, Meta, Raw, Status, Task, code, notification, related_task};

impl Relay {
    /// What the link of a shard of this era must know; a child is kept for `kept` at most.
    pub(super) fn purpose(&self, era: Era, kept: Duration) -> Purpose {
        match &self.route.errand {
            // Tasks of one era mean nothing in the other.
            Errand::Makes if era == self.client.revision.era() => Purpose::MakesTask { era, kept },
            Errand::None | Errand::Makes => Purpose::Plain,
            Errand::Follows(..) => Purpose::FollowsUp,
        }
    }

    /// Whether the client waits for a task. In the modern era it takes one, and takes what any call may come to.
    pub(super) fn wants_task(&self) -> bool {
        matches!(self.route.errand, Errand::Makes) && self.client.revision.era() == Era::Legacy
    }

    /// The only child that can take the call, if it follows something up.
    pub(super) fn followed(&self) -> Option<Place> {
        match &self.route.errand {
            Errand::Follows(task, _) => Some(task.place.clone()),
            Errand::None | Errand::Makes => None,
        }
    }

    /// What the client is told if the child that the call must go to takes it no more.
    pub(super) fn lost(&self) -> Option<CallError> {
        let Errand::Follows(task, _) = &self.route.errand else { return None };
        let era = self.client.revision.era();
        Some(CallError::TaskLost { task: Arc::clone(&task.shown), ended: task.link.ending(), era })
    }

    /// Takes note of what the answer says of a task; gives the result as the client is to see it.
    pub(super) fn learn(&self, running: &Running, reply: Reply) -> Result<Reply, CallError> {
        let era = self.client.revision.era();
        match &self.route.errand {
            Errand::None => Ok(reply),
            Errand::Makes if running.place.live.era != era => Ok(reply),
            Errand::Makes => match reply {
                Reply::Result(result) => self.made(running, result).map(Reply::Result),
                Reply::Error(error) => Ok(Reply::Error(error)),
            },
            Errand::Follows(task, follow) => {
                match era {
                    Era::Legacy => note(task, *follow, &reply),
                    Era::Modern => self.note(task, *follow, &reply),
                }
                Ok(match reply {
                    Reply::Result(result) if task.is_renamed() => {
                        Reply::Result(rewrite::renamed(result, &task.own, &task.shown))
                    }
                    reply => reply,
                })
            }
        }
    }

    fn made(&self, running: &Running, result: Bytes) -> Result<Bytes, CallError> {
        let unreadable = |fault: String| CallError::Failed(Failure::Unreadable(fault));
        let raw = Raw::parse(&result).map_err(|malformed| unreadable(malformed.to_string()))?;
        let Some(task) =
            Task::made_by(raw, running.place.live.era).map_err(|ambiguous| unreadable(ambiguous.to_string()))?
        else {
            return Ok(result);
        };
        if task.id.len() > LONGEST_ID {
            let length = task.id.len();
            return Err(unreadable(format!("the id of the task has {length} bytes, and {LONGEST_ID} can be kept")));
        }
        let own: Arc<str> = (*task.id).into();
        let at = TaskAt {
            shard: Arc::clone(&self.route.shard),
            link: running.place.live.link.clone(),
            place: running.place.clone(),
            shown: Arc::clone(&own),
            own,
            number: running.number,
            token: self.token.clone(),
        };
        let (at, early) = self.mux.task_ids.enter(Holder::of(&self.client), task.ttl, at);
        self.mux.sweep_tasks();
        for Early { client, link, method, params, .. } in early {
            if let Some(message) = self.mux.told(client, &link, &method, Some(params)) {
                self.mux.leave(client, message);
            }
        }
        Ok(if at.is_renamed() { rewrite::renamed(result, &at.own, &at.shown) } else { result })
    }
}

/// The task that a notification is about: its id, or for progress the number of the call that made it.
fn subject<'p>(method: &str, params: Raw<'p>) -> (Option<Cow<'p, str>>, Option<u64>) {
    match method {
        "notifications/progress" => {
            let token = params.get("progressToken");
            (None, Some(token.and_then(|token| token.unsigned().or_else(|| token.string()?.parse().ok())).unwrap_or(0)))
        }
        "notifications/tasks/status" => (Task::read(params, Era::Legacy).ok().flatten().map(|task| task.id), None),
        _ => (related_task(params), None),
    }
}

/// What the answer says of how far the task is.
fn note(task: &TaskAt, follow: Follow, reply: &Reply) {
    match (follow, reply) {
        // An error, too, is the result of the task, or says that there is no such task.
        (Follow::Result, _) => task.link.fetched_task(&task.own),
        (Follow::Get | Follow::Cancel, Reply::Result(result)) => {
            let read = Raw::parse(result).ok().and_then(|result| Task::read(result, Era::Legacy).ok().flatten());
            let status = read.and_then(|task| task.status);
            task.link.heard_of_task(&task.own, status);
        }
        (Follow::Get, Reply::Error(error)) => {
            let number = Raw::parse(error).ok().and_then(Fault::code_of);
            if number == Some(code::INVALID_PARAMS) {
                task.link.heard_of_task(&task.own, Some(Status::Cancelled));
            }
        }
        (Follow::Cancel, Reply::Error(_)) | (Follow::Update | Follow::Other, _) => {}
    }
}

impl Inner {
    /// A notification of a shard to one client, as the client is to see it; `None` if it means nothing to the client.
    pub(in crate::mux) fn told(
        &self,
        client: ClientKey,
        link: &Link,
        method: &str,
        params: Option<Bytes>,
    ) -> Option<Bytes> {
        let Some(params) = params else { return Some(notification(method, None).into()) };
        let (id, number) = subject(method, Raw::parse(&params).ok()?);
        let is_it = |own: &str, call: u64| number.map_or(id.as_deref() == Some(own), |number| call == number);
        let task = self.task_ids.find_at(Holder::session(client), link, |at| is_it(&at.own, at.number));
        let Some(task) = task else {
            return match link.call_of_task(client.0, is_it) {
                // The answer that announces the task is still on its way through here.
                Some(number) => {
                    let (link, method, since) = (link.clone(), method.into(), Instant::now());
                    self.task_ids.keep(Early { client, link, number, method, params, since });
                    None
                }
                None => Some(notification(method, Some(&params)).into()).filter(|_| number.is_none()),
            };
        };
        let params = if number.is_some() { rewrite::progress(&params, task.token.as_deref()?)?.into() } else { params };
        Some(notification(method, Some(&rewrite::renamed(params, &task.own, &task.shown))).into())
    }

    /// A log message of a shard, as the client is to see it; `None` if that cannot be known yet.
    pub(in crate::mux) fn logged(&self, client: ClientKey, link: &Link, params: Bytes) -> Option<Bytes> {
        const METHOD: &str = "notifications/message";
        if memmem::find(&params, Meta::RELATED_TASK.as_bytes()).is_none() {
            return Some(notification(METHOD, Some(&params)).into());
        }
        self.told(client, link, METHOD, Some(params))
    }

    /// A question of a shard that names a task as the client knows it.
    pub(in crate::mux) fn as_known<'a>(&self, client: ClientKey, link: &Link, ask: &'a Ask) -> Cow<'a, Ask> {
        let renamed = ask.params.as_ref().and_then(|params| {
            let id = related_task(Raw::parse(params).ok()?)?;
            let task = self.task_ids.find_at(Holder::session(client), link, |at| *at.own == *id);
            let task = task.filter(TaskAt::is_renamed)?;
            Some(rewrite::renamed(params.clone(), &task.own, &task.shown))
        });
        renamed.map_or(Cow::Borrowed(ask), |params| Cow::Owned(Ask { params: Some(params), ..ask.clone() }))
    }

    /// Lets go of children that are at work on no task any more, for as long as there are tasks.
    fn sweep_tasks(self: &Arc<Self>) {
        if !self.task_ids.is_to_be_swept() {
            return;
        }
        let mux = Arc::clone(self);
        self.tasks.spawn_until_stop(async move {
            loop {
                tokio::time::sleep(SWEEP).await;
                if !mux.task_ids.sweep() {
                    return;
                }
            }
        });
    }
}
