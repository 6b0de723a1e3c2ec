//! Finds the top-level `id` of a message that is too long to be kept.
//!
//! Invariant: constant memory. The bytes come in any cuts and are not kept, and a key `id` inside a string or a nested
//! value is not taken for the message's own. SDKs write `id` last, so the whole message must be read. A line that is
//! no JSON-RPC has none: the objects that shards log to stdout have an `id` of their own.

const KEPT: usize = 64;

/// Reads a message in pieces and remembers its `id`.
#[derive(Debug, Default)]
pub struct IdFinder {
    begun: Begun,
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// A string at depth 1 is being read, or the value of `id` is.
    token: Vec<u8>,
    expecting: Expecting,
    has_jsonrpc: bool,
    has_method: bool,
    id: Option<Vec<u8>>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Begun {
    #[default]
    NotYet,
    AsObject,
    AsSomethingElse,
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
        let is_message = self.begun == Begun::AsObject && self.has_jsonrpc;
        self.id.filter(|_| is_message).and_then(|id| String::from_utf8(id).ok())
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
        if matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
            return;
        }
        if self.begun == Begun::NotYet {
            self.begun = if byte == b'{' { Begun::AsObject } else { Begun::AsSomethingElse };
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
            b':' if self.depth == 1 && self.expecting == Expecting::Key => self.end_of_key(),
            _ => self.keep(byte),
        }
    }

    fn keep(&mut self, byte: u8) {
        if self.depth == 1 && self.expecting != Expecting::Value && self.token.len() < KEPT {
            self.token.push(byte);
        }
    }

    fn end_of_key(&mut self) {
        let key = serde_json::from_slice::<String>(&self.token).unwrap_or_default();
        self.token.clear();
        self.expecting = if key == "id" { Expecting::IdValue } else { Expecting::Value };
        self.has_jsonrpc |= key == "jsonrpc";
        self.has_method |= key == "method";
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
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::wire::arbitrary::{key, member, object_text, value};
    use crate::wire::{Kind, Raw};

    #[test]
    fn only_the_top_level_id_is_found_however_the_bytes_are_cut() {
        let cases = [
            (r#"{"jsonrpc":"2.0","result":{"id":1,"t":"\"id\":2,{"},"id": 3}"#, Some("3")),
            (r#"{"id":"a\"b","x":"id","jsonrpc":"2.0"}"#, Some(r#""a\"b""#)),
            (r#" {"\u006asonrpc":"2.0","\u0069d":3}"#, Some("3")),
            (r#"{"jsonrpc":"2.0","x":"id","y":["id",{"id":5}],"z":7}"#, None),
            (r#"{"jsonrpc":"2.0","id":[4]}"#, None),
            (r#"{"jsonrpc":"2.0","result":{"text":"cut off in the midd"#, None),
            (r#"{"jsonrpc":"2.0","id":4,"result":{"text":"cut off in the midd"#, Some("4")),
            (r#"{"level":30,"id":4,"msg":"a line of a log"}"#, None),
            (r#"sent {"jsonrpc":"2.0","id":4,"result":{}}"#, None),
        ];
        for (text, expected) in cases {
            for cut in 1..7 {
                let mut finder = IdFinder::default();
                text.as_bytes().chunks(cut).for_each(|chunk| finder.feed(chunk));
                assert_eq!(finder.finish().as_deref(), expected, "{text} in pieces of {cut}");
            }
        }
    }

    fn envelope() -> impl Strategy<Value = String> {
        let known = prop_oneof!["\"(id|method|jsonrpc|\\\\u0069d)\"", key()];
        vec(member(known, prop_oneof![value(), "[1-9][0-9]{0,2}", "\"[a-z]{0,70}\""]), 0..6)
            .prop_map(|members| object_text(&members))
    }

    /// What a whole parse says: whether there is a method, and the id.
    fn expected(text: &str) -> (bool, Option<&str>) {
        let message = Raw::parse(text.as_bytes()).unwrap();
        let ids = message.members().filter(|member| member.key() == "id").map(|member| member.value);
        let scalars = ids.filter(|id| !matches!(id.kind(), Kind::Object | Kind::Array)).map(Raw::as_str);
        let id = scalars.filter(|id| id.len() < KEPT).last();
        (message.get("method").is_some(), id.filter(|_| message.get("jsonrpc").is_some()))
    }

    proptest! {
        #[test]
        fn a_message_in_any_cuts_is_told_as_a_whole_parse_tells_it(
            text in envelope(),
            cuts in vec(any::<proptest::sample::Index>(), 0..5),
        ) {
            let mut places: Vec<_> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            places.extend([0, text.len()]);
            places.sort_unstable();
            let mut finder = IdFinder::default();
            places.windows(2).for_each(|cut| finder.feed(&text.as_bytes()[cut[0]..cut[1]]));
            let (has_method, id) = (finder.has_method(), finder.finish());
            prop_assert_eq!((has_method, id.as_deref()), expected(&text), "{}", text);
        }

        #[test]
        fn no_bytes_make_it_keep_more_than_its_bound(bytes in vec(any::<u8>(), 0..300), text in "[\\[\\]{}\":,a\\\\]{0,300}") {
            for bytes in [&bytes, text.as_bytes()] {
                let mut finder = IdFinder::default();
                finder.feed(bytes);
                prop_assert!(finder.token.len() <= KEPT && finder.id.as_ref().is_none_or(|id| id.len() < KEPT));
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
