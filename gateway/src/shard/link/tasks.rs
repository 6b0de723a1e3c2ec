//! The tasks that the shard runs for clients (2025-11-25, basic/utilities/tasks; 2026-07-28, the extension): whose a message
//! is that names one, and how long the child is kept for it.
//!
//! Invariant: a task is known from the line that announces it on, so that whatever the shard says of it next finds its owner.
//! While its owner waits for a task, the child is neither idle nor done.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::table::Entry;
use super::{Event, Link, Purpose};
use crate::shard::Ended;
use crate::shard::pool::{Mail, Unclaimed};
use crate::wire::{Era, Notification, Raw, Status, Task, related_task};

/// How many tasks of one child are known by their ids; of more the one that is kept shortest is forgotten.
const KNOWN: usize = 8192;
/// A child is kept no longer for a task of the extension that nobody asks for: its client has no session whose end would
/// tell that it is gone.
pub(crate) const UNASKED: Duration = Duration::from_secs(10 * 60);

/// The tasks by the shard's own ids.
#[derive(Debug, Default)]
pub(crate) struct Tasks(HashMap<Box<str>, Owned>);

#[derive(Debug)]
struct Owned {
    /// `None` in the modern era, where nothing is said to a client of itself.
    client: Option<u128>,
    /// Of the call that made it, whose progress goes on.
    number: u64,
    made: Instant,
    /// For so long at most its child is kept for it, whatever the shard says.
    most: Duration,
    /// Its child is kept no longer than until then.
    over: Instant,
    /// Until then its child is kept for it.
    until: Instant,
    stage: Stage,
}

/// A task that the child has begun.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Begun {
    pub(crate) era: Era,
    pub(crate) client: u128,
    /// Of the call that made it.
    pub(crate) number: u64,
    /// How long the shard keeps it, if it says so.
    pub(crate) ttl: Option<Duration>,
    /// How long its child is kept for it at most.
    pub(crate) most: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    AtWork,
    /// Its result can be fetched.
    Ended,
    /// There is nothing to come any more.
    Over,
}

impl Tasks {
    pub(crate) fn add(&mut self, id: &str, begun: Begun) {
        if self.0.len() >= KNOWN {
            let shortest = self.0.iter().min_by_key(|(_, owned)| owned.until).map(|(id, _)| id.clone());
            shortest.map(|id| self.0.remove(&id));
        }
        let Begun { era, client, number, ttl, most } = begun;
        let (client, made) = (Some(client).filter(|_| era == Era::Legacy), Instant::now());
        let mut owned = Owned { client, number, made, most, over: made, until: made, stage: Stage::AtWork };
        owned.last(ttl);
        self.0.insert(id.into(), owned);
    }

    /// The client that a task belongs to.
    pub(crate) fn owner(&self, id: &str) -> Option<u128> {
        self.0.get(id)?.client
    }

    /// The client whose task was made by the call of this number.
    pub(crate) fn owner_by_call(&self, number: u64) -> Option<u128> {
        self.0.values().find(|owned| owned.number == number)?.client
    }

    /// Its client asks for it, so that it is still wanted; `ttl` if the shard says anew how long it keeps it.
    pub(crate) fn ask(&mut self, id: &str, ttl: Option<Option<Duration>>) {
        if let Some(owned) = self.0.get_mut(id) {
            owned.last(ttl.unwrap_or(Some(owned.over - owned.made)));
        }
    }

    /// The shard says how far a task is.
    pub(crate) fn hear(&mut self, id: &str, status: Option<Status>) {
        let Some(owned) = self.0.get_mut(id) else { return };
        match status {
            Some(Status::Ended) if owned.stage == Stage::AtWork => owned.stage = Stage::Ended,
            Some(Status::Cancelled) => owned.stage = Stage::Over,
            Some(Status::Open | Status::Ended) | None => {}
        }
    }

    pub(crate) fn fetched(&mut self, id: &str) {
        if let Some(owned) = self.0.get_mut(id) {
            owned.stage = Stage::Over;
        }
    }

    pub(crate) fn forget(&mut self, id: &str) {
        self.0.remove(id);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether a client waits for the end of one, or for its result.
    pub(crate) fn are_awaited(&self) -> bool {
        // Most shards have none, and time is asked for at each batch.
        !self.0.is_empty() && {
            let now = Instant::now();
            self.0.values().any(|owned| owned.until > now && owned.stage != Stage::Over)
        }
    }

    fn is(&self, id: &str, is_it: impl Fn(Stage) -> bool) -> bool {
        self.0.get(id).is_some_and(|owned| owned.until > Instant::now() && is_it(owned.stage))
    }
}

impl Owned {
    /// Keeps the child for as long as the shard keeps the task.
    fn last(&mut self, ttl: Option<Duration>) {
        self.over = self.made + ttl.unwrap_or(self.most).min(self.most);
        self.until = match self.client {
            Some(_) => self.over,
            None => self.over.min(Instant::now() + UNASKED),
        };
    }
}

impl Link {
    /// The client of a task of the extension has asked for it; `ttl` if the shard says anew how long it keeps it.
    pub fn asked_for_task(&self, own: &str, ttl: Option<Option<Duration>>) {
        self.table().tasks.ask(own, ttl);
        self.0.outgoing.notify_one();
    }

    /// The owner of a task has heard from the shard how far it is.
    pub fn heard_of_task(&self, own: &str, status: Option<Status>) {
        self.table().tasks.hear(own, status);
        self.0.outgoing.notify_one();
    }

    /// The owner of a task has its result.
    pub fn fetched_task(&self, own: &str) {
        self.table().tasks.fetched(own);
        self.0.outgoing.notify_one();
    }

    /// Whether the child is at work on this task.
    pub fn is_at_work_on(&self, own: &str) -> bool {
        self.table().tasks.is(own, |stage| stage == Stage::AtWork)
    }

    /// Whether a client waits for the end of this task, or for its result.
    pub fn is_task_awaited(&self, own: &str) -> bool {
        self.table().tasks.is(own, |stage| stage != Stage::Over)
    }

    /// Nobody will ask for a task any more.
    pub fn forget_task(&self, own: &str) {
        self.table().tasks.forget(own);
        self.0.outgoing.notify_one();
    }

    /// Whether a client waits for the end of a task of this child, or for its result.
    pub(crate) fn owes_tasks(&self) -> bool {
        self.table().tasks.are_awaited()
    }

    /// How the child has ended, if it has.
    pub fn ending(&self) -> Option<Arc<Ended>> {
        self.table().ended.clone()
    }

    /// The call whose answer this is may have made a task.
    pub(super) fn note_task(&self, number: u64, entry: &Entry, result: Raw<'_>) {
        let Purpose::MakesTask { era, kept: most } = entry.caller.purpose else { return };
        if let Ok(Some(task)) = Task::made_by(result, era) {
            let Task { ttl, .. } = task;
            self.begin_task(&task.id, Begun { era, client: entry.caller.client, number, ttl, most });
            self.table().tasks.hear(&task.id, task.status);
        }
    }

    /// The call that made the task of a client's which a notification is about, by its number.
    pub(crate) fn call_of_task(&self, client: u128, is_it: impl Fn(&str, u64) -> bool) -> Option<u64> {
        let table = self.table();
        let of_client = table.tasks.0.iter().filter(|(_, owned)| owned.client == Some(client));
        of_client
            .map(|(id, owned)| (id, owned.number))
            .find(|(id, number)| is_it(id, *number))
            .map(|(_, number)| number)
    }

    /// The child has begun a task, and is kept for it.
    pub(crate) fn begin_task(&self, own: &str, begun: Begun) {
        self.table().tasks.add(own, begun);
    }

    /// Tells the owner of the task that a notification is about; false if it is about none.
    pub(super) fn take_of_task(&self, line: &Bytes, notification: &Notification<'_>) -> bool {
        let Some(params) = notification.params else { return false };
        let task = (notification.method == "notifications/tasks/status")
            .then(|| Task::read(params, Era::Legacy).ok().flatten());
        let client = match task.flatten() {
            Some(task) => {
                let mut table = self.table();
                table.tasks.hear(&task.id, task.status);
                table.tasks.owner(&task.id)
            }
            None => self.task_owner(notification.params),
        };
        client.inspect(|client| self.tell(line, *client, notification)).is_some()
    }

    /// The client whose task the parameters of a message name.
    pub(super) fn task_owner(&self, params: Option<Raw<'_>>) -> Option<u128> {
        if self.table().tasks.0.is_empty() {
            return None;
        }
        related_task(params?).and_then(|id| self.table().tasks.owner(&id))
    }

    /// Progress of a task whose call has been answered; false if there is no such task.
    pub(super) fn take_task_progress(&self, line: &Bytes, number: u64, notification: &Notification<'_>) -> bool {
        let client = self.table().tasks.owner_by_call(number);
        client.inspect(|client| self.tell(line, *client, notification)).is_some()
    }

    /// Puts a notification before the one client that it is for: on the oldest call that it has here, else outside of calls.
    pub(super) fn tell(&self, line: &Bytes, client: u128, notification: &Notification<'_>) {
        // Without room for the parameters all that can be said is that the shard is at work.
        let kept = notification.params.map_or(Some(None), |params| self.part(line, params).map(Some));
        let mailbox = self.table().oldest_of(client).map(|entry| Arc::clone(&entry.mailbox));
        let method: Box<str> = (*notification.method).into();
        match (mailbox, kept) {
            (Some(mailbox), params) => {
                mailbox.hear();
                params.into_iter().for_each(|params| mailbox.push(Event::Other { method: method.clone(), params }));
            }
            (None, Some(params)) => {
                if !self.post_to(Some(client), Unclaimed::Notice { method, params }) {
                    tracing::debug!("so much waits for sessions that a notification is dropped");
                }
            }
            (None, None) => {}
        }
    }

    /// Hands what belongs to no call to its `owner`, if it has one, else to the session whose child this is; false
    /// if there is neither, or too much waits.
    pub(super) fn post_to(&self, owner: Option<u128>, said: Unclaimed) -> bool {
        let Some(client) = owner else { return matches!(self.post(said), Some(Ok(()))) };
        let mail = Mail { client, link: self.clone(), said };
        self.0.ties.post.as_ref().is_some_and(|post| post.try_send(mail).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In the legacy era.
    fn begun(client: u128, number: u64, ttl: Duration) -> Begun {
        Begun { era: Era::Legacy, client, number, ttl: Some(ttl), most: Duration::from_secs(600) }
    }

    #[tokio::test(start_paused = true)]
    async fn a_child_is_kept_for_a_task_until_its_result_is_fetched_or_its_time_is_over() {
        let mut tasks = Tasks::default();
        let minute = Duration::from_secs(60);
        let seen = |tasks: &Tasks| (tasks.is("a", |stage| stage == Stage::AtWork), tasks.are_awaited());
        assert_eq!(seen(&tasks), (false, false));
        tasks.add("a", begun(7, 1, minute));
        assert_eq!(seen(&tasks), (true, true));
        tasks.hear("a", Some(Status::Open));
        tasks.hear("unheard of", Some(Status::Ended));
        assert_eq!(seen(&tasks), (true, true));
        tasks.hear("a", Some(Status::Ended));
        assert_eq!(seen(&tasks), (false, true));
        tasks.fetched("a");
        assert_eq!((seen(&tasks), tasks.owner("a")), ((false, false), Some(7)), "its owner is still known");
        tasks.hear("a", Some(Status::Ended));
        assert_eq!(seen(&tasks), (false, false), "it does not come back");
        tasks.add("b", begun(8, 2, minute));
        assert_eq!((tasks.owner_by_call(2), tasks.owner_by_call(3)), (Some(8), None));
        tokio::time::advance(minute).await;
        assert_eq!(seen(&tasks), (false, false));
        tasks.add("c", begun(8, 3, minute));
        tasks.hear("c", Some(Status::Cancelled));
        assert_eq!(seen(&tasks), (false, false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_child_is_kept_for_a_task_of_the_extension_while_its_client_asks_for_it_and_no_longer_than_it_lasts() {
        let mut tasks = Tasks::default();
        let (minute, most) = (Duration::from_secs(60), 4 * UNASKED);
        let modern = |ttl| Begun { era: Era::Modern, client: 7, number: 1, ttl, most };
        tasks.add("a", modern(None));
        assert_eq!((tasks.are_awaited(), tasks.owner("a"), tasks.owner_by_call(1)), (true, None, None));
        tokio::time::advance(UNASKED).await;
        assert!(!tasks.are_awaited(), "nobody has asked for it");
        tasks.ask("a", None);
        assert!(tasks.are_awaited(), "somebody does after all");
        tokio::time::advance(UNASKED - minute).await;
        tasks.ask("a", Some(Some(2 * UNASKED)));
        tokio::time::advance(minute).await;
        assert!(!tasks.are_awaited(), "the shard keeps it no longer");
        tasks.ask("a", None);
        assert!(!tasks.are_awaited());
        tasks.ask("a", Some(None));
        assert!(tasks.are_awaited(), "the shard has changed its mind");
        tokio::time::advance(2 * UNASKED).await;
        tasks.ask("a", Some(Some(Duration::from_millis(u64::MAX))));
        assert!(!tasks.are_awaited(), "that is the most that a call may take");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_known_of_tasks_is_bounded_and_the_one_kept_shortest_goes() {
        let mut tasks = Tasks::default();
        for number in 0..=KNOWN as u64 {
            let ttl = Duration::from_secs(if number == 5 { 1 } else { 60 });
            tasks.add(&number.to_string(), begun(7, number, ttl));
        }
        assert_eq!(tasks.0.len(), KNOWN);
        assert_eq!((tasks.owner("5"), tasks.owner("6")), (None, Some(7)));
    }
}
