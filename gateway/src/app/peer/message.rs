//! What a command asks, and what it hears: single messages of the 2026-07-28 era.
//!
//! Invariant: arguments and results stay the text that they are; only what surrounds them is read.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::catalogue::Mirrored;
use crate::wire::{Meta, Revision, implementation};

/// Every question is the only one on its way, so one id does for all.
const ID: u64 = 1;

/// A request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) method: &'a str,
    /// Of a tool.
    pub(crate) name: Option<&'a str>,
    pub(crate) arguments: Option<&'a RawValue>,
    /// What of them headers repeat.
    pub(crate) mirrored: Option<&'a Mirrored>,
    /// Whether progress is wanted.
    pub(crate) notices: Notices,
}

/// What may precede an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notices {
    None,
    Progress,
}

/// A message that has come in.
#[derive(Debug)]
pub(crate) enum Heard {
    Notice { method: String, params: Value },
    Result(Box<RawValue>),
    Refused(Refused),
}

/// A JSON-RPC error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Deserialize)]
#[error("{message}")]
pub(crate) struct Refused {
    pub(crate) message: String,
}

#[derive(Serialize)]
struct Request<'a> {
    jsonrpc: &'static str,
    id: u64,
    method: &'a str,
    params: Params<'a>,
}

#[derive(Serialize)]
struct Params<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<&'a RawValue>,
    #[serde(rename = "_meta")]
    meta: Value,
}

#[derive(Deserialize)]
struct Message {
    method: Option<String>,
    #[serde(default)]
    params: Value,
    result: Option<Box<RawValue>>,
    error: Option<Refused>,
}

impl<'a> Question<'a> {
    /// A request for a list.
    pub(crate) fn list(method: &'a str) -> Self {
        Self { method, name: None, arguments: None, mirrored: None, notices: Notices::None }
    }

    /// The whole message.
    pub(crate) fn text(&self) -> String {
        let mut meta = json!({
            Meta::PROTOCOL_VERSION: Revision::MODERN.as_str(),
            Meta::CLIENT_INFO: implementation(),
            Meta::CLIENT_CAPABILITIES: {},
        });
        if self.notices == Notices::Progress {
            meta["progressToken"] = ID.into();
        }
        let params = Params { name: self.name, arguments: self.arguments, meta };
        let request = Request { jsonrpc: "2.0", id: ID, method: self.method, params };
        serde_json::to_string(&request).expect("a request has string keys only")
    }
}

/// Reads one message.
///
/// # Errors
/// It is no JSON-RPC message.
pub(super) fn read(text: &[u8]) -> Result<Heard, String> {
    let message: Message = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    match message {
        Message { method: Some(method), params, .. } => Ok(Heard::Notice { method, params }),
        Message { result: Some(result), .. } => Ok(Heard::Result(result)),
        Message { error: Some(error), .. } => Ok(Heard::Refused(error)),
        Message { .. } => Err("the message is neither an answer nor a notification".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_keeps_its_arguments_as_they_were_written() {
        let arguments = RawValue::from_string(r#"{"n": 1.50, "big": 123456789012345678901}"#.to_owned()).unwrap();
        let (name, arguments) = (Some("t"), Some(&*arguments));
        let notices = Notices::Progress;
        let question = Question { method: "tools/call", name, arguments, mirrored: None, notices };
        let text = question.text();
        assert!(text.contains(r#""arguments":{"n": 1.50, "big": 123456789012345678901}"#), "{text}");
        assert!(text.contains(r#""progressToken":1"#), "{text}");
        assert!(!Question { notices: Notices::None, ..question }.text().contains("progressToken"));
    }

    #[test]
    fn answers_errors_and_notices_are_told_apart() {
        let heard = |text: &str| read(text.as_bytes());
        let result = heard(r#" {"jsonrpc":"2.0","id":1,"result":{"n":1.50}}"#);
        assert!(matches!(result, Ok(Heard::Result(raw)) if raw.get() == r#"{"n":1.50}"#));
        let error = heard(r#"{"jsonrpc":"2.0","id":null,"error":{"code":-1,"message":"no"}}"#);
        assert!(matches!(error, Ok(Heard::Refused(Refused { message })) if message == "no"));
        let notice = heard(r#"{"jsonrpc":"2.0","method":"m","params":{"a":1}}"#);
        assert!(matches!(notice, Ok(Heard::Notice { method, params }) if method == "m" && params["a"] == 1));
        assert!(heard("{}").is_err() && heard("hello").is_err());
    }
}
