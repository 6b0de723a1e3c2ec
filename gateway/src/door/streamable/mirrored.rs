//! `Mcp-Param-…`: the arguments that headers repeat (2026-07-28, basic/transports/streamable-http, "Custom Headers from Tool
//! Parameters").
//!
//! Invariant: a header that the tool declares is there if and only if its argument is, and says the same. Of the arguments
//! nothing else is read, and headers that no tool declares are ignored.

use std::borrow::Cow;

use axum::http::{HeaderMap, HeaderName, StatusCode};
use serde_json::json;

use super::modern::one;
use crate::catalogue::Mirrored;
use crate::door::refusal::Refused;
use crate::mux::Mux;
use crate::wire::{Fault, Params, Raw, argument_text, code, from_header, says_the_same};

/// So much of a value is shown.
const SHOWN: usize = 100;

/// Refuses a `tools/call` whose headers do not repeat its arguments as the tool demands. Waits for a first start.
pub(super) async fn check(mux: &Mux, headers: &HeaderMap, params: &Params<'_>) -> Result<(), Refused> {
    let Some(name) = params.name.and_then(Raw::string) else { return Ok(()) };
    match mux.mirrored(&name).await {
        Some(mirrored) => check_all(&mirrored, headers, params.arguments),
        None => Ok(()),
    }
}

fn check_all(mirrored: &Mirrored, headers: &HeaderMap, arguments: Option<Raw<'_>>) -> Result<(), Refused> {
    for found in mirrored.values(arguments) {
        let (place, value) = found.map_err(|ambiguous| Refused::invalid(format!("`params.arguments`: {ambiguous}")))?;
        let header = HeaderName::try_from(&place.header).expect("a mark that counts is the name of a header");
        let argument = place.argument();
        if let Some(trouble) = trouble(one(headers, &header)?, &argument, value) {
            let data = json!({"header": place.header, "argument": argument});
            let fault = Fault::new(code::HEADER_MISMATCH, format!("header mismatch: `{header}` {trouble}"));
            return Err(Refused::new(StatusCode::BAD_REQUEST, fault.with_data(data)));
        }
    }
    Ok(())
}

/// What is wrong with a header, in words.
fn trouble(header: Option<&str>, argument: &str, value: Option<Raw<'_>>) -> Option<String> {
    match (header.map(from_header), value) {
        (None, None) => None,
        // No client can be expected to write such a header.
        (None, Some(value)) if argument_text(value).is_none() => None,
        (None, Some(value)) => Some(format!("is missing, the argument `{argument}` says {}", shown(value.as_str()))),
        (Some(None), _) => Some(format!("holds bad base64 for the argument `{argument}`")),
        (Some(Some(said)), None) => Some(format!("is `{}`, and there is no argument `{argument}`", shown(&said))),
        (Some(Some(said)), Some(value)) => (!says_the_same(&said, value))
            .then(|| format!("is `{}`, the argument `{argument}` says {}", shown(&said), shown(value.as_str()))),
    }
}

fn shown(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Fields<'a> = &'a [(&'static str, &'a str)];

    /// The status, the code and the words of a refusal.
    #[track_caller]
    fn check(arguments: &str, fields: Fields<'_>) -> Result<(), (u16, i64, String)> {
        let schema = br#"{"properties":{
            "region":{"type":"string","x-mcp-header":"Region"},
            "count":{"type":"integer","x-mcp-header":"N"},
            "deep":{"properties":{"dry":{"type":"boolean","x-mcp-header":"Dry"}}},
            "query":{"type":"string"}}}"#;
        let mirrored = Mirrored::read(Raw::parse(schema).unwrap()).unwrap().unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        check_all(&mirrored, &headers, Some(Raw::parse(arguments.as_bytes()).unwrap())).map_err(|refused| {
            let (status, code, _, message) = refused.told();
            (status, code, message.to_owned())
        })
    }

    #[test]
    fn headers_that_repeat_what_the_arguments_say_pass() {
        let cases: [(&str, Fields<'_>); 11] = [
            ("{}", &[]),
            (r#"{"query":"x"}"#, &[("mcp-param-query", "y"), ("mcp-param-other", "z")]),
            (r#"{"region":null,"count":null,"deep":{"dry":null}}"#, &[]),
            (r#"{"region":"us-west1"}"#, &[("Mcp-Param-REGION", "us-west1")]),
            (r#"{"region":"us-west1"}"#, &[("mcp-param-region", " us-west1\t")]),
            (r#"{"region":"Hello"}"#, &[("mcp-param-region", "=?base64?SGVsbG8=?=")]),
            (r#"{"region":""}"#, &[("mcp-param-region", "")]),
            (r#"{"count":42}"#, &[("mcp-param-n", "42.0")]),
            (r#"{"deep":{"dry":false}}"#, &[("mcp-param-dry", "false")]),
            (r#"{"region":{"a":1}}"#, &[]),
            (r#"{"count":9007199254740993}"#, &[]),
        ];
        for (arguments, fields) in cases {
            assert_eq!(check(arguments, fields), Ok(()), "{arguments} {fields:?}");
        }
    }

    #[test]
    fn headers_that_differ_from_the_arguments_are_refused_with_both_named() {
        let region = r#"{"region":"us-west1"}"#;
        let cases: [(&str, Fields<'_>, &str); 12] = [
            (region, &[], r#"`mcp-param-region` is missing, the argument `region` says "us-west1""#),
            (
                region,
                &[("mcp-param-region", "US-WEST1")],
                "`mcp-param-region` is `US-WEST1`, the argument `region` says",
            ),
            (region, &[("mcp-param-region", "us-west1"), ("mcp-param-region", "us-west1")], "must stand once"),
            (region, &[("mcp-param-region", "=?base64?dXMtd2VzdDE?=")], "holds bad base64 for the argument `region`"),
            (region, &[("mcp-param-region", "é")], "visible ASCII"),
            ("{}", &[("mcp-param-region", "a")], "`mcp-param-region` is `a`, and there is no argument `region`"),
            (r#"{"region":null}"#, &[("mcp-param-region", "null")], "there is no argument `region`"),
            (r#"{"count":42}"#, &[("mcp-param-n", "43")], "`mcp-param-n` is `43`, the argument `count` says 42"),
            (r#"{"count":42}"#, &[("mcp-param-n", "forty-two")], "the argument `count` says 42"),
            (r#"{"deep":{"dry":true}}"#, &[], "`mcp-param-dry` is missing, the argument `deep.dry` says true"),
            (r#"{"region":{"a":1}}"#, &[("mcp-param-region", "{\"a\":1}")], "the argument `region` says {"),
            (r#"{"count":9007199254740993}"#, &[("mcp-param-n", "9007199254740992")], "says 9007199254740993"),
        ];
        for (arguments, fields, words) in cases {
            let (status, code, message) = check(arguments, fields).unwrap_err();
            assert_eq!((status, code), (400, code::HEADER_MISMATCH), "{arguments} {fields:?} {message}");
            assert!(message.contains(words), "{message}");
        }
        let long = format!(r#"{{"region":"{}"}}"#, "é".repeat(1000));
        let (_, _, message) = check(&long, &[]).unwrap_err();
        assert!(message.len() < 400, "{message}");
    }

    #[test]
    fn an_argument_that_two_readers_could_read_in_two_ways_is_refused() {
        for arguments in [r#"{"region":"a","region":"b"}"#, r#"{"region":"a","Region":"b"}"#] {
            let (status, code, message) = check(arguments, &[("mcp-param-region", "a")]).unwrap_err();
            assert_eq!((status, code), (400, code::INVALID_REQUEST));
            assert!(message.starts_with("`params.arguments`: "), "{message}");
        }
    }
}
