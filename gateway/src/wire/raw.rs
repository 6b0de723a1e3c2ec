//! JSON text that is known to be valid, walked without building a tree.
//!
//! Invariant: a [`Raw`] holds exactly one JSON value, without space around it, at most [`MAX_DEPTH`] levels deep. The
//! walkers rely on it and index without looking for errors.

use std::borrow::Cow;

use memchr::{memchr2, memmem};
use serde_json::value::RawValue;

/// The deepest nesting that is relayed. Real messages stay below 30; parsers behind the gateway recurse.
pub const MAX_DEPTH: usize = 512;

/// Why bytes are not a JSON text that the gateway relays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The bytes are not UTF-8.
    #[error("invalid UTF-8 at byte {0}")]
    NotUtf8(usize),
    /// The text breaks the JSON grammar.
    #[error("invalid JSON: {0}")]
    Grammar(String),
    /// The value is nested deeper than [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// A string holds one half of a surrogate pair, which no UTF-8 text can carry.
    #[error("half a surrogate pair at byte {0}")]
    LoneSurrogate(usize),
}

/// What a JSON value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `{…}`
    Object,
    /// `[…]`
    Array,
    /// `"…"`
    String,
    /// `-1.5e3`
    Number,
    /// `true` or `false`
    Bool,
    /// `null`
    Null,
}

/// One valid JSON value, borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raw<'a>(&'a str);

/// One member of an object, with where it stands in the object's text.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    /// The key's string literal, still escaped.
    pub literal: Raw<'a>,
    /// The value.
    pub value: Raw<'a>,
    /// The offset of the key's opening quote in the object's text.
    pub start: usize,
    /// The offset just behind the value.
    pub end: usize,
}

impl<'a> Member<'a> {
    /// The key, unescaped; half a surrogate pair in it reads as U+FFFD, so such a key equals none that we look for.
    pub fn key(&self) -> Cow<'a, str> {
        self.literal.string().unwrap_or(Cow::Borrowed("\u{fffd}"))
    }
}

impl<'a> Raw<'a> {
    /// `{}`, for parameters that a peer left out.
    pub const EMPTY_OBJECT: Raw<'static> = Raw("{}");

    /// Validates UTF-8, grammar and depth.
    ///
    /// # Errors
    /// The first fault found, with its place.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let text = std::str::from_utf8(bytes).map_err(|error| Malformed::NotUtf8(error.valid_up_to()))?;
        let value: &RawValue = serde_json::from_str(text).map_err(|error| Malformed::Grammar(error.to_string()))?;
        let raw = Self(value.get());
        if raw.depth() > MAX_DEPTH { Err(Malformed::TooDeep) } else { Ok(raw) }
    }

    /// The text as it came.
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// What the value is, told by its first byte.
    pub fn kind(self) -> Kind {
        match self.0.as_bytes()[0] {
            b'{' => Kind::Object,
            b'[' => Kind::Array,
            b'"' => Kind::String,
            b't' | b'f' => Kind::Bool,
            b'n' => Kind::Null,
            _ => Kind::Number,
        }
    }

    /// The members of an object in order, duplicates included; none for any other value.
    pub fn members(self) -> impl Iterator<Item = Member<'a>> {
        let mut walk = Walk::into(self, Kind::Object);
        std::iter::from_fn(move || {
            let literal = walk.next_value()?;
            let start = walk.at - literal.0.len();
            let value = walk.next_value()?;
            Some(Member { literal, value, start, end: walk.at })
        })
    }

    /// The elements of an array in order; none for any other value.
    pub fn elements(self) -> impl Iterator<Item = Raw<'a>> {
        let mut walk = Walk::into(self, Kind::Array);
        std::iter::from_fn(move || walk.next_value())
    }

    /// The first member called `key`. For keys on which a decision rests use [`crate::wire::read_object`].
    pub fn get(self, key: &str) -> Option<Raw<'a>> {
        self.members().find(|member| member.key() == key).map(|member| member.value)
    }

    /// The unescaped text of a string; `None` for any other value and for half a surrogate pair.
    pub fn string(self) -> Option<Cow<'a, str>> {
        if self.kind() != Kind::String {
            return None;
        }
        let inner = &self.0[1..self.0.len() - 1];
        if !inner.contains('\\') {
            return Some(Cow::Borrowed(inner));
        }
        serde_json::from_str::<String>(self.0).ok().map(Cow::Owned)
    }

    /// A whole number that is not negative, also when a peer wrote it as `7.0` or `7e0`.
    pub fn unsigned(self) -> Option<u64> {
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if let Ok(number) = self.0.parse() {
            return Some(number);
        }
        let number: f64 = if self.kind() == Kind::Number { self.0.parse().ok()? } else { return None };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked to be a whole number in range"
        )]
        (number.fract() == 0.0 && (0.0..EXACT).contains(&number)).then_some(number as u64)
    }

    /// Where the first half of a surrogate pair stands alone, if any does.
    pub fn lone_surrogate(self) -> Option<usize> {
        let bytes = self.0.as_bytes();
        memmem::find(bytes, b"\\u")?;
        let mut at = 0;
        while let Some(found) = memchr::memchr(b'\\', &bytes[at..]) {
            let escape = at + found;
            at = escape + 2;
            let Some(first) = surrogate(bytes, escape) else { continue };
            let paired = first < 0xDC00 && surrogate(bytes, escape + 6).is_some_and(|second| second >= 0xDC00);
            if !paired {
                return Some(escape);
            }
            at = escape + 12;
        }
        None
    }

    fn depth(self) -> usize {
        let bytes = self.0.as_bytes();
        let (mut at, mut depth, mut deepest) = (0, 0_usize, 0);
        while at < bytes.len() {
            match bytes[at] {
                b'"' => at = string_end(bytes, at) - 1,
                b'{' | b'[' => {
                    depth += 1;
                    deepest = deepest.max(depth);
                }
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            at += 1;
        }
        deepest
    }
}

/// The code unit of a `\uXXXX` escape at `at`, if it is half of a surrogate pair.
fn surrogate(bytes: &[u8], at: usize) -> Option<u16> {
    let escape = bytes.get(at..at + 6)?;
    let digits = escape.strip_prefix(b"\\u").and_then(|digits| std::str::from_utf8(digits).ok())?;
    let unit = u16::from_str_radix(digits, 16).ok()?;
    (0xD800..0xE000).contains(&unit).then_some(unit)
}

/// Steps over the values of one object or array.
struct Walk<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Walk<'a> {
    fn into(raw: Raw<'a>, kind: Kind) -> Self {
        let at = if raw.kind() == kind { 1 } else { raw.0.len() };
        Self { text: raw.0, at }
    }

    /// The next value; keys of an object count as values.
    fn next_value(&mut self) -> Option<Raw<'a>> {
        let bytes = self.text.as_bytes();
        while matches!(bytes.get(self.at)?, b' ' | b'\t' | b'\n' | b'\r' | b',' | b':') {
            self.at += 1;
        }
        if matches!(bytes[self.at], b'}' | b']') {
            self.at = bytes.len();
            return None;
        }
        let start = self.at;
        self.at = value_end(bytes, start);
        Some(Raw(&self.text[start..self.at]))
    }
}

fn value_end(bytes: &[u8], start: usize) -> usize {
    match bytes[start] {
        b'"' => string_end(bytes, start),
        b'{' | b'[' => container_end(bytes, start),
        _ => bytes[start..]
            .iter()
            .position(|byte| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r'))
            .map_or(bytes.len(), |length| start + length),
    }
}

fn container_end(bytes: &[u8], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0_usize);
    loop {
        match bytes[at] {
            b'"' => at = string_end(bytes, at) - 1,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return at;
        }
    }
}

fn string_end(bytes: &[u8], start: usize) -> usize {
    // The search is made for long texts, and most strings are short.
    const NEAR: usize = 8;
    let mut at = start + 1;
    loop {
        at += match near(bytes, at, NEAR) {
            Ok(length) => length,
            Err(length) => {
                let rest = &bytes[at + length..];
                length + memchr2(b'"', b'\\', rest).expect("a valid string is closed")
            }
        };
        if bytes[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
}

/// How far the next quote or backslash is, or how far there is none, looking at this many words of eight bytes at most.
fn near(bytes: &[u8], start: usize, words: usize) -> Result<usize, usize> {
    const ONES: u64 = u64::MAX / 0xff;
    // The lowest bit that is set is in the first byte that is zero; higher ones may be false.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & (ONES << 7);
    let mut length = 0;
    for word in bytes[start..].chunks_exact(8).take(words) {
        let word = u64::from_le_bytes(word.try_into().expect("each has eight bytes"));
        let found = zeros(word ^ (ONES * u64::from(b'"'))) | zeros(word ^ (ONES * u64::from(b'\\')));
        if found != 0 {
            return Ok(length + found.trailing_zeros() as usize / 8);
        }
        length += 8;
    }
    Err(length)
}

#[cfg(test)]
mod tests;
