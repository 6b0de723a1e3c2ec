//! Where the answer to one question of a round is put.
//!
//! Invariant: it never waits, and what it keeps of an answer counts as kept for calls that go round.

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::shard::budget::Budget;
use crate::wire::{Fault, Outcome};

/// What came of a question.
#[derive(Debug)]
pub(in crate::mux) enum Given {
    /// The client's result, JSON text.
    Result(Bytes),
    /// The client's error, and its code if it can be read.
    Error(Option<i64>),
    /// Nobody answers.
    Nobody,
    /// The client's result finds no room in memory.
    NoRoom,
}

/// One question of a round, and the way back for its answer.
#[derive(Debug)]
pub(in crate::mux) struct Slot {
    /// The method.
    pub(in crate::mux) method: Box<str>,
    /// The parameters, JSON text.
    pub(in crate::mux) params: Option<Bytes>,
    /// Which question of its round it is.
    pub(in crate::mux) at: usize,
    /// Has room for the answers to all questions of the round.
    pub(in crate::mux) answers: mpsc::Sender<(usize, Given)>,
    /// Where the bytes of the answer are booked.
    pub(in crate::mux) kept: Budget,
}

impl Slot {
    pub(super) fn pass_on(&self, outcome: Outcome<'_>) {
        self.give(match outcome {
            Outcome::Result(result) => {
                let result = Bytes::copy_from_slice(result.as_str().as_bytes());
                self.kept.book(result).map_or(Given::NoRoom, Given::Result)
            }
            Outcome::Error(error) => Given::Error(Fault::code_of(error)),
        });
    }

    pub(super) fn decline(&self) {
        self.give(Given::Nobody);
    }

    fn give(&self, given: Given) {
        // The round may be over by now, and then nobody wants to know.
        let _ = self.answers.try_send((self.at, given));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Raw;

    #[test]
    fn an_answer_without_room_is_told_as_such_and_the_others_as_they_are() {
        let (answers, mut coming) = mpsc::channel(1);
        let (method, kept) = ("m".into(), Budget::new(10_000));
        let slot = Slot { method, params: None, at: 3, answers, kept };
        let mut given = |outcome: Outcome<'_>| {
            slot.pass_on(outcome);
            format!("{:?}", coming.try_recv().unwrap())
        };
        let raw = |text: &'static str| Raw::parse(text.as_bytes()).unwrap();
        assert_eq!(given(Outcome::Result(raw(r#"{"a":1e5}"#))), r#"(3, Result(b"{\"a\":1e5}"))"#);
        assert_eq!(given(Outcome::Error(raw(r#"{"code":-1}"#))), "(3, Error(Some(-1)))");
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(10_000));
        assert_eq!(given(Outcome::Result(Raw::parse(long.as_bytes()).unwrap())), "(3, NoRoom)");
        slot.decline();
        // The round is over.
        drop(coming);
        slot.decline();
    }
}
