//! Tells clients that lists have changed.
//!
//! Invariant: nothing is queued. A list is changed or it is not, and clients hear of it after the new bytes are there.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;

use super::client::ClientKey;
use crate::fleet::{View, World};
use crate::shard::roster::List;
use crate::wire::notification;

/// Follows the lists for one client.
#[derive(Debug)]
pub struct Changes {
    client: ClientKey,
    world: watch::Receiver<Arc<World>>,
    view: Arc<View>,
    told: [u64; 4],
}

impl Changes {
    pub(super) fn new(client: ClientKey, world: watch::Receiver<Arc<World>>, view: Arc<View>) -> Self {
        let mut changes = Self { client, world, view, told: [0; 4] };
        changes.told = changes.generations();
        changes
    }

    /// Waits for a change and gives the notifications for it, each a message on one line. Never ends; safe to cancel.
    pub async fn next(&mut self) -> Vec<Bytes> {
        loop {
            if self.world.changed().await.is_err() {
                // The fleet is gone, so there is nothing left to change.
                return std::future::pending().await;
            }
            let now = self.generations();
            let before = std::mem::replace(&mut self.told, now);
            let changed = |list: List| now[list as usize] != before[list as usize];
            let resources = changed(List::Resources) || changed(List::Templates);
            let kinds =
                [("tools", changed(List::Tools)), ("prompts", changed(List::Prompts)), ("resources", resources)];
            let messages: Vec<Bytes> = kinds
                .into_iter()
                .filter(|(_, changed)| *changed)
                .map(|(kind, _)| notification(&format!("notifications/{kind}/list_changed"), None).into())
                .collect();
            if !messages.is_empty() {
                return messages;
            }
        }
    }

    fn generations(&mut self) -> [u64; 4] {
        // Making a view takes a while, and whoever borrows the world keeps the fleet from its work.
        let world = Arc::clone(&self.world.borrow_and_update());
        let seen = world.seen(&self.view);
        List::ALL.map(|list| seen.generation(list))
    }
}
