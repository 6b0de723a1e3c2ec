//! Whether two requests have the same arguments, however they are written.
//!
//! Invariant: the order of keys, white space, escapes and the spelling of a number mean nothing; everything else does.

use std::borrow::Cow;

use sha2::{Digest as _, Sha256};

use crate::tasks::work_on;
use crate::wire::{Kind, Raw};

/// Stands for arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::mux) struct Digest([u8; 32]);

impl Digest {
    pub(in crate::mux) fn of(arguments: Raw<'_>) -> Self {
        work_on(arguments.as_str().len(), || {
            let mut hash = Sha256::new();
            feed(arguments, &mut hash);
            Self(hash.finalize().into())
        })
    }
}

/// No text is the beginning of another one: strings say their length, and what holds others says its end.
fn feed(value: Raw<'_>, hash: &mut Sha256) {
    match value.kind() {
        Kind::Object => {
            let mut members: Vec<_> = value.members().map(|member| (member.key(), member.value)).collect();
            members.sort_by(|(one, _), (other, _)| one.cmp(other));
            hash.update("{");
            for (key, value) in members {
                text(&key, hash);
                feed(value, hash);
            }
            hash.update("}");
        }
        Kind::Array => {
            hash.update("[");
            value.elements().for_each(|element| feed(element, hash));
            hash.update("]");
        }
        Kind::String => text(&value.string().unwrap_or(Cow::Borrowed(value.as_str())), hash),
        Kind::Number => {
            hash.update(&*number(value.as_str()));
            hash.update(",");
        }
        Kind::Bool | Kind::Null => hash.update(value.as_str()),
    }
}

fn text(text: &str, hash: &mut Sha256) {
    hash.update("\"");
    hash.update(text.len().to_le_bytes());
    hash.update(text);
}

/// One spelling for each number: exact for whole ones up to 128 bits, else as a `f64` reads it, else as it is written.
fn number(written: &str) -> Cow<'_, str> {
    /// From here on a `f64` does not tell whole numbers apart.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if let Ok(whole) = written.parse::<i128>() {
        return whole.to_string().into();
    }
    let is_whole = written.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit());
    match written.parse::<f64>() {
        #[expect(clippy::cast_possible_truncation, reason = "checked to be a whole number in range")]
        Ok(float) if float.fract() == 0.0 && float.abs() < EXACT => (float as i64).to_string().into(),
        Ok(float) if float.is_finite() && !is_whole => float.to_string().into(),
        _ => written.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(text: &str) -> Digest {
        Digest::of(Raw::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn other_spellings_of_the_same_arguments_are_the_same() {
        let cases = [
            (r#"{"a":1,"b":[true,null]}"#, r#"{ "b" : [true, null], "a" : 1.0 }"#),
            (r#"{"a":{"x":1e5,"y":"é"}}"#, r#"{"a":{"y":"\u00e9","x":100000}}"#),
            (r#"{"n\u0061me":0.1000}"#, r#"{"name":1e-1}"#),
            ("[-0,-0.0,0]", "[0,0,0]"),
            ("[9007199254740993]", "[ 9007199254740993 ]"),
        ];
        for (one, other) in cases {
            assert_eq!(digest(one), digest(other), "{one} {other}");
        }
    }

    #[test]
    fn other_arguments_are_others() {
        let cases = [
            ("{}", "null"),
            (r#"{"a":1}"#, r#"{"a":"1"}"#),
            (r#"{"a":[1,2]}"#, r#"{"a":[2,1]}"#),
            (r#"{"a":[1,2]}"#, r#"{"a":[12]}"#),
            (r#"{"a":{"b":1}}"#, r#"{"a":{},"b":1}"#),
            (r#"{"ab":"c"}"#, r#"{"a":"bc"}"#),
            ("[[],1]", "[[1]]"),
            ("[9007199254740993]", "[9007199254740992]"),
            ("[1e400]", "[1e401]"),
            (r#"{"a":1,"a":2}"#, r#"{"a":2,"a":1}"#),
            (r#"[" "]"#, r#"[""]"#),
        ];
        for (one, other) in cases {
            assert_ne!(digest(one), digest(other), "{one} {other}");
        }
    }
}
