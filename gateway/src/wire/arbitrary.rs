//! Arbitrary JSON as text, for property tests.
//!
//! Invariant: every text is valid JSON that the doors take (no half of a surrogate pair), and it is put together from
//! pieces of text alone, so that no serialiser has made it regular.

use std::fmt;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Keys that mean something to the gateway at some other place, and keys that parsers are known to trip over.
const KEYS: [&str; 20] = [
    "",
    "name",
    "n\\u0061me",
    "Name",
    "_meta",
    "id",
    "method",
    "jsonrpc",
    "params",
    "arguments",
    "result",
    "error",
    "uri",
    "resultType",
    "progressToken",
    "io.modelcontextprotocol/x",
    "io.modelcontextprotocol/protocolVersion",
    "__proto__",
    "$serde_json::private::RawValue",
    "a\\/b",
];

/// What a string may hold beside plain characters.
const PIECES: [&str; 22] = [
    "\\u0041",
    "\\u00E9",
    "\\/",
    "\\\\",
    "\\\"",
    "\\b\\f\\n\\r\\t",
    "\\u0000",
    "\\u001f",
    "\\u2028",
    "\\ud83d\\ude00",
    "\\uD83D\\uDE00",
    "\u{2028}",
    "\u{2029}",
    "\u{feff}",
    "\u{85}",
    "\u{7f}",
    "é",
    "e\u{301}",
    "😀",
    "{\\\"id\\\":1,",
    "}],[{:",
    "\\\\n",
];

const SCALARS: [&str; 22] = [
    "null",
    "true",
    "false",
    "0",
    "-0",
    "-0.0",
    "1.0",
    "1e5",
    "1E+5",
    "1e-7",
    "100000",
    "0.1000",
    "1e400",
    "9007199254740993",
    "18446744073709551616",
    "-9223372036854775809",
    "1234567890123456789012345678901234567890",
    "3.141592653589793238462643383279502884197",
    "\"\"",
    "\"1\"",
    "{}",
    "[]",
];

/// One member of an object, as it is written.
#[derive(Clone)]
pub(crate) struct Member {
    /// The key's string literal.
    pub(crate) key: String,
    pub(crate) value: String,
    /// Around the key and around the value.
    space: [String; 4],
}

impl fmt::Debug for Member {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.text())
    }
}

impl Member {
    /// A member without white space around its tokens.
    pub(crate) fn plain(key: &str, value: impl Into<String>) -> Self {
        Self { key: format!("\"{key}\""), value: value.into(), space: Default::default() }
    }

    /// The key, unescaped.
    pub(crate) fn name(&self) -> String {
        serde_json::from_str(&self.key).unwrap()
    }

    fn text(&self) -> String {
        let [before, behind, start, end] = &self.space;
        format!("{before}{}{behind}:{start}{}{end}", self.key, self.value)
    }
}

/// The text of an object with these members.
pub(crate) fn object_text(members: &[Member]) -> String {
    format!("{{{}}}", members.iter().map(Member::text).collect::<Vec<_>>().join(","))
}

/// White space of all four kinds.
pub(crate) fn space() -> impl Strategy<Value = String> {
    prop_oneof![4 => Just(String::new()), 1 => "[ \t\n\r]{1,3}"]
}

/// The literal of any key.
pub(crate) fn key() -> impl Strategy<Value = String> {
    prop_oneof![3 => select(&KEYS[..]).prop_map(|key| format!("\"{key}\"")), 2 => string(), 3 => "\"[a-c]\""]
}

/// The literal of any string.
pub(crate) fn string() -> impl Strategy<Value = String> {
    let plain = any::<char>().prop_filter("needs an escape", |char| *char >= ' ' && !matches!(char, '"' | '\\'));
    let piece = prop_oneof![2 => select(&PIECES[..]).prop_map(str::to_owned), 1 => plain.prop_map(String::from)];
    vec(piece, 0..5).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

/// A member with any key, around `value`.
pub(crate) fn member(
    key: impl Strategy<Value = String>,
    value: impl Strategy<Value = String>,
) -> impl Strategy<Value = Member> {
    let space = [space(), space(), space(), space()];
    (key, value, space).prop_map(|(key, value, space)| Member { key, value, space })
}

/// Any members, duplicates included.
pub(crate) fn members() -> impl Strategy<Value = Vec<Member>> {
    vec(member(key(), value()), 0..5)
}

/// Any value, without white space around it.
pub(crate) fn value() -> impl Strategy<Value = String> {
    let number = "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?";
    let scalar = prop_oneof![select(&SCALARS[..]).prop_map(str::to_owned), number, string()].boxed();
    let leaf = prop_oneof![20 => scalar.clone(), 1 => deep(scalar)];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let element = (space(), inner.clone(), space()).prop_map(|(before, value, behind)| before + &value + &behind);
        let array = vec(element, 1..4).prop_map(|elements| format!("[{}]", elements.join(",")));
        prop_oneof![1 => array, 2 => vec(member(key(), inner), 1..4).prop_map(|members| object_text(&members))]
    })
}

/// Up to 300 levels around a value.
fn deep(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    (1..300_usize, any::<bool>(), value).prop_map(|(levels, arrays, value)| {
        let (open, close) = if arrays { ("[ ", "]") } else { ("{\"id\":", "}") };
        open.repeat(levels) + &value + &close.repeat(levels)
    })
}
