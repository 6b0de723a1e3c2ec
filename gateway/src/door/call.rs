//! Calls that are waited for, one or many.

use std::future::Future;

use crate::mux::{Relay, Relayed};
use crate::wire::{Chunks, Era, Fault};

/// Whatever yields notices and then one answer.
pub(crate) trait Answering: Send + 'static {
    /// What comes next. Safe to cancel; not called again after [`Relayed::Done`] or [`Relayed::Cancelled`].
    fn next(&mut self) -> impl Future<Output = Relayed> + Send;

    /// Which requests wait for the answer.
    fn asked(&self) -> Asked;

    /// Nobody reads what it yields, and nobody is expected to: what shards ask is declined.
    fn go_alone(&mut self);
}

/// The ids of the requests that an answer answers, JSON texts.
#[derive(Debug, Clone)]
pub(crate) enum Asked {
    /// Nobody waits for an answer.
    Nothing,
    One(Box<str>),
    Array(Vec<Box<str>>),
}

impl Asked {
    /// The id, if the answer has one.
    pub(crate) fn one(&self) -> Option<&str> {
        match self {
            Self::One(id) => Some(id),
            Self::Nothing | Self::Array(_) => None,
        }
    }

    /// What stands for an answer that is lost.
    pub(crate) fn failed(&self, fault: &Fault) -> Chunks {
        match self {
            Self::Nothing => Chunks::default(),
            Self::One(id) => fault.response(id),
            Self::Array(ids) => array(ids.iter().map(|id| fault.response(id))),
        }
    }
}

/// Answers as one array, which only revision 2025-03-26 knows.
pub(crate) fn array(answers: impl Iterator<Item = Chunks>) -> Chunks {
    let mut array = Vec::new();
    for answer in answers {
        array.push(if array.is_empty() { b'[' } else { b',' });
        answer.append_to(&mut array);
    }
    array.push(b']');
    array.into()
}

/// One call under way. Dropped before its end it is cancelled in the modern era; in the legacy era a client that hangs
/// up has not cancelled, so the call goes on.
pub(crate) struct Call {
    relay: Option<Box<Relay>>,
    era: Era,
}

impl Call {
    pub(crate) fn new(relay: Box<Relay>, era: Era) -> Self {
        Self { relay: Some(relay), era }
    }
}

impl Answering for Call {
    async fn next(&mut self) -> Relayed {
        let relay = self.relay.as_mut().expect("nobody asks on after the end");
        let relayed = relay.next().await;
        if !matches!(relayed, Relayed::Notice(_)) {
            self.relay = None;
        }
        relayed
    }

    fn asked(&self) -> Asked {
        self.relay.as_ref().map_or(Asked::Nothing, |relay| Asked::One(relay.id().into()))
    }

    fn go_alone(&mut self) {
        if let Some(relay) = &mut self.relay {
            relay.go_alone();
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if let Some(relay) = self.relay.take()
            && self.era == Era::Legacy
        {
            relay.detach();
        }
    }
}
