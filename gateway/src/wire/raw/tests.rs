//! The walkers against serde_json's own reading.

use std::fmt;

use proptest::collection::vec;
use proptest::prelude::*;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::*;
use crate::wire::arbitrary::{string, value};

fn raw(text: &str) -> Raw<'_> {
    Raw::parse(text.as_bytes()).unwrap()
}

#[test]
fn members_come_in_order_with_their_places() {
    let text = r#" { "a" : [1,{"b":"}"}] , "\u0062":"x\"y" ,"a":null}"#;
    let object = raw(text);
    let seen: Vec<_> = object.members().map(|member| (member.key().into_owned(), member.value.as_str())).collect();
    assert_eq!(
        seen,
        [("a".into(), r#"[1,{"b":"}"}]"#), ("b".into(), r#""x\"y""#), ("a".into(), "null")] as [(String, &str); 3]
    );
    for member in object.members() {
        assert!(object.as_str()[member.start..member.end].ends_with(member.value.as_str()));
        assert!(object.as_str()[member.start..].starts_with(member.literal.as_str()));
    }
    assert_eq!(raw("{ }").members().count(), 0);
    assert_eq!(raw("[1, [2], \"]\" ]").elements().map(Raw::as_str).collect::<Vec<_>>(), ["1", "[2]", "\"]\""]);
}

#[test]
fn faults_are_told_apart() {
    let check = |text: &[u8], expected: &str| {
        let fault = Raw::parse(text).unwrap_err().to_string();
        assert!(fault.starts_with(expected), "{fault}");
    };
    check(b"{\"a\":\"\xff\"}", "invalid UTF-8 at byte 6");
    check(b"{\"a\":1", "invalid JSON: EOF");
    check(b"{} {}", "invalid JSON: trailing characters");
    check(b"", "invalid JSON: EOF");
    check("[".repeat(100_000).as_bytes(), "invalid JSON: EOF");
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    check(deep.as_bytes(), "nested deeper than 512 levels");
    let allowed = "[".repeat(MAX_DEPTH) + &"]".repeat(MAX_DEPTH);
    assert!(Raw::parse(allowed.as_bytes()).is_ok());
}

#[test]
fn half_a_surrogate_pair_is_found_and_a_whole_one_is_not() {
    assert_eq!(raw(r#""\ud83d\ude00 \\ud83d é""#).lone_surrogate(), None);
    assert_eq!(raw(r#"["\ud83d"]"#).lone_surrogate(), Some(2));
    assert_eq!(raw(r#"["\ud83dx"]"#).lone_surrogate(), Some(2));
    assert_eq!(raw(r#"["a\ude00"]"#).lone_surrogate(), Some(3));
    assert_eq!(raw(r#"["\ud83d\ud83d\ude00"]"#).lone_surrogate(), Some(2));
    assert_eq!(raw(r#""\ud83d""#).string(), None);
}

#[test]
fn whole_numbers_are_read_however_they_are_written() {
    let cases = [("7", Some(7)), ("7.0", Some(7)), ("7e0", Some(7)), ("7.5", None), ("-1", None), ("\"7\"", None)];
    for (text, expected) in cases {
        assert_eq!(raw(text).unsigned(), expected, "{text}");
    }
}

/// The members of an object as serde_json reads them, duplicates included.
struct Members<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// Compares one value and all that it holds; returns how deep it is nested.
fn compare(raw: Raw<'_>) -> usize {
    let text = raw.as_str();
    match raw.kind() {
        Kind::Object => {
            let Members(expected) = serde_json::from_str(text).unwrap();
            let found: Vec<_> = raw.members().collect();
            assert_eq!(
                found.iter().map(|member| (member.literal.as_str(), member.value.as_str())).collect::<Vec<_>>(),
                expected.iter().map(|(key, value)| (key.get(), value.get())).collect::<Vec<_>>(),
                "{text:?}"
            );
            assert_eq!(raw.elements().count(), 0);
            for member in &found {
                assert_eq!(&text[member.start..][..member.literal.as_str().len()], member.literal.as_str());
                assert!(text[..member.end].ends_with(member.value.as_str()));
                let name = serde_json::from_str::<String>(member.literal.as_str());
                assert_eq!(member.key(), name.as_deref().unwrap_or("\u{fffd}"));
                let first = found.iter().find(|other| other.key() == member.key()).unwrap();
                assert_eq!(raw.get(&member.key()), Some(first.value));
            }
            found.iter().map(|member| compare(member.value)).max().unwrap_or(0) + 1
        }
        Kind::Array => {
            let expected: Vec<&RawValue> = serde_json::from_str(text).unwrap();
            let found: Vec<_> = raw.elements().collect();
            assert_eq!(
                found.iter().map(|element| element.as_str()).collect::<Vec<_>>(),
                expected.iter().map(|element| element.get()).collect::<Vec<_>>(),
                "{text:?}"
            );
            assert_eq!(raw.members().count(), 0);
            found.into_iter().map(compare).max().unwrap_or(0) + 1
        }
        Kind::String => {
            assert_eq!(raw.string().map(Cow::into_owned), serde_json::from_str(text).ok());
            0
        }
        kind => {
            assert_eq!(kind == Kind::Null, text == "null");
            assert_eq!(kind == Kind::Bool, serde_json::from_str::<bool>(text).is_ok());
            if let Ok(number) = serde_json::from_str::<u64>(text) {
                assert_eq!(raw.unsigned(), Some(number));
            }
            0
        }
    }
}

/// Where the first string literal starts and ends that serde_json cannot unescape.
fn first_broken(raw: Raw<'_>) -> Option<(usize, usize)> {
    let text = raw.as_str();
    let mut strings = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find('"') {
        let end = string_end(text.as_bytes(), at + found);
        strings.push((at + found, end));
        at = end;
    }
    strings.into_iter().find(|(start, end)| serde_json::from_str::<String>(&text[*start..*end]).is_err())
}

#[test]
fn a_string_ends_at_its_quote_however_long_it_is_and_wherever_escapes_stand() {
    for length in 0..150 {
        for escape in 0..length {
            let text = format!("\"{}\\\"{}é\" ", "x".repeat(escape), "#".repeat(length - escape));
            assert_eq!(string_end(text.as_bytes(), 0), text.len() - 1, "{text}");
        }
    }
}

/// Strings whose halves of surrogate pairs meet by chance.
fn halves() -> impl Strategy<Value = String> {
    const PIECES: [&str; 9] =
        ["\\ud83d", "\\uDBFF", "\\ude00", "\\uDFFF", "\\\\", "\\u0041", "\\uD7ff", "\\ue000", "u"];
    vec(proptest::sample::select(&PIECES[..]), 0..6).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

proptest! {
    #[test]
    fn the_walkers_see_what_serde_json_sees(text in value()) {
        let raw = raw(&text);
        prop_assert_eq!(raw.as_str(), &text);
        prop_assert_eq!(compare(raw), raw.depth());
    }

    #[test]
    fn text_with_one_byte_changed_is_refused_or_walked_as_serde_json_does(
        text in value(),
        place in any::<proptest::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = text.into_bytes();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        if let Ok(raw) = Raw::parse(&bytes) {
            compare(raw);
            raw.lone_surrogate();
        }
    }

    #[test]
    fn arbitrary_bytes_are_refused_or_walked(bytes in vec(any::<u8>(), 0..40), text in "[\\[\\]{}\",:0-9eE.\\\\u+-]{0,12}") {
        for bytes in [&bytes, text.as_bytes()] {
            if let Ok(raw) = Raw::parse(bytes) {
                compare(raw);
            }
        }
    }

    #[test]
    fn half_a_surrogate_pair_stands_where_serde_json_cannot_unescape(first in halves(), key in string(), second in halves()) {
        let text = format!("[{first},{{{key}:{second}}}]");
        let raw = raw(&text);
        let within = |(start, end): (usize, usize)| raw.lone_surrogate().is_some_and(|at| start < at && at < end);
        match first_broken(raw) {
            None => prop_assert_eq!(raw.lone_surrogate(), None, "{}", text),
            Some(literal) => prop_assert!(within(literal), "{} at {:?}", text, raw.lone_surrogate()),
        }
    }
}

#[test]
fn the_grammar_is_that_of_rfc_8259_and_nothing_beside_it() {
    let refused = [
        "01",
        "-01",
        "1.",
        ".5",
        "+1",
        "-",
        "1e",
        "1e+",
        "0x1",
        "NaN",
        "-Infinity",
        "nul",
        "True",
        "'a'",
        "[1,]",
        "{\"a\":1,}",
        "{,}",
        "[,1]",
        "{a:1}",
        "{1:1}",
        "{\"a\" 1}",
        "{\"a\"}",
        "[1 2]",
        "1 2",
        "/**/1",
        "\u{feff}1",
        "\u{a0}1",
        "\u{c}1",
        "\u{2028}1",
        "\"a\nb\"",
        "\"a\rb\"",
        "\"a\tb\"",
        "\"\0\"",
        "\"\u{1f}\"",
        r#""\x41""#,
        r#""\u12G4""#,
        r#""\u+123""#,
        r#""\u123""#,
        r#""\""#,
        "\"",
        "[",
        "]",
        "{\"a\":[}",
    ];
    for text in refused {
        let fault = Raw::parse(text.as_bytes());
        assert!(matches!(fault, Err(Malformed::Grammar(_))), "{text:?}: {fault:?}");
    }
    let taken = [
        "-0",
        "0e0",
        "1E+5",
        "1e-0",
        "1e999999",
        "\"\u{7f}\u{85}\u{2028}\u{feff}\u{ffff}\"",
        r#""\u0000\/""#,
        "{\"\":{\"\":[]}}",
        "{\"a\":1,\"a\":2}",
        " \t\r\n1\n ",
    ];
    for text in taken {
        assert_eq!(raw(text).as_str(), text.trim_ascii(), "{text:?}");
        compare(raw(text));
    }
}
