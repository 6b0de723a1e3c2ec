//! The session of a legacy client at the gateway, and what it takes to open it again.
//!
//! Invariant: what is remembered is what the client has said and the gateway has accepted, so that a session that was opened
//! again is the same to the client.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::watch;
use tracing::warn;

use crate::app::peer::PROTOCOL_VERSION;
use crate::wire::{Raw, request};

const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
/// So many subscriptions are made again in a new session; a gateway takes fewer of one session.
const MOST_URIS: usize = 4096;
/// The number of the first request that we make ourselves. Clients count from 0 or 1.
const OURS: u64 = 1 << 52;

/// One session.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// How many there were before it.
    pub(super) number: u64,
    /// What each of its messages carries.
    pub(super) headers: HeaderMap,
}

impl Session {
    /// Whether the gateway keeps anything of it that it can forget.
    pub(super) fn has_id(&self) -> bool {
        self.headers.contains_key(SESSION_ID)
    }
}

/// The session that counts, for the parts that must know when it is another one, and what is remembered.
#[derive(Debug)]
pub(super) struct Sessions {
    current: watch::Sender<Option<Session>>,
    memory: Mutex<Memory>,
    /// Held by who opens it again.
    pub(super) renewing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Memory {
    /// The client's `initialize`.
    hello: Bytes,
    /// The client has said that it is ready.
    is_ready: bool,
    /// The parameters of `logging/setLevel`.
    level: Option<Bytes>,
    /// The parameters of `resources/subscribe`, by URI.
    uris: BTreeMap<String, Bytes>,
}

impl Default for Sessions {
    fn default() -> Self {
        let (current, _) = watch::channel(None);
        Self { current, memory: Mutex::default(), renewing: tokio::sync::Mutex::default() }
    }
}

impl Sessions {
    /// The one that counts now, once the client has one.
    pub(super) fn current(&self) -> Option<Session> {
        self.current.borrow().clone()
    }

    /// Tells when another one counts.
    pub(super) fn follow(&self) -> watch::Receiver<Option<Session>> {
        self.current.subscribe()
    }

    /// The session that the gateway has opened with this head and this result of `initialize`. It does not count yet.
    pub(super) fn next(&self, head: &HeaderMap, result: Raw<'_>) -> Session {
        let revision = result.get("protocolVersion").and_then(Raw::string);
        let revision = revision.and_then(|revision| HeaderValue::from_str(&revision).ok());
        let fields = [(SESSION_ID, head.get(SESSION_ID).cloned()), (PROTOCOL_VERSION, revision)];
        let headers = fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        Session { number: self.current.borrow().as_ref().map_or(0, |session| session.number + 1), headers }
    }

    /// From now on this one counts.
    pub(super) fn publish(&self, session: Session) {
        self.current.send_replace(Some(session));
    }

    /// The client begins.
    pub(super) fn remember_hello(&self, hello: Bytes) {
        self.memory().hello = hello;
    }

    pub(super) fn hello(&self) -> Bytes {
        self.memory().hello.clone()
    }

    /// The client is ready; false if it was before.
    pub(super) fn ready(&self) -> bool {
        !std::mem::replace(&mut self.memory().is_ready, true)
    }

    pub(super) fn is_ready(&self) -> bool {
        self.memory().is_ready
    }

    /// The gateway has carried out this request of the client.
    pub(super) fn accepted(&self, method: &str, params: Option<Raw<'_>>) {
        let Some(params) = params else { return };
        let uri = || params.get("uri").and_then(Raw::string);
        let kept = || Bytes::copy_from_slice(params.as_str().as_bytes());
        let mut memory = self.memory();
        match method {
            "logging/setLevel" => memory.level = Some(kept()),
            "resources/subscribe" => {
                let Some(uri) = uri() else { return };
                if memory.uris.len() < MOST_URIS {
                    memory.uris.insert(uri.into_owned(), kept());
                } else {
                    warn!("after {MOST_URIS} subscriptions no more are remembered for a gateway that starts again");
                }
            }
            "resources/unsubscribe" => {
                uri().and_then(|uri| memory.uris.remove(&*uri));
            }
            _ => {}
        }
    }

    /// The requests that make a session what it was.
    pub(super) fn restoring(&self) -> Vec<Bytes> {
        let memory = self.memory();
        let level = memory.level.iter().map(|params| ("logging/setLevel", params));
        let uris = memory.uris.values().map(|params| ("resources/subscribe", params));
        let numbered = (OURS..).zip(level.chain(uris));
        numbered.map(|(id, (method, params))| request(id, method, Some(params)).into()).collect()
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().expect("nothing panics while it holds this lock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Raw<'_> {
        Raw::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_session_is_restored_as_it_was_last() {
        let sessions = Sessions::default();
        sessions.accepted("logging/setLevel", Some(raw(r#"{"level":"debug"}"#)));
        sessions.accepted("logging/setLevel", Some(raw(r#"{"level":"error"}"#)));
        for uri in ["a:1", "b:2", "c:3"] {
            sessions.accepted("resources/subscribe", Some(raw(&format!(r#"{{"uri":"{uri}","x":1}}"#))));
        }
        sessions.accepted("resources/unsubscribe", Some(raw(r#"{"uri":"b:2"}"#)));
        sessions.accepted("tools/call", Some(raw(r#"{"uri":"d:4"}"#)));
        let requests = sessions.restoring();
        let ends =
            [r#""logging/setLevel","params":{"level":"error"}}"#, r#"{"uri":"a:1","x":1}}"#, r#"{"uri":"c:3","x":1}}"#];
        assert_eq!(requests.len(), ends.len());
        for (request, end) in requests.iter().zip(ends) {
            assert!(request.ends_with(end.as_bytes()), "{request:?}");
        }
    }

    #[test]
    fn each_session_carries_its_own_id_and_the_revision_that_was_agreed_on() {
        let sessions = Sessions::default();
        for (number, id) in ["one", "two"].into_iter().enumerate() {
            let head = [(SESSION_ID, HeaderValue::from_static(id))].into_iter().collect();
            sessions.publish(sessions.next(&head, raw(r#"{"protocolVersion":"2025-06-18"}"#)));
            let session = sessions.current().unwrap();
            assert_eq!(session.number, number as u64);
            assert_eq!(session.headers[SESSION_ID], id);
            assert_eq!(session.headers[PROTOCOL_VERSION], "2025-06-18");
        }
    }
}
