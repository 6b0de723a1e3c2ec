//! A host that a certificate must cover: a name, a wildcard or an address.
//!
//! A `Host` is always in its ASCII form, so that names compare byte by byte and fit into SNI.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Host {
    /// A full name, lower case, without a dot at its end.
    Name(String),
    /// `*.` and this: every name with exactly one more label.
    Wildcard(String),
    /// An address; TLS sends no name for it.
    Address(IpAddr),
}

/// Why a text is not a host.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAHost {
    #[error("it is empty")]
    Empty,
    #[error("it is longer than 253 characters")]
    Long,
    #[error("it holds a scheme, a port, a path or a space; give the host name alone")]
    NotAlone,
    #[error("a `*` may only stand alone as the first label, as in `*.example.com`")]
    Star,
    #[error("it reads like an IP address but is not one in the usual form")]
    OddAddress,
    #[error("it is not a valid host name")]
    Name,
}

/// The label that stands for "any name" when a wildcard is tried out.
const MADE_UP: &str = "mcp-tls-check";

impl Host {
    /// Reads what a person or a rule says; international names become punycode.
    pub(crate) fn parse(text: &str) -> Result<Self, NotAHost> {
        let text = text.trim_matches(' ');
        if text.is_empty() {
            return Err(NotAHost::Empty);
        }
        if text.len() > 1024 {
            return Err(NotAHost::Long);
        }
        if let Ok(address) = text.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            return Ok(Self::Address(address));
        }
        // The URL parser would decode percent signs, so they are refused before it sees them.
        if text.contains(|c: char| ":/\\?#@%[]".contains(c) || c.is_whitespace()) {
            return Err(NotAHost::NotAlone);
        }
        match text.strip_prefix("*.") {
            Some(rest) => Ok(Self::Wildcard(ascii(rest)?)),
            None => Ok(Self::Name(ascii(text)?)),
        }
    }

    /// The name to try: a wildcard is tried with a label that nobody has.
    pub(crate) fn probe(&self) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Wildcard(rest) => format!("{MADE_UP}.{rest}"),
            Self::Address(address) => address.to_string(),
        }
    }

    /// Does a router's host, which may be a wildcard, cover this one?
    pub(crate) fn is_covered_by(&self, pattern: &Self) -> bool {
        match (self, pattern) {
            (Self::Name(name), Self::Wildcard(rest)) => one_label_above(name, rest),
            _ => self == pattern,
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Wildcard(rest) => write!(f, "*.{rest}"),
            Self::Address(address) => write!(f, "{address}"),
        }
    }
}

/// Is `name` one label and then `rest`? RFC 6125 lets a `*` stand for no more and no less.
pub(crate) fn one_label_above(name: &str, rest: &str) -> bool {
    let label = name.strip_suffix(rest).and_then(|head| head.strip_suffix('.'));
    label.is_some_and(|label| !label.is_empty() && !label.contains('.'))
}

/// The ASCII form of a name without a wildcard.
fn ascii(text: &str) -> Result<String, NotAHost> {
    if text.contains('*') {
        return Err(NotAHost::Star);
    }
    let name = match url::Host::parse(text) {
        Ok(url::Host::Domain(name)) => name,
        // `127.1`, `0x7f000001` and a bare number are addresses to a URL and surprises to a person.
        Ok(_) => return Err(NotAHost::OddAddress),
        Err(_) if text.parse::<Ipv4Addr>().is_err() && ends_in_a_number(text) => return Err(NotAHost::OddAddress),
        Err(_) => return Err(NotAHost::Name),
    };
    let name = name.strip_suffix('.').unwrap_or(&name);
    if name.len() > 253 {
        return Err(NotAHost::Long);
    }
    let fits = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if name.split('.').all(fits) { Ok(name.to_owned()) } else { Err(NotAHost::Name) }
}

/// Does the last label look like part of an IPv4 address?
fn ends_in_a_number(text: &str) -> bool {
    let last = text.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(text: &str, expected: &str) {
        assert_eq!(Host::parse(text).unwrap().to_string(), expected, "{text}");
    }

    #[test]
    fn names_are_brought_into_their_ascii_form() {
        reads("App.Example.COM", "app.example.com");
        reads("app.example.com.", "app.example.com");
        reads("münchen.example", "xn--mnchen-3ya.example");
        reads("MÜNCHEN.example", "xn--mnchen-3ya.example");
        reads("*.Bücher.example", "*.xn--bcher-kva.example");
        reads("ｅｘａｍｐｌｅ.com", "example.com");
        reads("nas", "nas");
        reads("_dmarc.example.com", "_dmarc.example.com");
        reads(" nas.lan ", "nas.lan");
    }

    #[test]
    fn addresses_stay_addresses() {
        reads("192.168.1.5", "192.168.1.5");
        reads("[::1]", "::1");
        reads("2001:DB8::1", "2001:db8::1");
    }

    #[test]
    fn what_is_not_a_host_is_refused_with_a_reason() {
        let cases = [
            ("", NotAHost::Empty),
            ("  ", NotAHost::Empty),
            ("https://app.example.com", NotAHost::NotAlone),
            ("app.example.com:443", NotAHost::NotAlone),
            ("app.example.com/path", NotAHost::NotAlone),
            ("user@app.example.com", NotAHost::NotAlone),
            ("a b", NotAHost::NotAlone),
            ("a\r\nb", NotAHost::NotAlone),
            ("%61.example.com", NotAHost::NotAlone),
            ("*", NotAHost::Star),
            ("a.*.example.com", NotAHost::Star),
            ("*.*.example.com", NotAHost::Star),
            ("w*.example.com", NotAHost::Star),
            ("127.1", NotAHost::OddAddress),
            ("0x7f.0.0.1", NotAHost::OddAddress),
            ("3232235777", NotAHost::OddAddress),
            ("999.999.999.999", NotAHost::OddAddress),
            ("a..b", NotAHost::Name),
            ("-a.example.com", NotAHost::Name),
            ("a\u{7f}b", NotAHost::Name),
            ("xn--a", NotAHost::Name),
        ];
        for (text, expected) in cases {
            assert_eq!(Host::parse(text), Err(expected), "{text}");
        }
        assert_eq!(Host::parse(&"a".repeat(64)), Err(NotAHost::Name));
        assert_eq!(Host::parse(&"a.".repeat(200)), Err(NotAHost::Long));
        assert_eq!(Host::parse(&"a".repeat(5 << 20)), Err(NotAHost::Long));
    }

    #[test]
    fn a_wildcard_covers_exactly_one_label() {
        let pattern = Host::parse("*.example.com").unwrap();
        let covers = |text: &str| Host::parse(text).unwrap().is_covered_by(&pattern);
        assert!(covers("app.example.com"));
        assert!(covers("*.example.com"));
        assert!(!covers("example.com"));
        assert!(!covers("a.b.example.com"));
        assert!(!covers("appexample.com"));
        assert!(!pattern.is_covered_by(&Host::parse("app.example.com").unwrap()));
    }

    #[test]
    fn a_wildcard_is_tried_with_a_name_that_it_covers() {
        let pattern = Host::parse("*.example.com").unwrap();
        assert!(Host::parse(&pattern.probe()).unwrap().is_covered_by(&pattern));
    }
}
