//! What sessions are told outside of their calls, and which of their streams tells it.
//!
//! Invariant: of several streams of one session one tells each message, because a client must not get it twice
//! (2025-11-25, basic/transports, "Multiple Connections"): the newest that may; when it closes, the one before it.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::Instant;

use super::client::ClientKey;
use crate::fleet::View;
use crate::wire::notification;

/// How many messages wait for one session.
pub(super) const DEPTH: usize = 64;
/// How many bytes of messages wait for all sessions together.
const BYTES: usize = 16 * 1024 * 1024;
/// How many sessions without a stream may have messages waiting for the one that they are about to open.
const EXPECTED: usize = 1024;
/// For so long they wait.
const PATIENCE: Duration = Duration::from_secs(10);

/// A message that nobody will hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unheard {
    /// The session does not read.
    #[error("{DEPTH} messages wait for the session")]
    Full,
    /// All sessions together do not read.
    #[error("{BYTES} bytes of messages wait for all sessions together")]
    Heavy,
    /// There are too many sessions that have not opened a stream.
    #[error("the session has no stream open, and {EXPECTED} others without one are waited for")]
    NoStream,
}

/// What waits for all sessions, and the streams that they have open.
#[derive(Debug, Default)]
pub(super) struct Inboxes(Mutex<Sessions>);

#[derive(Debug, Default)]
struct Sessions {
    open: HashMap<ClientKey, Inbox>,
    bytes: usize,
    next: u64,
}

#[derive(Debug)]
struct Inbox {
    messages: VecDeque<Bytes>,
    dropped: u64,
    /// The oldest first.
    streams: Vec<(u64, Arc<View>)>,
    /// Since when it has no stream.
    deaf: Instant,
    wake: watch::Sender<()>,
}

/// One open stream of a session; it is off the list when this is dropped.
#[derive(Debug)]
pub(super) struct Ear {
    inboxes: Arc<Inboxes>,
    key: ClientKey,
    number: u64,
    view: Arc<View>,
    woken: watch::Receiver<()>,
}

impl Inboxes {
    /// Leaves a message, whole and on one line, for a session. It waits for the stream that reads it, a while also for one
    /// that is still to be opened.
    ///
    /// # Errors
    /// [`Unheard`]; then nobody will hear it.
    pub(super) fn post(&self, key: ClientKey, message: Bytes) -> Result<(), Unheard> {
        let mut sessions = self.lock();
        sessions.forget_deaf();
        if sessions.bytes + message.len() > BYTES {
            return Err(Unheard::Heavy);
        }
        let waits = |inbox: &&Inbox| inbox.streams.is_empty();
        if !sessions.open.contains_key(&key) && sessions.open.values().filter(waits).count() >= EXPECTED {
            return Err(Unheard::NoStream);
        }
        let inbox = sessions.open.entry(key).or_insert_with(Inbox::new);
        if inbox.messages.len() >= DEPTH {
            return Err(Unheard::Full);
        }
        let length = message.len();
        inbox.messages.push_back(message);
        inbox.wake.send_replace(());
        sessions.bytes += length;
        Ok(())
    }

    /// Leaves a log message. Of those that find no room the session is told how many they were.
    pub(super) fn log(&self, key: ClientKey, message: Bytes) {
        if self.post(key, message).is_err()
            && let Some(inbox) = self.lock().open.get_mut(&key)
        {
            inbox.dropped += 1;
            inbox.wake.send_replace(());
        }
    }

    /// Wakes whoever listens for the session: there is something that is not left here.
    pub(super) fn wake(&self, key: ClientKey) {
        if let Some(inbox) = self.lock().open.get(&key) {
            inbox.wake.send_replace(());
        }
    }

    /// Forgets what waits for a session that is over. Its streams are the doors' to close.
    pub(super) fn forget(&self, key: ClientKey) {
        self.lock().clear(key);
    }

    /// Opens a stream of `view`.
    pub(super) fn open(self: &Arc<Self>, key: ClientKey, view: &Arc<View>) -> Ear {
        let mut sessions = self.lock();
        sessions.forget_deaf();
        let number = sessions.next;
        sessions.next += 1;
        let inbox = sessions.open.entry(key).or_insert_with(Inbox::new);
        inbox.streams.push((number, Arc::clone(view)));
        let woken = inbox.wake.subscribe();
        Ear { inboxes: Arc::clone(self), key, number, view: Arc::clone(view), woken }
    }

    /// Whether the session has a stream open.
    pub(super) fn is_heard(&self, key: ClientKey) -> bool {
        self.lock().open.get(&key).is_some_and(|inbox| !inbox.streams.is_empty())
    }

    fn lock(&self) -> MutexGuard<'_, Sessions> {
        self.0.lock().expect("no code that can panic runs under this lock")
    }
}

impl Sessions {
    /// Whoever has not opened a stream within [`PATIENCE`] does not listen.
    fn forget_deaf(&mut self) {
        let is_deaf = |inbox: &Inbox| inbox.streams.is_empty() && inbox.deaf.elapsed() > PATIENCE;
        let forgotten = self.open.extract_if(|_, inbox| is_deaf(inbox));
        let messages = forgotten.flat_map(|(_, inbox)| inbox.messages);
        self.bytes -= messages.map(|message| message.len()).sum::<usize>();
    }

    fn clear(&mut self, key: ClientKey) {
        let Entry::Occupied(mut entry) = self.open.entry(key) else { return };
        let inbox = entry.get_mut();
        self.bytes -= inbox.messages.drain(..).map(|message| message.len()).sum::<usize>();
        inbox.dropped = 0;
        if inbox.streams.is_empty() {
            entry.remove();
        }
    }
}

impl Inbox {
    fn new() -> Self {
        let (messages, streams) = (VecDeque::new(), Vec::new());
        Self { messages, dropped: 0, streams, deaf: Instant::now(), wake: watch::Sender::new(()) }
    }

    /// The newest stream whose view `fits`.
    fn newest(&self, fits: impl Fn(&View) -> bool) -> Option<u64> {
        self.streams.iter().rfind(|(_, view)| fits(view)).map(|(number, _)| *number)
    }
}

impl Ear {
    /// Waits until there may be something to tell. Safe to cancel.
    pub(super) async fn woken(&mut self) {
        // Its sender lives as long as this stream is on the list.
        let _ = self.woken.changed().await;
    }

    /// What comes from now on wakes it again.
    pub(super) fn listen(&mut self) {
        self.woken.mark_unchanged();
    }

    /// Whether this stream tells what its view shows.
    pub(super) fn speaks_for_view(&self) -> bool {
        self.speaks(|view| *view == *self.view)
    }

    /// Whether this stream tells of `shard`.
    pub(super) fn speaks_for(&self, shard: &str) -> bool {
        self.speaks(|view| view.includes(shard))
    }

    /// What was left for the session, if it is this stream that tells it.
    pub(super) fn messages(&self) -> Vec<Bytes> {
        let mut sessions = self.inboxes.lock();
        let Some(inbox) = sessions.open.get_mut(&self.key) else { return Vec::new() };
        if inbox.newest(|_| true) != Some(self.number) {
            return Vec::new();
        }
        let mut messages: Vec<Bytes> = inbox.messages.drain(..).collect();
        let bytes: usize = messages.iter().map(Bytes::len).sum();
        messages.extend(Some(std::mem::take(&mut inbox.dropped)).filter(|count| *count > 0).map(dropped));
        sessions.bytes -= bytes;
        messages
    }

    /// Leaves messages, before all that wait, for the stream that speaks next. The last of those that find no room are dropped,
    /// and counted.
    pub(super) fn put_back(&self, messages: VecDeque<Bytes>) {
        let mut sessions = self.inboxes.lock();
        let Sessions { open, bytes, .. } = &mut *sessions;
        let Some(inbox) = open.get_mut(&self.key).filter(|_| !messages.is_empty()) else { return };
        let mut kept = 0;
        for message in messages {
            if inbox.messages.len() < DEPTH && *bytes + message.len() <= BYTES {
                *bytes += message.len();
                inbox.messages.insert(kept, message);
                kept += 1;
            } else {
                inbox.dropped += 1;
            }
        }
        inbox.wake.send_replace(());
    }

    fn speaks(&self, fits: impl Fn(&View) -> bool) -> bool {
        let sessions = self.inboxes.lock();
        sessions.open.get(&self.key).is_some_and(|inbox| inbox.newest(fits) == Some(self.number))
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        let mut sessions = self.inboxes.lock();
        let Entry::Occupied(mut entry) = sessions.open.entry(self.key) else { return };
        let inbox = entry.get_mut();
        inbox.streams.retain(|(number, _)| *number != self.number);
        // The stream before this one tells what is left.
        inbox.wake.send_replace(());
        inbox.deaf = Instant::now();
        if inbox.streams.is_empty() && inbox.messages.is_empty() {
            entry.remove();
        }
    }
}

/// The log message that stands for `count` others.
pub(super) fn dropped(count: u64) -> Bytes {
    let data = format!("{count} log messages were dropped because they were not read in time");
    let params = json!({"level": "warning", "logger": "mcp-gateway", "data": data}).to_string();
    notification("notifications/message", Some(params.as_bytes())).into()
}

#[cfg(test)]
mod tests;
