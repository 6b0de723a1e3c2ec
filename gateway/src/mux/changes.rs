//! Tells a session what happens outside of its calls: changed lists, updated resources, and what was left in its inbox.
//!
//! Invariant: only the inbox is a queue. A list is changed or it is not, and clients hear of it after the new bytes are there.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;

use super::Inner;
use super::client::ClientKey;
use super::inbox::Ear;
use super::subscriptions::Subscriptions;
use crate::fleet::{View, World};
use crate::shard::link::ListKind;
use crate::shard::pool::Present;
use crate::shard::roster::List;
use crate::wire::notification;

/// What a view lists, and what of it has been told.
#[derive(Debug)]
pub(super) struct Lists {
    world: watch::Receiver<Arc<World>>,
    view: Arc<View>,
    told: [u64; 4],
}

/// One stream of a session. While it is there, it counts as open; of several streams of one session each message is told
/// by one.
#[derive(Debug)]
pub struct Changes {
    lists: Lists,
    ear: Ear,
    client: ClientKey,
    subscriptions: Arc<Subscriptions>,
    /// Its session keeps the children that it has alone.
    _present: Present,
}

impl Changes {
    pub(super) fn new(client: ClientKey, mux: &Inner, view: &Arc<View>, ear: Ear) -> Self {
        let (lists, subscriptions) = (Lists::new(&mux.world, view), Arc::clone(&mux.subscriptions));
        Self { lists, ear, client, subscriptions, _present: mux.own_children.arrive(client.0) }
    }

    /// Waits until there is something to tell and gives it, each a message on one line. Never ends; safe to cancel.
    pub async fn next(&mut self) -> Vec<Bytes> {
        loop {
            self.ear.listen();
            let mut messages = self.ear.messages();
            messages.extend(self.subscriptions.updated(self.client, |shard| self.ear.speaks_for(shard)));
            if !messages.is_empty() {
                return messages;
            }
            tokio::select! {
                () = self.ear.woken() => {}
                changed = self.lists.changed() => if !changed.is_empty() && self.ear.speaks_for_view() {
                    return changed.into_iter().map(list_changed).collect();
                },
            }
        }
    }

    /// Leaves messages for the other streams of the session that this one was given and has not told.
    pub fn put_back(&mut self, messages: VecDeque<Bytes>) {
        self.ear.put_back(messages);
    }
}

impl Lists {
    /// What `view` shows now counts as told.
    pub(super) fn new(world: &watch::Receiver<Arc<World>>, view: &Arc<View>) -> Self {
        let mut lists = Self { world: world.clone(), view: Arc::clone(view), told: [0; 4] };
        lists.told = lists.generations();
        lists
    }

    /// Waits until the world is another one, and gives what has changed in the view, which then counts as told. Safe to
    /// cancel.
    pub(super) async fn changed(&mut self) -> Vec<ListKind> {
        if self.world.changed().await.is_err() {
            // The fleet is gone, so there is nothing left to change.
            return std::future::pending().await;
        }
        let now = self.generations();
        let before = std::mem::replace(&mut self.told, now);
        let changed = |list: &List| now[*list as usize] != before[*list as usize];
        ListKind::ALL.into_iter().filter(|kind| kind.lists().iter().any(changed)).collect()
    }

    fn generations(&mut self) -> [u64; 4] {
        // Making a view takes a while, and whoever borrows the world keeps the fleet from its work.
        let world = Arc::clone(&self.world.borrow_and_update());
        let seen = world.seen(&self.view);
        List::ALL.map(|list| seen.generation(list))
    }
}

/// What a session of another process may have missed: each message on one line.
pub fn all_changed() -> impl Iterator<Item = Bytes> {
    ListKind::ALL.into_iter().map(list_changed)
}

pub(super) fn list_changed(kind: ListKind) -> Bytes {
    notification(&format!("notifications/{}/list_changed", kind.capability()), None).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_of_another_process_is_told_that_every_list_may_have_changed() {
        let messages: Vec<_> = all_changed().collect();
        assert_eq!(messages.len(), 3);
        assert_eq!(messages[0], r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#);
    }
}
