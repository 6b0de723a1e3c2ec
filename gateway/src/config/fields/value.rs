//! Single values of every type that a key can have.
//!
//! What is out of range is as much a fault as what is of another type.

use std::{ops::RangeInclusive, time::Duration};

use super::{
    Field,
    words::{enumerate, nearest},
};
use crate::config::{
    node::{Kind, Value},
    problem::{Report, quote},
};

/// Beyond this, clocks overflow.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

impl<'a> Field<'a> {
    /// A text; numbers must be in quotes to be one.
    pub(in crate::config) fn text(&self, report: &mut Report) -> Option<&'a str> {
        match &self.node.value {
            Value::Scalar(scalar) if scalar.kind == Kind::Text => self.clean(&scalar.text, report),
            Value::Scalar(scalar) if scalar.kind != Kind::Null => {
                let found = self.node.describe();
                self.error(report, format!("found {found}; put it in quotes to make it a text"));
                None
            }
            _ => self.expected("a text", report),
        }
    }

    /// Any single value as it was written, as arguments and variables are.
    pub(in crate::config) fn as_written(&self, report: &mut Report) -> Option<&'a str> {
        match &self.node.value {
            Value::Scalar(scalar) if scalar.kind != Kind::Null => self.clean(&scalar.text, report),
            Value::Scalar(_) => {
                self.error(report, "found no value; write `\"\"` for an empty text");
                None
            }
            _ => self.expected("a text", report),
        }
    }

    /// True if the value is the word `word`.
    pub(in crate::config) fn is(&self, word: &str) -> bool {
        matches!(&self.node.value, Value::Scalar(scalar) if scalar.text == word)
    }

    pub(in crate::config) fn flag(&self, report: &mut Report) -> Option<bool> {
        match &self.node.value {
            Value::Scalar(scalar) if matches!(scalar.kind, Kind::Bool(_)) => Some(scalar.kind == Kind::Bool(true)),
            _ => self.expected("`true` or `false`", report),
        }
    }

    /// A whole number from 1 to `most`.
    pub(in crate::config) fn count(&self, most: usize, report: &mut Report) -> Option<usize> {
        let wanted = format!("a whole number from 1 to {most}");
        let Value::Scalar(scalar) = &self.node.value else {
            return self.expected(&wanted, report);
        };
        let count = scalar.text.parse().ok();
        let count = count.filter(|count| (1..=most).contains(count) && scalar.kind == Kind::Number);
        count.or_else(|| self.expected(&wanted, report))
    }

    /// A duration of at least `least`.
    pub(in crate::config) fn duration(&self, least: Duration, report: &mut Report) -> Option<Duration> {
        let text = match &self.node.value {
            Value::Scalar(scalar) if scalar.kind == Kind::Number && scalar.text != "0" => {
                let number = quote(&scalar.text);
                let text = &scalar.text;
                self.error(report, format!("{number} has no unit; write `{text}s` for seconds"));
                return None;
            }
            Value::Scalar(scalar) if scalar.kind != Kind::Null => scalar.text.as_str(),
            _ => return self.expected("a duration such as `30s`", report),
        };
        let fault = match humantime::parse_duration(text) {
            Err(_) => "is not a duration; write one such as `500ms`, `30s`, `10m` or `2h`".to_owned(),
            Ok(duration) if duration < least => {
                format!("is too short; it must be {} at least", humantime::format_duration(least))
            }
            Ok(duration) if duration > LONGEST => "is too long; 30days is the most".to_owned(),
            Ok(duration) => return Some(duration),
        };
        self.error(report, format!("{} {fault}", quote(text)));
        None
    }

    /// A number of bytes within `range`.
    pub(in crate::config) fn size(&self, range: RangeInclusive<usize>, report: &mut Report) -> Option<usize> {
        let Value::Scalar(scalar) = &self.node.value else {
            return self.expected("a size such as `16MiB`", report);
        };
        let text = quote(&scalar.text);
        match bytes(&scalar.text) {
            Some(size) if range.contains(&size) => return Some(size),
            Some(_) => {
                let (least, most) = (range.start(), range.end());
                self.error(report, format!("{text} is out of range; it goes from {least} to {most} bytes"));
            }
            None => {
                let forms = "write a number of bytes, or one such as `512KiB`, `16MiB` or `16MB`";
                self.error(report, format!("{text} is not a size; {forms}"));
            }
        }
        None
    }

    /// One of a few words.
    pub(in crate::config) fn choice<T: Copy>(&self, options: &[(&str, T)], report: &mut Report) -> Option<T> {
        let words: Vec<&str> = options.iter().map(|(word, _)| *word).collect();
        let found = match &self.node.value {
            Value::Scalar(scalar) if scalar.kind != Kind::Null => scalar.text.as_str(),
            _ => return self.expected(&format!("one of {}", enumerate(&words)), report),
        };
        if let Some((_, value)) = options.iter().find(|(word, _)| *word == found) {
            return Some(*value);
        }
        let found_quoted = quote(found);
        let way_out = match nearest(found, &words) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("write one of {}", enumerate(&words)),
        };
        self.error(report, format!("{found_quoted} is not known; {way_out}"));
        None
    }

    fn clean(&self, text: &'a str, report: &mut Report) -> Option<&'a str> {
        if text.contains('\0') {
            self.error(report, "holds a NUL byte, which no program can be given");
            return None;
        }
        Some(text)
    }
}

/// A number of bytes, with a unit or without.
fn bytes(text: &str) -> Option<usize> {
    let digits = text.find(|part: char| !part.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        _ => return None,
    };
    number.parse::<usize>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_or_are_bytes() {
        let check = |text: &str, expected: Option<usize>| {
            assert_eq!(bytes(text), expected, "{text:?}");
        };
        check("512", Some(512));
        check("16MiB", Some(16 << 20));
        check("16MB", Some(16_000_000));
        check("4 kib", Some(4096));
        check("1G", Some(1 << 30));
        check("MiB", None);
        check("16MX", None);
        check("1.5MiB", None);
        check("-1", None);
        check("99999999999999999999", None);
        check("99999999999999GiB", None);
    }
}
