//! The log levels that legacy sessions have set (2025-11-25, server/utilities/logging).
//!
//! Invariant: live state, bounded, lost with the process. Shards hear the most verbose wish; each client hears its own.

use std::collections::HashMap;
use std::sync::Mutex;

use tokio::sync::watch;

use super::client::ClientKey;
use crate::wire::Level;

/// How many sessions may have set a level; beyond it some other session hears everything again.
const SESSIONS: usize = 4096;

#[derive(Debug)]
pub(super) struct Levels {
    set: Mutex<HashMap<ClientKey, Level>>,
    wish: watch::Sender<Option<Level>>,
}

impl Levels {
    pub(super) fn new(wish: watch::Sender<Option<Level>>) -> Self {
        Self { set: Mutex::default(), wish }
    }

    pub(super) fn get(&self, client: ClientKey) -> Option<Level> {
        self.set.lock().expect("no code that can panic runs under this lock").get(&client).copied()
    }

    pub(super) fn set(&self, client: ClientKey, level: Level) {
        self.change(|set| {
            if set.len() >= SESSIONS
                && !set.contains_key(&client)
                && let Some(other) = set.keys().next().copied()
            {
                set.remove(&other);
            }
            set.insert(client, level);
        });
    }

    pub(super) fn forget(&self, client: ClientKey) {
        self.change(|set| {
            set.remove(&client);
        });
    }

    fn change(&self, change: impl FnOnce(&mut HashMap<ClientKey, Level>)) {
        let mut set = self.set.lock().expect("no code that can panic runs under this lock");
        change(&mut set);
        let most_verbose = set.values().min().copied();
        self.wish.send_if_modified(|wish| std::mem::replace(wish, most_verbose) != most_verbose);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_hear_the_most_verbose_wish_of_all() {
        let (wish, heard) = watch::channel(None);
        let levels = Levels::new(wish);
        let (one, other) = (ClientKey(1), ClientKey(2));
        levels.set(one, Level::Error);
        levels.set(other, Level::Debug);
        assert_eq!((*heard.borrow(), levels.get(one)), (Some(Level::Debug), Some(Level::Error)));
        levels.forget(other);
        assert_eq!(*heard.borrow(), Some(Level::Error));
        levels.forget(one);
        assert_eq!(*heard.borrow(), None);
    }
}
