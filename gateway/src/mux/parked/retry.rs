//! Requests that go on with a call: whether they may, and which.
//!
//! Invariant: what can be read wrong in a request is looked for before the call that it names is touched.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::{ANEW, Binding, Bound, Digest, handle};
use crate::fleet::View;
use crate::mux::Mux;
use crate::mux::client::Client;
use crate::mux::relay::Waiting;
use crate::mux::route::Route;
use crate::mux::route::may_need_input;
use crate::mux::urls;
use crate::wire::{Capabilities, Era, Fault, Kind, Params, Raw, Request, code};

/// A request that says that it goes on with an earlier one, of which the gateway knows nothing. A modern shard may; a legacy
/// one cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::mux) enum Continued {
    /// A gateway was to know it.
    ByAGateway,
    /// A shard is to know it.
    ByAShard,
    /// It has answers, but does not say to what.
    Stateless,
}

impl Continued {
    /// What a modern request says.
    pub(in crate::mux) fn read(client: &Client, read: &Params<'_>) -> Option<Self> {
        if client.revision.era() == Era::Legacy {
            return None;
        }
        match (read.request_state, read.input_responses) {
            (Some(state), _) if state.string().is_some_and(|state| handle::is_of_a_gateway(&state)) => {
                Some(Self::ByAGateway)
            }
            (Some(_), _) => Some(Self::ByAShard),
            (None, Some(answers)) if urls::are_ours(answers) => None,
            (None, Some(_)) => Some(Self::Stateless),
            (None, None) => None,
        }
    }
}

impl fmt::Display for Continued {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self {
            Self::ByAGateway => {
                "this `requestState` was made by a gateway process that has ended; the call ended with it, and may have run"
            }
            Self::ByAShard => "this `requestState` is not known here, and the shard's revision has no such thing",
            Self::Stateless => "`inputResponses` without the `requestState` that was given with the questions",
        };
        write!(formatter, "{why}; {ANEW}")
    }
}

impl Binding {
    /// What a request is, whatever it is written like.
    fn of(client: &Client, view: &Arc<View>, method: &str, read: &Params<'_>) -> Self {
        let (name, arguments) = said(method, read);
        Self::new(client, view, method, name, arguments)
    }

    fn new(client: &Client, view: &Arc<View>, method: &str, name: Box<str>, arguments: Raw<'_>) -> Self {
        let (principal, view) = (client.principal, Arc::clone(view));
        Self { principal, view, method: method.into(), name, arguments: Digest::of(arguments) }
    }
}

impl Bound {
    /// What a request is, which is sent to a shard that may ask; `note` keeps its arguments if there is room.
    pub(in crate::mux) fn of(
        client: &Client,
        route: &Route,
        read: &Params<'_>,
        note: impl Fn(&[u8]) -> Option<Bytes>,
    ) -> Self {
        let (name, arguments) = said(&route.method, read);
        match note(arguments.as_str().as_bytes()) {
            Some(arguments) => Self::Noted(name, arguments),
            None => Self::Known(Arc::new(Binding::new(client, &route.view, &route.method, name, arguments))),
        }
    }

    /// What a request must be that goes on with it.
    pub(in crate::mux) fn known(self, client: &Client, route: &Route) -> Arc<Binding> {
        match self {
            Self::Noted(name, arguments) => {
                let arguments = Raw::parse(&arguments).expect("they have been read before");
                Arc::new(Binding::new(client, &route.view, &route.method, name, arguments))
            }
            Self::Known(binding) => binding,
        }
    }
}

/// What a request names, and its arguments. Left out, they are `{}`.
fn said<'a>(method: &str, read: &Params<'a>) -> (Box<str>, Raw<'a>) {
    let (name, arguments) = if method == "resources/read" { (read.uri, None) } else { (read.name, read.arguments) };
    (name.and_then(Raw::string).unwrap_or_default().into(), arguments.unwrap_or(Raw::EMPTY_OBJECT))
}

/// What a client can be asked on the way to the answer of this method.
pub(in crate::mux) fn askable(client: &Client, method: &str) -> Capabilities {
    match client.revision.era() {
        Era::Modern if !may_need_input(method) => Capabilities::NONE,
        Era::Modern | Era::Legacy => client.capabilities,
    }
}

impl Mux {
    /// The call that a request goes on with; `None` if this process has none to go on with.
    pub(in crate::mux) async fn waiting(
        &self,
        client: &Client,
        request: &Request<'_>,
        params: &Params<'_>,
    ) -> Result<Option<Waiting>, Fault> {
        let state = params.request_state.filter(|_| client.revision.era() == Era::Modern).and_then(Raw::string);
        let Some(handle) = state.and_then(|state| self.inner.parked.handle(&state)) else { return Ok(None) };
        check(params.input_responses)?;
        let claim = self.inner.parked.claim(handle, &Binding::of(client, &self.view, &request.method, params))?;
        let stopping = || Fault::new(code::INTERNAL, "the gateway stops, and the call is cancelled with it");
        claim.take().await.ok_or_else(stopping).map(Some)
    }
}

/// Bare results by the keys of the questions. What is missing is asked again, and what nobody asked for is passed over.
fn check(responses: Option<Raw<'_>>) -> Result<(), Fault> {
    let Some(responses) = responses else { return Ok(()) };
    if responses.kind() != Kind::Object {
        return Err(invalid("`params.inputResponses` must be an object"));
    }
    let mut keys = HashSet::new();
    for member in responses.members() {
        if member.value.kind() != Kind::Object {
            return Err(invalid("each value of `params.inputResponses` must be an object, the result for that key"));
        }
        if !keys.insert(member.key()) {
            return Err(invalid("`params.inputResponses` has a key twice"));
        }
    }
    Ok(())
}

fn invalid(message: &str) -> Fault {
    Fault::new(code::INVALID_PARAMS, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_objects_in_an_object_and_each_is_there_once() {
        let check = |text: &str| check(Some(Raw::parse(text.as_bytes()).unwrap()));
        for good in ["{}", r#"{"q1":{}}"#, r#"{"q1":{"action":"accept"},"else":{}}"#] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in ["null", "7", "[]", "\"\"", r#"{"q1":null}"#, r#"{"q1":[]}"#, r#"{"q1":{},"q\u0031":{}}"#] {
            assert_eq!(check(bad).unwrap_err().code, code::INVALID_PARAMS, "{bad}");
        }
    }
}
