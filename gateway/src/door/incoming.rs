//! What a client sent, from bytes to messages, and which era it speaks.
//!
//! Invariant: every message passes here, on every door: half a surrogate pair, a second reading of an interpreted key
//! and a batch over the bound are refused before anything acts on them.

use axum::http::StatusCode;

use crate::door::refusal::Refused;
use crate::tasks::work_on;
use crate::wire::{
    Era, Fault, Kind, Malformed, Message, Meta, Params, Raw, Request, Revision, Unreadable, code, read_object,
};

/// The most messages in one array.
pub(crate) const MAX_BATCH: usize = 100;
/// The longest id and the longest progress token, as JSON text. Both are kept while their call runs, and repeated.
const MAX_TAG: usize = 1024;

/// Reads bytes as JSON.
pub(crate) fn parse(bytes: &[u8]) -> Result<Raw<'_>, Refused> {
    work_on(bytes.len(), || Raw::parse(bytes)).map_err(|malformed| unreadable(&malformed))
}

/// Reads one message.
pub(crate) fn message(raw: Raw<'_>) -> Result<Message<'_>, Refused> {
    if let Some(at) = raw.lone_surrogate() {
        return Err(unreadable(&Malformed::LoneSurrogate(at)).of(id_of(raw)));
    }
    Message::read(raw).map_err(|error| match error {
        Unreadable::Malformed(malformed) => unreadable(&malformed),
        error => Refused::invalid(error.to_string()).of(id_of(raw)),
    })
}

/// Reads an array of messages; each is good or bad by itself.
pub(crate) fn batch(raw: Raw<'_>, revision: Revision) -> Result<Vec<Result<Message<'_>, Refused>>, Refused> {
    if revision != Revision::V2025_03_26 {
        return Err(no_batches(revision));
    }
    match raw.elements().take(MAX_BATCH + 1).count() {
        0 => Err(Refused::invalid("an empty array holds no message")),
        count if count > MAX_BATCH => Err(Refused::invalid(format!("an array holds at most {MAX_BATCH} messages"))),
        _ => Ok(raw.elements().map(message).collect()),
    }
}

/// Only one revision has arrays.
pub(crate) fn no_batches(revision: Revision) -> Refused {
    Refused::invalid(format!("revision {} has no arrays of messages: send each message by itself", revision.as_str()))
}

/// Reads what is interpreted of a request's parameters.
pub(crate) fn params<'a>(request: &Request<'a>) -> Result<Params<'a>, Refused> {
    let id = request.id.as_str();
    if id.len() > MAX_TAG {
        return Err(Refused::invalid(format!("the `id` is longer than {MAX_TAG} bytes")));
    }
    let params = Params::read(request.params).map_err(|error| Refused::invalid(error.to_string()).of(id))?;
    if params.meta.progress_token.is_some_and(|token| token.as_str().len() > MAX_TAG) {
        return Err(Refused::invalid(format!("the `progressToken` is longer than {MAX_TAG} bytes")).of(id));
    }
    Ok(params)
}

/// Which era a message speaks, by its `_meta` and its `MCP-Protocol-Version` header, if the door has headers.
///
/// Only a modern client writes a revision into `_meta`, so one that we do not know is modern there. In the header it is
/// modern only if it is newer than all that we know.
pub(crate) fn era(meta: &Meta<'_>, header: Option<&str>) -> Era {
    let modern = match (meta.protocol_version, header) {
        (Some(version), _) => version
            .string()
            .and_then(|version| Revision::parse(&version))
            .is_none_or(|known| known.era() == Era::Modern),
        (None, Some(version)) => version >= Revision::MODERN.as_str(),
        (None, None) => false,
    };
    if modern { Era::Modern } else { Era::Legacy }
}

fn unreadable(malformed: &Malformed) -> Refused {
    let code = match malformed {
        Malformed::NotUtf8(_) | Malformed::Grammar(_) => code::PARSE,
        Malformed::TooDeep | Malformed::LoneSurrogate(_) => code::INVALID_REQUEST,
    };
    Refused::new(StatusCode::BAD_REQUEST, Fault::new(code, malformed.to_string()))
}

/// The id of a message that is refused, if there is exactly one and it can be echoed.
fn id_of(raw: Raw<'_>) -> &str {
    let id = read_object(raw, &["id"]).ok().and_then(|[id]| id);
    id.filter(|id| id.kind() == Kind::Number || id.string().is_some()).map_or("null", Raw::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &[u8]) -> (u16, i64, String) {
        let refused = parse(text).and_then(message).unwrap_err();
        let (status, code, id, _) = refused.told();
        (status, code, id.to_owned())
    }

    #[test]
    fn what_cannot_be_relayed_is_refused_with_its_id_if_it_has_one() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        let cases: [(&[u8], i64, &str); 9] = [
            (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":", code::PARSE, "null"),
            (b"{\"id\":1,\"x\":\"\xff\"}", code::PARSE, "null"),
            (deep.as_bytes(), code::INVALID_REQUEST, "null"),
            (br#"{"jsonrpc":"2.0","id":7,"method":"x","params":{"a":"\ud83d"}}"#, code::INVALID_REQUEST, "7"),
            (br#"{"jsonrpc":"2.0","id":"\ud83d","method":"x"}"#, code::INVALID_REQUEST, "null"),
            (br#"{"id":"a","method":"x"}"#, code::INVALID_REQUEST, "\"a\""),
            (br#"{"jsonrpc":"2.0","id":1,"id":2,"method":"x"}"#, code::INVALID_REQUEST, "null"),
            (br#"{"jsonrpc":"2.0","id":{},"method":"x"}"#, code::INVALID_REQUEST, "null"),
            (b"7", code::INVALID_REQUEST, "null"),
        ];
        for (text, code, id) in cases {
            assert_eq!(
                refused(text),
                (400, code, id.to_owned()),
                "{}",
                String::from_utf8_lossy(&text[..text.len().min(90)])
            );
        }
    }

    #[test]
    fn a_second_reading_of_a_parameter_is_refused_with_the_id() {
        let raw = parse(br#"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"a","Name":"b"}}"#).unwrap();
        let Ok(Message::Request(request)) = message(raw) else { panic!() };
        let error = params(&request).unwrap_err();
        assert_eq!(error.told(), (400, code::INVALID_REQUEST, "3", "key `Name` differs from `name` in case only"));
    }

    #[test]
    fn an_array_is_bounded_and_not_empty() {
        let count = |length: usize| {
            let text = format!("[{}]", vec!["{}"; length].join(","));
            batch(parse(text.as_bytes()).unwrap(), Revision::V2025_03_26).map(|messages| messages.len()).ok()
        };
        assert_eq!(
            [count(0), count(1), count(MAX_BATCH), count(MAX_BATCH + 1)],
            [None, Some(1), Some(MAX_BATCH), None]
        );
        let refused = batch(parse(b"[{}]").unwrap(), Revision::V2025_06_18).unwrap_err();
        assert_eq!(refused.told().1, code::INVALID_REQUEST);
    }

    #[test]
    fn the_era_is_told_per_message() {
        let check = |meta: Option<&str>, header: Option<&str>, expected| {
            let raw = meta.map(|text| parse(text.as_bytes()).unwrap());
            let meta = Meta { protocol_version: raw, ..Meta::default() };
            assert_eq!(era(&meta, header), expected, "{raw:?} {header:?}");
        };
        check(None, None, Era::Legacy);
        check(None, Some("2025-03-26"), Era::Legacy);
        check(None, Some("1.0"), Era::Legacy);
        check(None, Some("2026-07-28"), Era::Modern);
        check(None, Some("2031-01-01"), Era::Modern);
        check(Some("\"2026-07-28\""), None, Era::Modern);
        check(Some("\"v999.0.0\""), Some("2025-11-25"), Era::Modern);
        check(Some("\"1900-01-01\""), None, Era::Modern);
        check(Some("7"), None, Era::Modern);
        check(Some("\"2025-11-25\""), Some("2025-11-25"), Era::Legacy);
    }
}
