//! Server-sent events: one message, one event, one `data:` line.

use std::collections::VecDeque;

use bytes::Bytes;
use memchr::memchr2;

use crate::wire::{Chunks, flatten};

/// What goes before the message of an event.
const HEAD: Bytes = Bytes::from_static(b"event: message\ndata: ");
const TAIL: Bytes = Bytes::from_static(b"\n\n");

/// A comment, which clients pass over.
pub(crate) const COMMENT: Bytes = Bytes::from_static(b": alive\n\n");

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
