//! The ids of server-sent events (2025-11-25, basic/transports, "Resumability and Redelivery").
//!
//! Invariant: an id says which stream it belongs to, and a call's id says which request it answers, so that a client
//! whose stream is gone can be told so. An id opens nothing by itself: streams are looked up within the session.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

use crate::wire::{Id, Raw};

/// Longer ids of requests are left out, so that ids of events stay short.
const REQUEST: usize = 96;
/// No id of ours is longer.
const LONGEST: usize = 256;

/// What kind of stream an event is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The answer to a POST.
    Call,
    /// A GET stream, which tells what happens outside of calls.
    Listen,
    /// The answer itself, which ends its stream.
    End,
}

/// An id that a client has sent back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct EventId {
    pub(crate) kind: Kind,
    pub(crate) stream: u64,
    pub(crate) place: u64,
    /// The id of the request, JSON text.
    pub(crate) request: Option<String>,
}

/// How the ids of one stream are written.
#[derive(Debug)]
pub(crate) struct Name {
    kind: Kind,
    stream: u64,
    request: Option<String>,
}

impl Name {
    /// Of a stream that answers the request with the id `request`, JSON text, if it is one.
    pub(crate) fn new(kind: Kind, stream: u64, request: Option<&str>) -> Self {
        let request = request.filter(|request| request.len() <= REQUEST).map(|request| BASE64.encode(request));
        Self { kind, stream, request }
    }

    /// The id of the event at `place`.
    pub(crate) fn at(&self, place: u64) -> String {
        let letter = if self.kind == Kind::Listen { 'g' } else { 'c' };
        match &self.request {
            Some(request) => format!("{letter}{:x}.{place}.{request}", self.stream),
            None => format!("{letter}{:x}.{place}", self.stream),
        }
    }

    /// The id of the event at `place`, which is the last.
    pub(crate) fn end(&self, place: u64) -> String {
        format!("e{:x}.{place}", self.stream)
    }
}

impl EventId {
    /// `None` for what is no id of ours.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let (letter, rest) = text.split_at_checked(1)?;
        let kind = match letter {
            "c" => Kind::Call,
            "g" => Kind::Listen,
            "e" => Kind::End,
            _ => return None,
        };
        let mut parts = rest.splitn(3, '.');
        let stream = u64::from_str_radix(parts.next()?, 16).ok()?;
        let place = parts.next()?.parse().ok()?;
        let request = match parts.next() {
            Some(request) => Some(request_id(request)?),
            None => None,
        };
        Some(Self { kind, stream, place, request })
    }
}

/// What goes back to the client as an id must be one.
fn request_id(text: &str) -> Option<String> {
    let text = String::from_utf8(BASE64.decode(text).ok()?).ok()?;
    let id = Id::read(Raw::parse(text.as_bytes()).ok()?)?;
    Some(id.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_comes_back_as_it_went_out() {
        let check = |kind, request: Option<&str>| {
            let name = Name::new(kind, 0xfe, request);
            let read = EventId::parse(&name.at(7)).unwrap();
            assert_eq!(read, EventId { kind, stream: 0xfe, place: 7, request: request.map(ToOwned::to_owned) });
            let end = EventId::parse(&name.end(8)).unwrap();
            assert_eq!((end.kind, end.stream, end.place), (Kind::End, 0xfe, 8));
        };
        check(Kind::Listen, None);
        check(Kind::Call, None);
        check(Kind::Call, Some("12"));
        check(Kind::Call, Some(r#""a\nb""#));
    }

    #[test]
    fn a_long_request_id_is_left_out() {
        let id = Name::new(Kind::Call, 1, Some(&format!("\"{}\"", "x".repeat(1000)))).at(1);
        assert_eq!(id, "c1.1");
    }

    #[test]
    fn what_is_no_id_of_ours_is_not_read() {
        let foreign = ["", "c", "c1", "c1.", "x1.2", "cg.2", "c1.-2", "c1.2.%", "c1.2.e30", "é1.2", "c1.2.W10"];
        for text in foreign {
            assert_eq!(EventId::parse(text), None, "{text}");
        }
        assert_eq!(EventId::parse(&format!("c1.{}", "0".repeat(300))), None);
    }
}
