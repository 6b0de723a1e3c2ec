//! What the gateway has asked the client and the client has not answered.
//!
//! Invariant: an answer goes to the gateway only while its question is open there, as far as we can know: what was asked in a
//! stream that failed, or in a session that is over, is taken back from the client and answered to nobody.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

use bytes::Bytes;

use crate::wire::{Id, notification};

/// So many are remembered; with one more the oldest is taken back.
const MOST: usize = 1024;

/// Where a question came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The stream of the request with this number.
    Request(u64),
    /// The GET stream of the session with this number.
    Session(u64),
}

/// The questions that are open.
#[derive(Debug, Default)]
pub(super) struct Asks(Mutex<VecDeque<Asked>>);

#[derive(Debug)]
struct Asked {
    key: String,
    /// The id as JSON text.
    id: String,
    origin: Origin,
}

impl Asks {
    /// A question that the client is about to get; gives what it is to be told of another one.
    pub(super) fn opened(&self, id: Id<'_>, origin: Origin) -> Option<Bytes> {
        let mut asks = self.lock();
        asks.push_back(Asked { key: id.key(), id: id.as_str().to_owned(), origin });
        if asks.len() > MOST { asks.pop_front().map(|asked| taken_back(&asked.id)) } else { None }
    }

    /// Whether the question was open; from now on it is not.
    pub(super) fn closed(&self, id: Id<'_>) -> bool {
        let (mut asks, key) = (self.lock(), id.key());
        let at = asks.iter().position(|asked| asked.key == key);
        at.is_some_and(|at| asks.remove(at).is_some())
    }

    /// Takes back all that were asked there: what the client is told.
    pub(super) fn take_back(&self, is_lost: impl Fn(Origin) -> bool) -> Vec<Bytes> {
        let mut told = Vec::new();
        self.lock().retain(|asked| {
            let keeps = !is_lost(asked.origin);
            if !keeps {
                told.push(taken_back(&asked.id));
            }
            keeps
        });
        told
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Asked>> {
        self.0.lock().expect("nothing panics while it holds this lock")
    }
}

fn taken_back(id: &str) -> Bytes {
    let params = format!(r#"{{"requestId":{id},"reason":"the connection to the gateway broke off"}}"#);
    notification("notifications/cancelled", Some(params.as_bytes())).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Raw;

    fn id(text: &str) -> Id<'_> {
        Id::read(Raw::parse(text.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn a_question_is_answered_once_and_not_after_it_was_taken_back() {
        let asks = Asks::default();
        for (text, origin) in [("1", Origin::Request(7)), ("\"1\"", Origin::Request(7)), ("2", Origin::Session(0))] {
            assert_eq!(asks.opened(id(text), origin), None);
        }
        assert_eq!([asks.closed(id("1.0")), asks.closed(id("1"))], [true, false]);
        let told = asks.take_back(|origin| origin == Origin::Request(7));
        let expected = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"1","reason":"the connection to the gateway broke off"}}"#;
        assert_eq!(told, [expected]);
        assert_eq!([asks.closed(id("\"1\"")), asks.closed(id("2"))], [false, true]);
    }

    #[test]
    fn the_oldest_of_too_many_is_taken_back() {
        let asks = Asks::default();
        let told: Vec<_> = (0..=MOST).filter_map(|n| asks.opened(id(&n.to_string()), Origin::Session(0))).collect();
        assert_eq!(told.len(), 1);
        assert_eq!([asks.closed(id("0")), asks.closed(id("1"))], [false, true]);
    }
}
