//! The tasks that a modern client listens to (2026-07-28, the extension, "Task Status Notifications").
//!
//! Invariants: each child is asked for what one request listens to and for nothing else; what it does not acknowledge in time
//! is not told of. The client reads the ids that it knows.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep_until};

use crate::fleet::View;
use crate::mux::task_ids::{Holder, TaskAt};
use crate::mux::{Inner, rewrite};
use crate::shard::link::{Attention, Call, Event, Link};
use crate::wire::{Era, Raw, Status, Task, notification};

/// How long shards may take to say of which tasks they tell.
const TELLING: Duration = Duration::from_secs(2);
/// What is told of a task.
const TOLD: &str = "notifications/tasks";

/// What one request listens to.
#[derive(Debug)]
pub(super) struct Tasks {
    owner: Holder,
    children: Vec<Child>,
    /// Until then they may say of what they tell.
    until: Instant,
}

/// One child, and which of its tasks.
#[derive(Debug)]
struct Child {
    link: Link,
    /// Our own `subscriptions/listen` there.
    call: Call,
    tasks: Vec<Listened>,
    has_agreed: bool,
}

#[derive(Debug)]
struct Listened {
    own: Arc<str>,
    shown: Arc<str>,
    _attention: Attention,
}

impl Tasks {
    /// Asks the children for those of these tasks that the owner has and the view shows.
    pub(super) fn begin(mux: &Inner, view: &View, owner: Holder, ids: &BTreeSet<String>) -> Self {
        let known = ids.iter().filter_map(|id| mux.task_ids.find(owner, id));
        let mut by_child: Vec<Vec<TaskAt>> = Vec::new();
        for task in known.filter(|task| view.includes(&task.shard)) {
            match by_child.iter_mut().find(|tasks| tasks[0].link.is(&task.link)) {
                Some(tasks) => tasks.push(task),
                None => by_child.push(vec![task]),
            }
        }
        let children = by_child.into_iter().filter_map(Child::begin).collect();
        Self { owner, children, until: Instant::now() + TELLING }
    }

    /// Waits until all children have said of which tasks they tell, but not for long; gives those by the ids that the client
    /// knows. Safe to cancel.
    pub(super) async fn agreed(&mut self) -> BTreeSet<String> {
        let until = self.until;
        while self.children.iter().any(|child| !child.has_agreed) {
            tokio::select! {
                // What has been said in time counts, also if the resources of the request took longer.
                biased;
                (at, event) = first(&mut self.children, |child| !child.has_agreed) => self.agree(at, event),
                () = sleep_until(until) => break,
            }
        }
        self.children.retain(|child| child.has_agreed);
        self.children.iter().flat_map(|child| &child.tasks).map(|task| (*task.shown).to_owned()).collect()
    }

    fn agree(&mut self, at: usize, event: Event) {
        match event {
            Event::Other { method, params } if &*method != TOLD => {
                let child = &mut self.children[at];
                child.has_agreed = true;
                let honoured = params.as_deref().map(honoured).unwrap_or_default();
                child.tasks.retain(|task| honoured.contains(&*task.own));
            }
            Event::Done(_) => drop(self.children.swap_remove(at)),
            _ => {}
        }
    }

    /// What is told next. Never ends; safe to cancel.
    pub(super) async fn next(&mut self, mux: &Inner) -> Bytes {
        loop {
            match first(&mut self.children, |_| true).await {
                (at, Event::Other { method, params: Some(params) }) if &*method == TOLD => {
                    if let Some(message) = self.told(mux, at, &params) {
                        return message;
                    }
                }
                // Its client asks, and is told what has become of it.
                (at, Event::Done(_)) => drop(self.children.swap_remove(at)),
                _ => {}
            }
        }
    }

    fn told(&self, mux: &Inner, at: usize, params: &Bytes) -> Option<Bytes> {
        let Child { link, tasks, .. } = &self.children[at];
        let Task { id, status, ttl } = Task::read(Raw::parse(params).ok()?, Era::Modern).ok()??;
        let Listened { own, shown, .. } = tasks.iter().find(|task| *task.own == *id)?;
        mux.task_ids.last(self.owner, shown, ttl);
        link.asked_for_task(own, Some(ttl));
        // What has ended comes with its result.
        if matches!(status, Some(Status::Ended | Status::Cancelled)) {
            link.fetched_task(own);
        }
        Some(notification(TOLD, Some(&rewrite::renamed(params.clone(), own, shown))).into())
    }
}

impl Child {
    fn begin(tasks: Vec<TaskAt>) -> Option<Self> {
        let link = tasks[0].link.clone();
        let own: Vec<&str> = tasks.iter().map(|task| &*task.own).collect();
        let call = link.listen_to_tasks(&own).ok()?;
        // What stands in the register beside the ids would keep the child from others.
        let listened = |TaskAt { own, shown, .. }: TaskAt| Listened { _attention: link.attend(&own), own, shown };
        let tasks = tasks.into_iter().map(listened).collect();
        Some(Self { link, call, tasks, has_agreed: false })
    }
}

/// The ids in an acknowledgement.
fn honoured(params: &[u8]) -> BTreeSet<String> {
    let ids = Raw::parse(params).ok().and_then(|params| params.get("notifications")?.get("taskIds"));
    let ids = ids.into_iter().flat_map(|ids| ids.elements().collect::<Vec<_>>());
    ids.filter_map(|id| Some(id.string()?.into_owned())).collect()
}

/// What one of these children says next, and which; never, if there is none. Safe to cancel.
async fn first(children: &mut [Child], is_it: impl Fn(&Child) -> bool) -> (usize, Event) {
    let children = children.iter_mut().enumerate().filter(|(_, child)| is_it(child));
    let mut nexts: Vec<_> = children.map(|(at, child)| (at, Box::pin(child.call.next()))).collect();
    poll_fn(|context| {
        let ready = nexts.iter_mut().find_map(|(at, next)| match Pin::as_mut(next).poll(context) {
            Poll::Ready(event) => Some((*at, event)),
            Poll::Pending => None,
        });
        ready.map_or(Poll::Pending, Poll::Ready)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_child_acknowledges_is_read_as_ids_or_not_at_all() {
        let check = |params: &str, expected: &[&str]| {
            assert_eq!(honoured(params.as_bytes()), expected.iter().map(ToString::to_string).collect(), "{params}");
        };
        check(r#"{"notifications":{"taskIds":["b","\u0061",1,"b"]}}"#, &["a", "b"]);
        for odd in ["{}", "[", r#"{"notifications":{"taskIds":{"0":"a"}}}"#, r#"{"taskIds":["a"]}"#] {
            check(odd, &[]);
        }
    }
}
