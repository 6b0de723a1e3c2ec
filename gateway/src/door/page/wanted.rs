//! Who is a browser.
//!
//! Invariant: a request that could be one of an MCP client is none of a browser. MCP clients accept `text/event-stream`
//! by name, and browsers accept `text/html` by name; tools such as `curl` name neither.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

/// Whether a page is the answer that the sender of a GET would like most.
pub(crate) fn is_wanted(headers: &HeaderMap) -> bool {
    let speaks_mcp = headers.keys().any(|name| name.as_str().starts_with("mcp-") || name == "last-event-id");
    let page = weight(headers, "text/html").max(weight(headers, "application/xhtml+xml"));
    !speaks_mcp
        && page > 0.0
        && weight(headers, "text/event-stream") <= 0.0
        && page >= weight(headers, "application/json")
        && page >= weight(headers, "text/plain")
}

/// How much the sender likes this very media type; 0 if it does not name it.
fn weight(headers: &HeaderMap, kind: &str) -> f32 {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let ranges = values.flat_map(|value| value.split(','));
    ranges
        .filter_map(|range| {
            let (named, parameters) = range.split_once(';').unwrap_or((range, ""));
            named.trim().eq_ignore_ascii_case(kind).then(|| quality(parameters))
        })
        .fold(0.0, f32::max)
}

/// The `q` among the parameters of a media range. One that cannot be read is as good as none.
fn quality(parameters: &str) -> f32 {
    let quality = |parameter: &str| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| value.trim().parse().ok()).flatten()
    };
    parameters.split(';').find_map(quality).unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    #[track_caller]
    fn check(headers: &[(&'static str, &'static str)], expected: bool) {
        let pairs =
            headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(name, value);
        }
        assert_eq!(is_wanted(&map), expected, "{headers:?}");
    }

    #[test]
    fn browsers_get_the_page() {
        let firefox = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        let chromium = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7";
        let w3m = "text/html, text/*;q=0.5, image/*, application/*";
        for accept in [firefox, chromium, w3m, "Text/HTML", "application/xhtml+xml", "text/html;q=0.3"] {
            check(&[("accept", accept)], true);
        }
        check(&[("accept", "image/*"), ("accept", "text/html")], true);
    }

    #[test]
    fn mcp_clients_and_tools_never_do() {
        check(&[], false);
        for accept in [
            "*/*",
            "text/*",
            "text/event-stream",
            "application/json, text/event-stream",
            "text/html, text/event-stream",
            "text/event-stream;q=0.1, text/html",
            "application/json, text/html;q=0.9",
            "text/plain, text/html;q=0.5",
            "text/html;q=0",
            "text/html; q=0.0",
        ] {
            check(&[("accept", accept)], false);
        }
        for header in ["mcp-session-id", "mcp-protocol-version", "mcp-method", "last-event-id"] {
            check(&[("accept", "text/html"), (header, "1")], false);
        }
        check(&[("accept", "text/html, text/event-stream;q=0")], true);
    }
}
