//! Whether a URI may have come from an RFC 6570 template, to find the shard that a resource belongs to.
//!
//! Invariant: the time is bounded by [`LONGEST_URI`] times [`LONGEST_TEMPLATE`], whatever the two hold: the positions that
//! can be reached are carried from part to part, so nothing is tried twice.

/// A longer URI matches no template.
const LONGEST_URI: usize = 8 * 1024;
/// A longer template matches no URI.
const LONGEST_TEMPLATE: usize = 2 * 1024;

/// A template, read once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// These very bytes.
    Literal(String),
    /// At least one byte that is none of these.
    Some(&'static [u8]),
    /// Any number of bytes.
    Any,
    /// Nothing, or this byte and any number of bytes that are none of these.
    Led(u8, &'static [u8]),
}

/// What ends a value that does not reach into the next path segment, the query or the fragment.
const SEGMENT: &[u8] = b"/?#";
const PATH: &[u8] = b"?#";
const QUERY: &[u8] = b"#";

impl Template {
    /// `None` if the template breaks the grammar of RFC 6570 or is too long; it is listed all the same.
    pub(crate) fn parse(template: &str) -> Option<Self> {
        if template.len() > LONGEST_TEMPLATE {
            return None;
        }
        let mut parts = Vec::new();
        let mut rest = template;
        while let Some(open) = rest.find('{') {
            let close = open + rest[open..].find('}')?;
            parts.push(Part::Literal(rest[..open].to_owned()));
            expression(&rest[open + 1..close], &mut parts)?;
            rest = &rest[close + 1..];
        }
        parts.push(Part::Literal(rest.to_owned()));
        Some(Self(parts))
    }

    /// Whether some values of the variables give `uri`. Percent escapes are not decoded.
    pub(crate) fn matches(&self, uri: &str) -> bool {
        let uri = uri.as_bytes();
        if uri.len() > LONGEST_URI {
            return false;
        }
        let mut reached = vec![false; uri.len() + 1];
        reached[0] = true;
        for part in &self.0 {
            reached = part.advance(uri, &reached);
            if !reached.contains(&true) {
                return false;
            }
        }
        reached[uri.len()]
    }
}

/// Reads what stands between braces.
fn expression(text: &str, parts: &mut Vec<Part>) -> Option<()> {
    let (operator, variables) = match text.as_bytes().first()? {
        operator @ (b'+' | b'#' | b'.' | b'/' | b';' | b'?' | b'&') => (Some(*operator), &text[1..]),
        _ => (None, text),
    };
    for variable in variables.split(',') {
        let exploded = variable.ends_with('*');
        let name = variable.trim_end_matches('*').split(':').next().unwrap_or_default();
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.%".contains(&byte)) {
            return None;
        }
        match operator {
            Some(lead @ b'/') => parts.push(Part::Led(lead, if exploded { PATH } else { SEGMENT })),
            Some(lead @ (b'.' | b';')) => parts.push(Part::Led(lead, SEGMENT)),
            _ => {}
        }
    }
    match operator {
        None => parts.push(Part::Some(SEGMENT)),
        Some(b'+') => parts.push(Part::Any),
        Some(lead @ b'#') => parts.push(Part::Led(lead, b"")),
        Some(lead @ (b'?' | b'&')) => parts.push(Part::Led(lead, QUERY)),
        Some(_) => {}
    }
    Some(())
}

impl Part {
    /// Where one can be behind this part, from where one can be before it.
    fn advance(&self, uri: &[u8], from: &[bool]) -> Vec<bool> {
        let mut to = vec![false; from.len()];
        let (lead, end, mut inside) = match self {
            Self::Literal(literal) => {
                for start in (0..from.len()).filter(|start| from[*start]) {
                    if uri[start..].starts_with(literal.as_bytes()) {
                        to[start + literal.len()] = true;
                    }
                }
                return to;
            }
            Self::Some(end) => (None, *end, false),
            Self::Any => {
                let first = from.iter().position(|reached| *reached).unwrap_or(from.len());
                to[first..].fill(true);
                return to;
            }
            Self::Led(lead, end) => (Some(*lead), *end, false),
        };
        for (at, byte) in uri.iter().enumerate() {
            to[at] = inside || (lead.is_some() && from[at]);
            let goes_on = inside || (lead.is_none() && from[at]);
            let begins = from[at] && lead == Some(*byte);
            inside = begins || (goes_on && !end.contains(byte));
        }
        to[uri.len()] = inside || (lead.is_some() && from[uri.len()]);
        to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(template: &str, uri: &str) -> bool {
        Template::parse(template).is_some_and(|template| template.matches(uri))
    }

    #[test]
    fn a_uri_is_told_from_one_of_another_template() {
        let cases = [
            ("file:///{name}", "file:///a.txt", "file:///a/b.txt"),
            ("file:///{+path}", "file:///a/b.txt", "file://a"),
            ("db://{table}/rows/{id}", "db://t/rows/7", "db://t/rows/"),
            ("db://{table}/rows/{id}", "db://a,b/rows/7", "db://t/rows/7/8"),
            ("x://{a,b}", "x://1,2", "x://1?2"),
            ("x://{a:3}", "x://123", "x://"),
            ("x://{a}{b}", "x://12", "x://1"),
            ("x://{a}b", "x://abb", "x://b"),
            ("x://a{/b}", "x://a/1", "x://a/1/2"),
            ("x://a{/b,c}", "x://a/1/2", "x://a/1/2/3"),
            ("x://a{/b*}", "x://a/1/2/3", "x://ab"),
            ("x://a{/b}", "x://a", "x://a1"),
            ("x://a{.ext}", "x://a.tar.gz", "x://a/tar"),
            ("x://a{;p,q}", "x://a;p=1;q=2", "x://a?p=1"),
            ("x://a{?q,r}", "x://a?q=1&r=/2", "x://a&q=1"),
            ("x://a{?q}", "x://a", "x://a#b"),
            ("x://a?f=1{&q}", "x://a?f=1&q=2", "x://a?f=2"),
            ("x://a{#frag}", "x://a#b?c/d#e", "x://a?b"),
            ("x://{+a}x{b}", "x://1x/2xx3", "x://1x/2"),
            ("x://ü/{a}", "x://ü/é", "x://%C3%BC/a"),
            ("x://%41/{a}", "x://%41/1", "x://A/1"),
            ("x://plain", "x://plain", "x://plain/"),
        ];
        for (template, good, bad) in cases {
            assert!(matches(template, good), "{template} {good}");
            assert!(!matches(template, bad), "{template} {bad}");
        }
    }

    #[test]
    fn a_broken_template_matches_nothing() {
        for template in ["x://{a", "x://{}", "x://{a b}", "x://{=a}", "x://{a,}", "x://{+}"] {
            assert_eq!(Template::parse(template), None, "{template}");
        }
    }

    /// Exponential or cubic work would take hours, and the test runner ends a test that hangs.
    #[test]
    fn hostile_templates_and_uris_are_done_with() {
        let uri = |length: usize| format!("{}!", "a".repeat(length - 1));
        for unit in ["{a}", "{+a}", "{/a*}", "{a}a", "{+a}aaaaaaaa", "a"] {
            for length in [LONGEST_TEMPLATE, 64 * 1024] {
                let template = unit.repeat(length / unit.len() - 1) + "b";
                assert!(!matches(&template, &uri(LONGEST_URI)), "{unit}");
                assert!(!matches(&template, &uri(64 * 1024)), "{unit}");
            }
        }
    }
}
