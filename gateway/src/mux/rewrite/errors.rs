//! Errors of shards for clients of another era.
//!
//! Invariant: a modern client never sees a code that its revision gives another meaning, or forbids (2026-07-28, basic,
//! "Error Codes"): it would act on what the shard has not said, and make the call again, say.

use bytes::Bytes;
use serde_json::json;

use super::edited;
use crate::mux::route::Route;
use crate::mux::urls;
use crate::wire::{Edit, Era, Fault, Raw, code};

/// The codes that the modern revision has kept for itself.
const RESERVED: std::ops::RangeInclusive<i64> = -32099..=-32020;

/// An error for a client of another era, and its code. A resource that is not there is -32002 in the legacy era and -32602
/// with the uri in the modern one.
pub(in crate::mux) fn error(error: &Bytes, route: &Route, from: Era, to: Era) -> (String, i64) {
    let Ok(raw) = Raw::parse(error) else {
        let fault = Fault::new(code::INTERNAL, "the shard's error cannot be read");
        return (fault.to_json(), fault.code);
    };
    // A code outside of 64 bits is still an error; it is passed on as it was written.
    let number = Fault::code_of(raw).unwrap_or(code::INTERNAL);
    let coded = |code: i64| (edited(raw, &[Edit::Set("code", &code.to_string())]), code);
    let reads = &*route.method == "resources/read";
    match (from, to, number) {
        (Era::Legacy, Era::Modern, code::RESOURCE_NOT_FOUND) if reads => {
            let data = json!({"uri": route.uri.as_deref()}).to_string();
            let code = code::INVALID_PARAMS.to_string();
            let mut edits = vec![Edit::Set("code", &code)];
            if raw.get("data").is_none_or(|data| data.get("uri").is_none()) {
                edits.push(Edit::Set("data", &data));
            }
            (edited(raw, &edits), code::INVALID_PARAMS)
        }
        (Era::Legacy, Era::Modern, code::URL_ELICITATION_REQUIRED) if urls::wanted(raw).is_some() => {
            let needed = json!({"requiredCapabilities": {"elicitation": {"url": {}}}});
            let message = raw.get("message").and_then(Raw::string).unwrap_or_default();
            let message = format!("it takes a client that can send the person to a URL: {message}");
            let fault = Fault::new(code::MISSING_CAPABILITY, message).with_data(needed);
            (fault.to_json(), fault.code)
        }
        (Era::Legacy, Era::Modern, code::RESOURCE_NOT_FOUND) => coded(code::INTERNAL),
        (Era::Legacy, Era::Modern, number) if RESERVED.contains(&number) => coded(code::INTERNAL),
        (Era::Modern, Era::Legacy, code::INVALID_PARAMS)
            if reads && raw.get("data").is_some_and(|data| data.get("uri").is_some()) =>
        {
            coded(code::RESOURCE_NOT_FOUND)
        }
        _ => (String::from_utf8_lossy(error).into_owned(), number),
    }
}
