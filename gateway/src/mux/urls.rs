//! A legacy shard that wants the person to go to some URLs before a call (2025-11-25, client/elicitation, "URL Elicitation
//! Required Error"), for clients of the modern era, which has no such error.
//!
//! Invariant: the shard has not run the call, so nothing is kept here: the client makes the call again when the person has been
//! there, and the keys of what it was asked say that it was asked by the gateway.

use bytes::Bytes;
use serde_json::{Map, json};

use super::client::Client;
use super::route::may_need_input;
use crate::wire::{Capabilities, Era, Fault, Params, Raw, code};

/// So many are passed on at once.
const MOST: usize = 16;
/// What the keys of our questions begin with.
const KEYS: &str = "mcp_gateway_url_";

/// The result that asks the client to send the person there, if it can, for the error of a legacy shard.
pub(super) fn round(error: &Bytes, method: &str, from: Era, client: &Client) -> Option<Bytes> {
    let crosses = (from, client.revision.era()) == (Era::Legacy, Era::Modern);
    if !crosses || !may_need_input(method) || !client.capabilities.has(Capabilities::ELICITATION_URL) {
        return None;
    }
    let raw = Raw::parse(error).ok()?;
    if Fault::code_of(raw) != Some(code::URL_ELICITATION_REQUIRED) {
        return None;
    }
    let mut requests = Map::new();
    for (at, elicitation) in wanted(raw)?.elements().take(MOST).enumerate() {
        let text = |key: &str| Some(elicitation.get(key)?.string()?.into_owned());
        let params = json!({"mode": "url", "url": text("url")?, "message": text("message").unwrap_or_default()});
        requests.insert(format!("{KEYS}{}", at + 1), json!({"method": "elicitation/create", "params": params}));
    }
    Some(json!({"resultType": "input_required", "inputRequests": requests}).to_string().into())
}

/// Where the person is to go, if the error says it.
pub(super) fn wanted(error: Raw<'_>) -> Option<Raw<'_>> {
    let elicitations = error.get("data")?.get("elicitations")?;
    let has_url = |one: Raw<'_>| one.get("url").is_some_and(|url| url.string().is_some());
    (elicitations.elements().next().is_some() && elicitations.elements().all(has_url)).then_some(elicitations)
}

/// Whether these are answers to our questions alone: the shard has not run what they go on with.
pub(super) fn are_ours(answers: Raw<'_>) -> bool {
    answers.members().next().is_some() && answers.members().all(|answer| answer.key().starts_with(KEYS))
}

/// The answer to a call that is made again although the person has not agreed to go there: the shard would only say the same
/// again, and the person would be asked for ever.
pub(super) fn declined(method: &str, params: &Params<'_>) -> Option<Result<Bytes, Fault>> {
    let answers = params.input_responses?;
    let ours = |key: &str| key.starts_with(KEYS);
    let agreed = |answer: Raw<'_>| answer.get("action").and_then(Raw::string).as_deref() == Some("accept");
    if !answers.members().any(|answer| ours(&answer.key()) && !agreed(answer.value)) {
        return None;
    }
    let message = "the call did not run: the person has not agreed to go to the URL that it needs";
    Some(match method {
        "tools/call" => {
            let content = json!([{"type": "text", "text": message}]);
            Ok(json!({"resultType": "complete", "content": content, "isError": true}).to_string().into())
        }
        _ => Err(Fault::new(code::INTERNAL, message)),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::Value;

    use super::*;
    use crate::mux::{ClientKey, Principal};
    use crate::wire::Revision;

    const ERROR: &str = concat!(
        r#"{"code":-32042,"message":"log in","data":{"elicitations":[{"mode":"url","elicitationId":"1","#,
        r#""url":"https://a/","message":"here"},{"mode":"url","elicitationId":"2","url":"https://b/"}]}}"#
    );

    fn client(revision: Revision, capabilities: Capabilities) -> Client {
        let (key, info) = (ClientKey(1), Arc::from("{}"));
        Client { key, principal: Principal::Passing, revision, info, capabilities, level: None }
    }

    #[test]
    fn urls_that_a_legacy_shard_demands_become_a_round_of_input() {
        let (able, error) = (client(Revision::MODERN, Capabilities::ELICITATION_URL), Bytes::from(ERROR));
        let asked = round(&error, "tools/call", Era::Legacy, &able).unwrap();
        let expected = json!({"resultType": "input_required", "inputRequests": {
            "mcp_gateway_url_1":
                {"method": "elicitation/create", "params": {"mode": "url", "url": "https://a/", "message": "here"}},
            "mcp_gateway_url_2":
                {"method": "elicitation/create", "params": {"mode": "url", "url": "https://b/", "message": ""}},
        }});
        assert_eq!(serde_json::from_slice::<Value>(&asked).unwrap(), expected);
        let none = |method: &str, from: Era, client: &Client| {
            assert_eq!(round(&error, method, from, client), None, "{method} {from:?} {client:?}");
        };
        none("completion/complete", Era::Legacy, &able);
        none("tools/call", Era::Modern, &able);
        none("tools/call", Era::Legacy, &client(Revision::MODERN, Capabilities::ELICITATION));
        none("tools/call", Era::Legacy, &client(Revision::LATEST_LEGACY, Capabilities::ELICITATION_URL));
        for other in [
            r#"{"code":-32041,"data":{"elicitations":[{"url":"https://a/"}]}}"#,
            r#"{"code":-32042}"#,
            r#"{"code":-32042,"data":{"elicitations":[]}}"#,
            r#"{"code":-32042,"data":{"elicitations":[{"url":7}]}}"#,
        ] {
            assert_eq!(round(&Bytes::from(other), "tools/call", Era::Legacy, &able), None, "{other}");
        }
    }

    #[test]
    fn who_declines_is_not_asked_again() {
        let told = |method: &str, params: &str| {
            declined(method, &Params::read(Some(Raw::parse(params.as_bytes()).unwrap())).unwrap())
        };
        let refused =
            r#"{"inputResponses":{"mcp_gateway_url_1":{"action":"accept"},"mcp_gateway_url_2":{"action":"decline"}}}"#;
        let result = told("tools/call", refused).unwrap().unwrap();
        let result: Value = serde_json::from_slice(&result).unwrap();
        assert_eq!((&result["isError"], &result["resultType"]), (&json!(true), &json!("complete")));
        assert_eq!(told("prompts/get", refused).unwrap().unwrap_err().code, code::INTERNAL);
        for other in [
            "{}",
            r#"{"inputResponses":{"mcp_gateway_url_1":{"action":"accept"}}}"#,
            r#"{"inputResponses":{"url_1":{"action":"decline"}}}"#,
            r#"{"inputResponses":7}"#,
        ] {
            assert!(told("tools/call", other).is_none(), "{other}");
        }
    }
}
