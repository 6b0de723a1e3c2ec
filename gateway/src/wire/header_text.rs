//! What HTTP headers repeat of a message (2026-07-28, basic/transports/streamable-http, "Value Encoding").
//!
//! Invariant: what is written here is read back as the same text, and two values that a reader could take for one another
//! are not equal.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::wire::{Kind, Raw};

const START: &str = "=?base64?";
const END: &str = "?=";
/// Beyond this not every reader holds a whole number exactly.
const SAFE: f64 = 9_007_199_254_740_991.0;

/// A text as a header can carry it: as it is, or as base64 where it is not plain.
pub fn to_header(text: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte == b'\t' || (0x20..0x7f).contains(&byte);
    let is_marked = text.starts_with(START) && text.ends_with(END);
    if !text.is_empty() && !is_marked && text.trim() == text && text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("{START}{}{END}", BASE64.encode(text)))
}

/// The text that a header stands for. Between the marks stands the base64 of UTF-8, padded and without slack bits; `None` if
/// something else does. Any other value stands for itself.
pub fn from_header(value: &str) -> Option<Cow<'_, str>> {
    match value.strip_prefix(START).and_then(|rest| rest.strip_suffix(END)) {
        None => Some(Cow::Borrowed(value)),
        Some(encoded) => String::from_utf8(BASE64.decode(encoded).ok()?).ok().map(Cow::Owned),
    }
}

/// An argument as the text that a header repeats. `None` for what no header repeats: null, objects, arrays, and numbers that
/// not every reader holds exactly.
pub fn argument_text(value: Raw<'_>) -> Option<Cow<'_, str>> {
    match value.kind() {
        Kind::String => value.string(),
        Kind::Bool => Some(Cow::Borrowed(value.as_str())),
        Kind::Number => safe(value).map(|number| number.to_string().into()),
        Kind::Null | Kind::Object | Kind::Array => None,
    }
}

/// Whether `text`, which a header stands for, is what an argument says. Numbers are compared as numbers.
pub fn says_the_same(text: &str, value: Raw<'_>) -> bool {
    match (value.kind(), safe(value)) {
        #[expect(clippy::float_cmp, reason = "both sides read the same number out of their texts, or not")]
        (Kind::Number, Some(number)) => is_decimal(text) && text.parse::<f64>().is_ok_and(|other| other == number),
        (Kind::Number, None) => text == value.as_str(),
        _ => argument_text(value).is_some_and(|said| said == text),
    }
}

fn safe(value: Raw<'_>) -> Option<f64> {
    let number: f64 = value.as_str().parse().ok()?;
    (number.abs() <= SAFE).then_some(number)
}

/// `-7` or `42.0`, and nothing else that stands for a number somewhere.
fn is_decimal(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    digits(whole.strip_prefix('-').unwrap_or(whole)) && digits(fraction)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_is_written_as_the_revision_shows_it() {
        let check = |text: &str, header: &str| {
            assert_eq!(to_header(text), header);
            assert_eq!(from_header(header).as_deref(), Some(text));
        };
        check("us-west1", "us-west1");
        check("us west 1", "us west 1");
        check("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?=");
        check(" padded ", "=?base64?IHBhZGRlZCA=?=");
        check("line1\nline2", "=?base64?bGluZTEKbGluZTI=?=");
        check("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=");
        check("=?base64?literal", "=?base64?literal");
        check("", "=?base64??=");
    }

    #[test]
    fn base64_that_is_not_written_in_the_one_way_stands_for_nothing() {
        for header in ["=?base64?YQ?=", "=?base64?YR==?=", "=?base64?SGVs!!!bG8=?=", "=?base64?/w==?=", "=?base64? ?="]
        {
            assert_eq!(from_header(header), None, "{header}");
        }
        assert_eq!(from_header("=?BASE64?YQ==?=").as_deref(), Some("=?BASE64?YQ==?="));
    }

    #[test]
    fn numbers_are_compared_as_numbers_and_texts_as_texts() {
        let check = |text: &str, value: &str, expected: bool| {
            assert_eq!(says_the_same(text, Raw::parse(value.as_bytes()).unwrap()), expected, "{text} {value}");
        };
        check("42", "42", true);
        check("42.0", "42", true);
        check("100", "1e2", true);
        check("1e2", "1e2", false);
        check("-7", "-7.0", true);
        check("+7", "7", false);
        check("inf", "7", false);
        check("42", "43", false);
        check("42", r#""42""#, true);
        check("42.0", r#""42""#, false);
        check("a", r#""\u0061""#, true);
        check("A", r#""a""#, false);
        check("true", "true", true);
        check("True", "true", false);
        check("9007199254740993", "9007199254740993", true);
        check("9007199254740992", "9007199254740993", false);
        check("null", "null", false);
        check("{}", "{}", false);
    }

    #[test]
    fn what_not_every_reader_holds_exactly_is_not_repeated() {
        let text = |value: &str| argument_text(Raw::parse(value.as_bytes()).unwrap()).map(Cow::into_owned);
        let check = |value: &str, expected: Option<&str>| assert_eq!(text(value).as_deref(), expected, "{value}");
        check("9007199254740991", Some("9007199254740991"));
        check("9007199254740992", None);
        check("-1e300", None);
        check("1.50", Some("1.5"));
        check("1e-7", Some("0.0000001"));
        check("null", None);
        check("[1]", None);
    }

    proptest! {
        #[test]
        fn every_text_comes_back_and_its_header_is_visible_ascii(text in any::<String>()) {
            let header = to_header(&text);
            prop_assert!(header.bytes().all(|byte| byte == b'\t' || (0x20..0x7f).contains(&byte)), "{}", header);
            prop_assert_eq!(header.trim(), &*header);
            let back = from_header(&header);
            prop_assert_eq!(back.as_deref(), Some(&*text));
        }

        #[test]
        fn what_is_written_of_a_number_says_the_same(number in any::<f64>().prop_filter("JSON", |number| number.is_finite())) {
            let json = serde_json::to_string(&number).unwrap();
            let value = Raw::parse(json.as_bytes()).unwrap();
            if let Some(text) = argument_text(value) {
                prop_assert!(says_the_same(&text, value), "{} {}", text, json);
            }
        }
    }
}
