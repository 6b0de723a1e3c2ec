//! Sessions of legacy HTTP clients, carried by the clients themselves (DESIGN D9).
//!
//! Invariant: a session id is a signed token that holds all a plain call needs, so that sessions cost nothing here,
//! outlive a restart and work on another gateway with the same key. Only deletions are remembered, and a bounded number.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::door::key::{Key, random};
use crate::mux::{Client, ClientKey, Principal};
use crate::wire::{Capabilities, Era, Revision};

/// No session id is longer, in bytes.
pub const MAX_TOKEN: usize = 1024;
/// What the fixed part of a token and the signature leave for the client's name and version.
const MAX_INFO: usize = 640;
const FORMAT: u8 = 1;
const HEAD: usize = 43;
const DELETED_KEPT: usize = 16_384;

/// Mints and opens session tokens.
#[derive(Debug)]
pub struct Sessions {
    mac: Hmac<Sha256>,
    boot: [u8; 16],
    lifetime: Duration,
    deleted: Mutex<Deleted>,
}

/// An open session.
#[derive(Debug, Clone)]
pub struct Session {
    /// Who the client is, by what it said in `initialize`. The log level is live state and not in here.
    pub client: Client,
    /// The session was made by another process: its live state is lost.
    pub from_elsewhere: bool,
}

/// The token is forged, expired or deleted, or was signed with another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no such session, or it has ended; send `initialize` again")]
pub struct NotFound;

#[derive(Debug, Default)]
struct Deleted {
    known: HashSet<u128>,
    order: VecDeque<u128>,
}

/// A key that no other client has, here or at another gateway.
pub(crate) fn fresh_key() -> ClientKey {
    ClientKey(u128::from_le_bytes(random()))
}

/// A key that no other client of this process has, for one that is gone after one request: it costs no system call.
pub(crate) fn passing_key() -> ClientKey {
    static LAST: AtomicU64 = AtomicU64::new(0);
    ClientKey(u128::from(LAST.fetch_add(1, Ordering::Relaxed)) + 1)
}

impl Sessions {
    /// Sessions that end `lifetime` after they were made.
    #[must_use]
    pub fn new(key: &Key, lifetime: Duration) -> Self {
        let mac = Hmac::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length");
        Self { mac, boot: random(), lifetime, deleted: Mutex::default() }
    }

    /// The session id of a client that `initialize` has made.
    #[must_use]
    pub fn mint(&self, client: &Client) -> String {
        self.mint_at(client, SystemTime::now())
    }

    /// Reads a session id.
    ///
    /// # Errors
    /// [`NotFound`] for whatever is no living session.
    pub fn open(&self, token: &str) -> Result<Session, NotFound> {
        self.open_at(token, SystemTime::now())
    }

    /// Ends a session on this gateway. The oldest of very many deletions are forgotten.
    pub fn delete(&self, key: ClientKey) {
        let mut deleted = self.deleted.lock().expect("nothing panics while it holds this lock");
        if deleted.known.insert(key.0) {
            deleted.order.push_back(key.0);
        }
        if deleted.order.len() > DELETED_KEPT
            && let Some(oldest) = deleted.order.pop_front()
        {
            deleted.known.remove(&oldest);
        }
    }

    fn mint_at(&self, client: &Client, now: SystemTime) -> String {
        let info = if client.info.len() <= MAX_INFO { &*client.info } else { "{}" };
        let revision = Revision::ALL.iter().position(|revision| *revision == client.revision);
        let revision = revision.and_then(|index| u8::try_from(index).ok()).expect("there are few revisions");
        let mut payload = Vec::with_capacity(HEAD + info.len());
        payload.extend_from_slice(&[FORMAT, revision, client.capabilities.bits()]);
        payload.extend_from_slice(&seconds(now).to_le_bytes());
        payload.extend_from_slice(&client.key.0.to_le_bytes());
        payload.extend_from_slice(&self.boot);
        payload.extend_from_slice(info.as_bytes());
        let signature = self.mac.clone().chain_update(&payload).finalize().into_bytes();
        let mut token = String::with_capacity(MAX_TOKEN);
        BASE64.encode_string(&payload, &mut token);
        token.push('.');
        BASE64.encode_string(signature, &mut token);
        token
    }

    fn open_at(&self, token: &str, now: SystemTime) -> Result<Session, NotFound> {
        if token.len() > MAX_TOKEN {
            return Err(NotFound);
        }
        let (payload, signature) = token.split_once('.').ok_or(NotFound)?;
        let payload = BASE64.decode(payload).map_err(|_| NotFound)?;
        let signature = BASE64.decode(signature).map_err(|_| NotFound)?;
        self.mac.clone().chain_update(&payload).verify_slice(&signature).map_err(|_| NotFound)?;
        let (session, issued) = self.read(&payload).ok_or(NotFound)?;
        let expired = seconds(now).saturating_sub(issued) >= self.lifetime.as_secs();
        if expired
            || self
                .deleted
                .lock()
                .expect("nothing panics while it holds this lock")
                .known
                .contains(&session.client.key.0)
        {
            return Err(NotFound);
        }
        Ok(session)
    }

    /// The payload's parts in the order in which `mint_at` wrote them.
    fn read(&self, payload: &[u8]) -> Option<(Session, u64)> {
        let (head, info) = payload.split_first_chunk::<HEAD>()?;
        let [FORMAT, revision, capabilities, rest @ ..] = head else { return None };
        let revision = Revision::ALL.get(usize::from(*revision)).filter(|revision| revision.era() == Era::Legacy)?;
        let (issued, rest) = rest.split_first_chunk()?;
        let (key, boot) = rest.split_first_chunk()?;
        let key = ClientKey(u128::from_le_bytes(*key));
        let client = Client {
            key,
            principal: Principal::Connection(key),
            revision: *revision,
            info: Arc::from(std::str::from_utf8(info).ok()?),
            capabilities: Capabilities::from_bits(*capabilities),
            level: None,
        };
        Some((Session { client, from_elsewhere: *boot != self.boot }, u64::from_le_bytes(*issued)))
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn client(info: &str) -> Client {
        let key = fresh_key();
        Client {
            key,
            principal: Principal::Connection(key),
            revision: Revision::V2025_06_18,
            info: info.into(),
            capabilities: Capabilities::from_bits(5),
            level: None,
        }
    }

    #[test]
    fn a_session_goes_on_at_another_gateway_with_the_same_key() {
        let key = Key::random();
        let client = client(r#"{"name":"inspector","version":"1"}"#);
        let here = Sessions::new(&key, DAY);
        let token = here.mint(&client);
        assert!(token.bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(!here.open(&token).unwrap().from_elsewhere);
        let opened = Sessions::new(&key, DAY).open(&token).unwrap();
        assert!(opened.from_elsewhere);
        assert_eq!(opened.client.key, client.key);
        assert_eq!(opened.client.revision, client.revision);
        assert_eq!(opened.client.info, client.info);
        assert_eq!(opened.client.capabilities, client.capabilities);
        assert_eq!(Sessions::new(&Key::random(), DAY).open(&token).unwrap_err(), NotFound);
    }

    #[test]
    fn a_token_with_any_byte_changed_is_no_session() {
        let sessions = Sessions::new(&Key::random(), DAY);
        let token = sessions.mint(&client("{}"));
        for at in 0..token.len() {
            let mut forged = token.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert!(sessions.open(&forged).is_err(), "{at}");
        }
        let longer = format!("{token}A");
        for forged in
            ["", ".", "a.b", &token[1..], &token[..token.len() - 1], &longer, &"a".repeat(4096), "gefälscht.x"]
        {
            assert!(sessions.open(forged).is_err(), "{forged}");
        }
    }

    #[test]
    fn a_session_ends_when_its_lifetime_is_over() {
        let sessions = Sessions::new(&Key::random(), DAY);
        let now = SystemTime::now();
        let token = sessions.mint_at(&client("{}"), now);
        assert!(sessions.open_at(&token, now + DAY - Duration::from_secs(2)).is_ok());
        assert!(sessions.open_at(&token, now + DAY).is_err());
        assert!(sessions.open_at(&token, now - Duration::from_secs(60)).is_ok(), "a clock that lags behind");
    }

    #[test]
    fn a_deleted_session_is_gone_and_others_are_not() {
        let sessions = Sessions::new(&Key::random(), DAY);
        let (gone, kept) = (client("{}"), client("{}"));
        sessions.delete(gone.key);
        assert!(sessions.open(&sessions.mint(&gone)).is_err());
        assert!(sessions.open(&sessions.mint(&kept)).is_ok());
        for _ in 0..DELETED_KEPT {
            sessions.delete(fresh_key());
        }
        let deleted = sessions.deleted.lock().unwrap();
        assert_eq!((deleted.known.len(), deleted.order.len()), (DELETED_KEPT, DELETED_KEPT));
    }

    #[test]
    fn no_client_info_makes_a_token_too_long() {
        let sessions = Sessions::new(&Key::random(), DAY);
        for length in [MAX_INFO, MAX_INFO + 1, 100_000] {
            let token = sessions.mint(&client(&"x".repeat(length)));
            assert!(token.len() <= MAX_TOKEN, "{length}");
            let kept = if length <= MAX_INFO { length } else { 2 };
            assert_eq!(sessions.open(&token).unwrap().client.info.len(), kept);
        }
    }
}
