//! Sessions and the children that belong to one of them (`instances: per_session`).
//!
//! Invariant: what such a child says outside of calls reaches its own session or nobody; what it asks while nobody of that
//! session listens is declined.

use std::sync::Weak;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::Receiver;
use tokio::time::{MissedTickBehavior, interval};

use super::Inner;
use super::client::ClientKey;
use crate::shard::pool::{Mail, Unclaimed};
use crate::wire::{Level, Raw};

/// How often is looked for questions that nobody is there to hear.
const ROUND: Duration = Duration::from_secs(15);

/// Carries what the children of sessions say to where the sessions hear it, until the mux is gone.
pub(super) async fn carry(mux: Weak<Inner>, mut arriving: Receiver<Mail>) {
    let mut rounds = interval(ROUND);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let mail = tokio::select! {
            mail = arriving.recv() => match mail {
                Some(mail) => Some(mail),
                None => return,
            },
            _ = rounds.tick() => None,
        };
        let Some(mux) = mux.upgrade() else { return };
        match mail {
            Some(mail) => mux.deliver(mail),
            None => mux.asks.tire(|client| mux.inboxes.is_heard(client)),
        }
    }
}

impl Inner {
    fn deliver(&self, Mail { client, link, said }: Mail) {
        let key = ClientKey(client);
        match said {
            Unclaimed::Log(level, params) => {
                if level.is_none_or(|level| self.levels.get(key).is_none_or(|least| level >= least))
                    && let Some(message) = self.logged(key, &link, params)
                {
                    self.inboxes.log(key, message);
                }
            }
            Unclaimed::Notice { method, params } => {
                if let Some(message) = self.told(key, &link, &method, params) {
                    self.leave(key, message);
                }
            }
            Unclaimed::Ask(ask) if !self.inboxes.is_heard(key) => link.decline(&ask),
            Unclaimed::Ask(ask) => {
                let Some((id, message)) = self.asks.open(key, &link, &self.as_known(key, &link, &ask)) else { return };
                // No call waits for it, so that later questions may have its place.
                self.asks.outlived(&[id]);
                if !self.leave(key, message) {
                    self.asks.give_up(key, id);
                }
            }
            Unclaimed::AskCancelled { key: asked, reason } => {
                if let Some(message) = self.asks.take_back(key, &link, &asked, reason.as_ref()) {
                    self.leave(key, message);
                }
            }
        }
    }

    pub(super) fn leave(&self, key: ClientKey, message: Bytes) -> bool {
        let left = self.inboxes.post(key, message);
        left.inspect_err(|unheard| tracing::debug!(%unheard, "a message of a session's own child is dropped")).is_ok()
    }

    /// A notification of a session that is meant for its own children.
    pub(super) fn tell_own(&self, key: ClientKey, method: &str, params: Option<Raw<'_>>) {
        let world = self.world.borrow().clone();
        for live in world.shards.values().filter_map(|shard| shard.private(key.0)) {
            live.link.notify(method, params.map(|params| params.as_str().as_bytes()));
        }
    }

    /// The log level of a session, for its own children.
    pub(super) fn set_own_level(&self, key: ClientKey, level: Level) {
        self.world.borrow().shards.values().for_each(|shard| shard.set_level(key.0, level));
    }

    /// The session is over: its own children end.
    pub(super) fn end_own(&self, key: ClientKey) {
        self.own_children.end(key.0);
        self.world.borrow().shards.values().for_each(|shard| shard.end(key.0));
    }
}
