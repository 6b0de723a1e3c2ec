//! What a plain YAML scalar means to Go's YAML, and which words Go's parsers take.
//!
//! `yes`, `no`, `on` and `off` are strings; timestamps are refused, because Traefik refuses them.

use std::sync::LazyLock;

use regex::Regex;

use super::node::Value;

static FLOAT: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$"));
static TIMESTAMP: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ]|$)"));
static DURATION: LazyLock<Regex> = LazyLock::new(|| pattern(r"^([0-9]*)(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h)"));

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the patterns of this file are correct")
}

/// A scalar without quotes; `None` for one that Traefik cannot take.
pub(super) fn plain(text: &str) -> Option<Value> {
    let value = match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        ".nan" | ".NaN" | ".NAN" => Value::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Value::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Value::Float(f64::NEG_INFINITY),
        // As a value, the mark of a merge means nothing sure.
        "<<" => return None,
        _ if TIMESTAMP.is_match(text) => return None,
        _ => number(text).unwrap_or_else(|| Value::Text(text.to_owned())),
    };
    Some(value)
}

fn number(text: &str) -> Option<Value> {
    if !text.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first)) {
        return None;
    }
    // Before a dot, Go's YAML does not drop underscores.
    let digits = if text.starts_with('.') { text.to_owned() } else { text.replace('_', "") };
    if let Some(value) = integer_of_any_base(&digits) {
        return Some(Value::Integer(value));
    }
    let value: f64 = FLOAT.is_match(&digits).then(|| digits.parse().ok())??;
    value.is_finite().then_some(Value::Float(value))
}

/// `0x`, `0o`, `0b` and a leading zero choose the base, as in Go.
fn integer_of_any_base(text: &str) -> Option<i128> {
    let (negative, signed, digits) = match text.as_bytes().first()? {
        b'-' => (true, true, &text[1..]),
        b'+' => (false, true, &text[1..]),
        _ => (false, false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (base, digits) = match lower.get(..2) {
        Some("0x") => (16, &lower[2..]),
        Some("0o") => (8, &lower[2..]),
        Some("0b") => (2, &lower[2..]),
        Some(_) if lower.starts_with('0') => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_alphanumeric()) {
        return None;
    }
    let size = i128::from_str_radix(digits, base).ok()?;
    let value = if negative { -size } else { size };
    let bounds = if signed { i128::from(i64::MIN)..=i128::from(i64::MAX) } else { 0..=i128::from(u64::MAX) };
    bounds.contains(&value).then_some(value)
}

/// What Go's `ParseBool` takes.
pub(super) fn go_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// What Go's `ParseInt` takes in base ten and 64 bits.
pub(super) fn go_integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// The seconds of a number of them, or of what Go's `ParseDuration` takes, at most 292 years.
pub(crate) fn go_seconds(text: &str) -> Option<f64> {
    if let Some(seconds) = go_integer(text) {
        return Some(seconds as f64);
    }
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut seconds = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let part = DURATION.captures(rest)?;
        let (whole, fraction) = (&part[1], part.get(2).map_or("", |fraction| fraction.as_str()));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let amount: f64 = format!("0{whole}.{fraction}0").parse().ok()?;
        seconds += amount * seconds_of(&part[3]);
        rest = &rest[part[0].len()..];
    }
    // Go counts nanoseconds in 63 bits; a little less is safe.
    (seconds < 9.2e9).then_some(sign * seconds)
}

fn seconds_of(unit: &str) -> f64 {
    match unit {
        "ns" => 1e-9,
        "us" | "µs" | "μs" => 1e-6,
        "ms" => 1e-3,
        "m" => 60.0,
        "h" => 3600.0,
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_mean_what_they_mean_to_go() {
        let check = |text: &str, expected: Value| assert_eq!(plain(text), Some(expected), "{text}");
        for text in ["yes", "off", "1.2.3", "0x", "08:15", "-", "1e400", "truE", "0b2", "+0x8000000000000000"] {
            check(text, Value::Text(text.into()));
        }
        check("042", Value::Integer(34));
        check("-0x10", Value::Integer(-16));
        check("0o17", Value::Integer(15));
        check("1_000", Value::Integer(1000));
        check("18446744073709551615", Value::Integer(18_446_744_073_709_551_615));
        check("18446744073709551616", Value::Float(18_446_744_073_709_551_616.0));
        check("08", Value::Float(8.0));
        check(".5", Value::Float(0.5));
        check("1e3", Value::Float(1000.0));
        check("~", Value::Null);
        check("True", Value::Bool(true));
    }

    #[test]
    fn timestamps_are_taken_by_nobody() {
        for text in ["2001-12-14", "2001-1-2 10:00:00", "2001-12-14T21:59:43.10-05:00"] {
            assert_eq!(plain(text), None, "{text}");
        }
    }

    #[test]
    fn durations_are_those_of_go() {
        for text in ["10", "-5", "10s", "1h30m", ".5s", "1.s", "5µs", "-1s", "+3s", "2555555h"] {
            assert!(go_seconds(text).is_some(), "{text}");
        }
        for text in ["", "s", "1d", "1.5", "1s1", "1s ", "9999999999999h", "9223372036854775808", "-", ".s", "1e3s"] {
            assert_eq!(go_seconds(text), None, "{text}");
        }
        for (text, seconds) in [("90", 90.0), ("1m30s", 90.0), ("-1.5s", -1.5), ("250ms", 0.25), ("2h", 7200.0)] {
            assert_eq!(go_seconds(text), Some(seconds), "{text}");
        }
    }
}
