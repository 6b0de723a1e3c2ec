//! The `requestState` of a call that waits: a random handle into this process.
//!
//! Invariant: whoever has a handle may go on with a call, so none is ever shown in a log, nor by `Debug`.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

/// Tells our handles from whatever shards make up.
const PREFIX: &str = "mcp-gateway.";

/// Leads to one call.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(in crate::mux) struct Handle(Box<str>);

/// What all handles of this process begin with.
#[derive(Debug)]
pub(super) struct Mark(Box<str>);

impl Mark {
    pub(super) fn fresh() -> Self {
        Self(format!("{PREFIX}{}.", random::<6>()).into())
    }

    /// A new handle, which cannot be guessed.
    pub(super) fn handle(&self) -> Handle {
        Handle(format!("{}{}", self.0, random::<16>()).into())
    }

    /// The handle that a `requestState` is, if it can be one of this process.
    pub(super) fn read(&self, state: &str) -> Option<Handle> {
        state.starts_with(&*self.0).then(|| Handle(state.into()))
    }
}

/// Whether a gateway has made it: this one, the same before its last start, or another.
pub(super) fn is_of_a_gateway(state: &str) -> bool {
    state.starts_with(PREFIX)
}

impl Handle {
    /// The text for the client.
    pub(in crate::mux) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Handle(…)")
    }
}

fn random<const N: usize>() -> String {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system has randomness");
    BASE64.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_told_by_who_made_it_and_not_shown() {
        let (mark, other) = (Mark::fresh(), Mark::fresh());
        let handle = mark.handle();
        assert_ne!(handle, mark.handle());
        assert_eq!(mark.read(handle.as_str()), Some(handle.clone()));
        assert_eq!(other.read(handle.as_str()), None);
        assert!(is_of_a_gateway(handle.as_str()));
        for foreign in ["", "eyJhIjoxfQ.c2ln", "mcp-gateway", " mcp-gateway.x"] {
            assert!(!is_of_a_gateway(foreign) && mark.read(foreign).is_none(), "{foreign}");
        }
        assert_eq!(format!("{handle:?}"), "Handle(…)");
        // 128 random bits behind the mark.
        let secret = handle.as_str().rsplit('.').next().unwrap();
        assert_eq!(BASE64.decode(secret).unwrap().len(), 16);
    }
}
