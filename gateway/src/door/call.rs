//! Calls that are waited for, one or many.

use std::future::Future;

use crate::mux::{Relay, Relayed};
use crate::wire::Era;

/// Whatever yields notices and then one answer.
pub(crate) trait Answering: Send + 'static {
    /// What comes next. Safe to cancel; not called again after [`Relayed::Done`] or [`Relayed::Cancelled`].
    fn next(&mut self) -> impl Future<Output = Relayed> + Send;
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
