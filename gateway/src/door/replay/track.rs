//! One stream that can be read on after its connection has broken.
//!
//! Invariant: one reader at a time carries it, the one that came last; what was read from its source has been kept, or
//! could not be, before anybody sees it.

use std::future::Future;
use std::pin::Pin;

use tokio::sync::{Mutex, MutexGuard, watch};

use super::event_id::{Kind, Name};
use crate::door::call::{Answering, Asked};
use crate::mux::{ClientKey, Relayed};

/// A stream of a session.
pub(crate) struct Track {
    pub(super) key: ClientKey,
    pub(super) number: u64,
    pub(super) kind: Kind,
    pub(super) name: Name,
    pub(super) asked: Asked,
    turn: watch::Sender<u64>,
    carriage: Mutex<Carriage>,
}

/// Where its events come from, and the place of the latest one.
pub(super) struct Carriage {
    /// `None` at the end.
    pub(super) source: Option<Box<dyn Carried>>,
    pub(super) place: u64,
}

/// The right to carry a stream, until somebody else takes it.
pub(crate) struct Turn {
    mine: u64,
    now: watch::Receiver<u64>,
}

/// [`Answering`] behind a pointer.
pub(super) trait Carried: Send {
    fn next(&mut self) -> Pin<Box<dyn Future<Output = Relayed> + Send + '_>>;
    fn go_alone(&mut self);
}

impl<A: Answering> Carried for A {
    fn next(&mut self) -> Pin<Box<dyn Future<Output = Relayed> + Send + '_>> {
        Box::pin(Answering::next(self))
    }

    fn go_alone(&mut self) {
        Answering::go_alone(self);
    }
}

impl Track {
    pub(super) fn new<A: Answering>(key: ClientKey, number: u64, kind: Kind, source: A, place: u64) -> Self {
        let asked = source.asked();
        let name = Name::new(kind, number, asked.one());
        let carriage = Mutex::new(Carriage { source: Some(Box::new(source)), place });
        Self { key, number, kind, name, asked, turn: watch::Sender::new(0), carriage }
    }

    /// Takes it from whoever carries it now.
    pub(super) fn take_turn(&self) -> Turn {
        let mut mine = 0;
        self.turn.send_modify(|turn| {
            *turn += 1;
            mine = *turn;
        });
        Turn { mine, now: self.turn.subscribe() }
    }

    /// What it is read from, once whoever had the turn before has let go of it.
    pub(super) async fn carriage(&self) -> MutexGuard<'_, Carriage> {
        self.carriage.lock().await
    }

    /// Nobody is expected to read it any more. Nothing happens if somebody does.
    pub(super) fn go_alone(&self) {
        if let Ok(mut carriage) = self.carriage.try_lock()
            && let Some(source) = &mut carriage.source
        {
            source.go_alone();
        }
    }

    /// Drops its source. Nothing happens if somebody reads from it.
    pub(super) fn give_back(&self) {
        if let Ok(mut carriage) = self.carriage.try_lock() {
            carriage.source = None;
        }
    }
}

impl Turn {
    /// Ready when somebody else carries the stream. Safe to cancel.
    pub(crate) async fn is_over(&mut self) {
        let mine = self.mine;
        if self.now.wait_for(|now| *now != mine).await.is_err() {
            // Nobody can take it any more.
            std::future::pending().await
        }
    }

    /// Whether nobody else carries the stream.
    pub(crate) fn is_mine(&self) -> bool {
        *self.now.borrow() == self.mine
    }
}
