//! Finds the top-level `id` of a message that is too long to be kept.
//!
//! Invariant: constant memory. The bytes come in any cuts and are not kept, and a key `id` inside a string or a nested
//! value is not taken for the message's own. SDKs write `id` last, so the whole message must be read.

const KEPT: usize = 64;

/// Reads a message in pieces and remembers its `id`.
#[derive(Debug, Default)]
pub struct IdFinder {
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// A string at depth 1 is being read, or the value of `id` is.
    token: Vec<u8>,
    expecting: Expecting,
    has_method: bool,
    id: Option<Vec<u8>>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Expecting {
    #[default]
    Key,
    Value,
    IdValue,
}

impl IdFinder {
    /// Takes the next bytes of the message.
    pub fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.step(*byte);
        }
    }

    /// Whether a top-level `method` went by, so that the `id` is of the sender's own making.
    pub fn has_method(&self) -> bool {
        self.has_method
    }

    /// The JSON text of the message's `id`, if a whole one went by.
    pub fn finish(self) -> Option<String> {
        self.id.and_then(|id| String::from_utf8(id).ok())
    }

    fn step(&mut self, byte: u8) {
        if self.in_string {
            self.keep(byte);
            if self.escaped {
                self.escaped = false;
            } else if byte == b'\\' {
                self.escaped = true;
            } else if byte == b'"' {
                self.in_string = false;
            }
            return;
        }
        match byte {
            b'"' => {
                self.in_string = true;
                self.keep(byte);
            }
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.end_of_value();
                self.depth = self.depth.saturating_sub(1);
            }
            b',' => self.end_of_value(),
            b':' if self.depth == 1 => {
                let is_key = |key: &[u8]| self.expecting == Expecting::Key && self.token == key;
                self.has_method |= is_key(b"\"method\"");
                self.expecting = if is_key(b"\"id\"") { Expecting::IdValue } else { Expecting::Value };
                self.token.clear();
            }
            b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => self.keep(byte),
        }
    }

    fn keep(&mut self, byte: u8) {
        if self.depth == 1 && self.expecting != Expecting::Value && self.token.len() < KEPT {
            self.token.push(byte);
        }
    }

    fn end_of_value(&mut self) {
        if self.depth != 1 {
            return;
        }
        if self.expecting == Expecting::IdValue && !self.token.is_empty() && self.token.len() < KEPT {
            self.id = Some(std::mem::take(&mut self.token));
        }
        self.token.clear();
        self.expecting = Expecting::Key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_top_level_id_is_found_however_the_bytes_are_cut() {
        let cases = [
            (r#"{"jsonrpc":"2.0","result":{"id":1,"t":"\"id\":2,{"},"id": 3}"#, Some("3")),
            (r#"{"id":"a\"b","x":"id"}"#, Some(r#""a\"b""#)),
            (r#"{"x":"id","y":["id",{"id":5}],"z":7}"#, None),
            (r#"{"jsonrpc":"2.0","result":{"text":"cut off in the midd"#, None),
            (r#"{"id":4,"result":{"text":"cut off in the midd"#, Some("4")),
        ];
        for (text, expected) in cases {
            for cut in 1..7 {
                let mut finder = IdFinder::default();
                text.as_bytes().chunks(cut).for_each(|chunk| finder.feed(chunk));
                assert_eq!(finder.finish().as_deref(), expected, "{text} in pieces of {cut}");
            }
        }
    }

    #[test]
    fn a_request_is_told_from_an_answer() {
        let check = |text: &str, expected| {
            let mut finder = IdFinder::default();
            finder.feed(text.as_bytes());
            assert_eq!(finder.has_method(), expected, "{text}");
        };
        check(r#"{"id":1,"method":"roots/list","params":{"#, true);
        check(r#"{"id":1,"result":{"method":"x","t":"\"method\":"},"x":"method"}"#, false);
    }
}
