//! Server-sent events: one message, one event, one `data:` line.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use memchr::memchr2;

use crate::wire::{Chunks, flatten};

/// What goes before the message of an event.
const HEAD: Bytes = Bytes::from_static(b"event: message\ndata: ");
const TAIL: Bytes = Bytes::from_static(b"\n\n");

/// A comment, which clients pass over.
pub(crate) const COMMENT: Bytes = Bytes::from_static(b": alive\n\n");

/// The comment for a stream whose events have ids: after the first id, some parsers (httpx-sse) take an empty line for
/// one more event.
pub(crate) const COMMENT_LINE: Bytes = Bytes::from_static(b": alive\n");

/// When a client whose stream has broken is to come back.
const RETRY: Duration = Duration::from_secs(1);

/// A message as an event; its bytes are not copied.
pub(crate) fn event(message: Chunks) -> VecDeque<Bytes> {
    let mut pieces = VecDeque::with_capacity(5);
    pieces.push_back(HEAD);
    pieces.extend(message.into_pieces().map(one_line));
    pieces.push_back(TAIL);
    pieces
}

/// A notice as an event. Notices are small: one piece is cheaper than three.
pub(crate) fn notice(message: Bytes) -> Bytes {
    let message = one_line(message);
    [&*HEAD, &message, &*TAIL].concat().into()
}

/// An event without a message, from which a client can already resume (2025-11-25, basic/transports). Parsers of older
/// clients look for a message in it.
pub(crate) fn priming(id: &str) -> Bytes {
    format!("id: {id}\nretry: {}\ndata: \n\n", RETRY.as_millis()).into()
}

/// A message as an event that can be asked for again, in one piece.
pub(crate) fn numbered(id: &str, message: Chunks) -> Bytes {
    let mut event = Vec::with_capacity(message.len() + id.len() + HEAD.len() + 8);
    event.extend_from_slice(b"id: ");
    event.extend_from_slice(id.as_bytes());
    event.push(b'\n');
    event.extend_from_slice(&HEAD);
    let start = event.len();
    message.append_to(&mut event);
    flatten(&mut event[start..]);
    event.extend_from_slice(&TAIL);
    event.into()
}

/// The same without a copy of the message.
pub(crate) fn numbered_pieces(id: &str, message: Chunks) -> VecDeque<Bytes> {
    let mut pieces = event(message);
    pieces.push_front(format!("id: {id}\n").into());
    pieces
}

/// The same JSON text without raw line breaks (DESIGN D1, "framing"); copied only if there are any.
pub(crate) fn one_line(text: Bytes) -> Bytes {
    if memchr2(b'\n', b'\r', &text).is_none() {
        return text;
    }
    let mut text = Vec::from(text);
    flatten(&mut text);
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_data_line_whatever_stands_between_its_tokens() {
        let message = Chunks::from(b"{\"a\":\r\n\n[1,\n2]}".to_vec());
        let event = event(message).into_iter().collect::<Vec<_>>().concat();
        assert_eq!(event, b"event: message\ndata: {\"a\":   [1, 2]}\n\n");
        assert_eq!(notice(Bytes::from_static(b"[\n]")), "event: message\ndata: [ ]\n\n");
    }

    #[test]
    fn a_text_without_line_breaks_is_not_copied() {
        let text = Bytes::from_static(b"{}");
        let start = text.as_ptr();
        assert_eq!(one_line(text).as_ptr(), start);
    }
}
