//! JSON-RPC envelopes: what a message is, told from its top-level keys alone.
//!
//! Invariant: strict on shape, tolerant where peers err without harm (an `"error": null` beside a result, ids written as
//! `7.0` or `"7"`, error codes outside 32 bits): what is tolerated has one meaning only.

use std::borrow::Cow;

use crate::wire::{Ambiguous, Kind, Malformed, Raw, read_object};

/// A request id, kept as the text that the peer wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Id<'a>(Raw<'a>);

impl<'a> Id<'a> {
    /// Takes a string or a number for an id.
    pub fn read(id: Raw<'a>) -> Option<Self> {
        readable(id).ok().flatten()
    }

    /// The id as JSON text, to be echoed.
    pub fn as_str(self) -> &'a str {
        self.0.as_str()
    }

    /// Equal for ids that mean the same, however they are written (`7` and `7.0`, but not `7` and `"7"`).
    pub fn key(self) -> String {
        match (self.0.string(), self.0.unsigned()) {
            (Some(text), _) => format!("\"{text}"),
            (None, Some(number)) => number.to_string(),
            (None, None) => self.0.as_str().to_owned(),
        }
    }

    /// The number that we sent as an id, also when it comes back as `7.0` or `"7"`.
    pub fn ours(self) -> Option<u64> {
        self.0.unsigned().or_else(|| self.0.string()?.parse().ok())
    }
}

/// One JSON-RPC message.
#[derive(Debug, Clone)]
pub enum Message<'a> {
    /// Wants an answer.
    Request(Request<'a>),
    /// Wants none.
    Notification(Notification<'a>),
    /// Is one.
    Response(Response<'a>),
}

/// A request; `params` is an object if it is there.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// A string or a number.
    pub id: Id<'a>,
    /// The method, unescaped.
    pub method: Cow<'a, str>,
    /// The parameters.
    pub params: Option<Raw<'a>>,
}

/// A notification; `params` is an object if it is there.
#[derive(Debug, Clone)]
pub struct Notification<'a> {
    /// The method, unescaped.
    pub method: Cow<'a, str>,
    /// The parameters.
    pub params: Option<Raw<'a>>,
}

/// The answer to a request.
#[derive(Debug, Clone, Copy)]
pub struct Response<'a> {
    /// Which request; `None` for `null`, when the peer could not read ours.
    pub id: Option<Id<'a>>,
    /// What came of it.
    pub outcome: Outcome<'a>,
}

/// The payload of a response.
#[derive(Debug, Clone, Copy)]
pub enum Outcome<'a> {
    /// An object.
    Result(Raw<'a>),
    /// An object with a `code`.
    Error(Raw<'a>),
}

/// A message that cannot be relayed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is no JSON.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// It is no JSON-RPC 2.0 message.
    #[error("{0}")]
    Shape(&'static str),
    /// It can be read in two ways.
    #[error(transparent)]
    Ambiguous(#[from] Ambiguous),
}

impl<'a> Message<'a> {
    /// Reads the envelope of one message.
    ///
    /// # Errors
    /// [`Unreadable`] if it has not the shape of one request, notification or response.
    pub fn read(message: Raw<'a>) -> Result<Self, Unreadable> {
        const KEYS: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];
        if message.kind() != Kind::Object {
            return Err(Unreadable::Shape("a message must be an object"));
        }
        let [jsonrpc, id, method, params, result, error] = read_object(message, &KEYS)?;
        if jsonrpc.and_then(Raw::string).as_deref() != Some("2.0") {
            return Err(Unreadable::Shape("`jsonrpc` must be \"2.0\""));
        }
        let error = error.filter(|error| error.kind() != Kind::Null);
        let result = if error.is_some() { result.filter(|result| result.kind() != Kind::Null) } else { result };
        let Some(method) = method else { return Self::response(id, result, error) };
        if result.is_some() || error.is_some() {
            return Err(Unreadable::Shape("a message with a `method` has no `result` or `error`"));
        }
        let method = method.string().ok_or(Unreadable::Shape("`method` must be a string"))?;
        let params = params.filter(|params| params.kind() != Kind::Null);
        if params.is_some_and(|params| params.kind() != Kind::Object) {
            return Err(Unreadable::Shape("`params` must be an object"));
        }
        match id {
            None => Ok(Self::Notification(Notification { method, params })),
            Some(id) => {
                let id = readable(id)?.ok_or(Unreadable::Shape("the `id` of a request must not be null"))?;
                Ok(Self::Request(Request { id, method, params }))
            }
        }
    }

    fn response(id: Option<Raw<'a>>, result: Option<Raw<'a>>, error: Option<Raw<'a>>) -> Result<Self, Unreadable> {
        let outcome = match (result, error) {
            (Some(result), None) if result.kind() == Kind::Object => Outcome::Result(result),
            (Some(_), None) => return Err(Unreadable::Shape("`result` must be an object")),
            (None, Some(error)) if error.kind() == Kind::Object => Outcome::Error(error),
            (None, Some(_)) => return Err(Unreadable::Shape("`error` must be an object")),
            (Some(_), Some(_)) => return Err(Unreadable::Shape("a response has a `result` or an `error`, not both")),
            (None, None) => return Err(Unreadable::Shape("a message needs a `method`, a `result` or an `error`")),
        };
        let id = id.ok_or(Unreadable::Shape("a response needs an `id`"))?;
        Ok(Self::Response(Response { id: readable(id)?, outcome }))
    }
}

fn readable(id: Raw<'_>) -> Result<Option<Id<'_>>, Unreadable> {
    match id.kind() {
        Kind::Null => Ok(None),
        Kind::Number => Ok(Some(Id(id))),
        Kind::String if id.string().is_some() => Ok(Some(Id(id))),
        _ => Err(Unreadable::Shape("`id` must be a string or a number")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::wire::arbitrary::{key, member, object_text, value};

    fn told(text: &str) -> String {
        let raw = match Raw::parse(text.as_bytes()) {
            Ok(raw) => raw,
            Err(fault) => return fault.to_string(),
        };
        match Message::read(raw) {
            Ok(Message::Request(request)) => format!("request {} {}", request.id.key(), request.method),
            Ok(Message::Notification(notification)) => format!("notification {}", notification.method),
            Ok(Message::Response(Response { id, outcome: Outcome::Result(result) })) => {
                format!("result {:?} {}", id.and_then(Id::ours), result.as_str())
            }
            Ok(Message::Response(Response { id, outcome: Outcome::Error(error) })) => {
                format!("error {:?} {}", id.and_then(Id::ours), error.as_str())
            }
            Err(fault) => fault.to_string(),
        }
    }

    #[test]
    fn each_message_is_told_by_its_shape() {
        let cases = [
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, "request 1 ping"),
            (r#"{"jsonrpc":"2.0","id":"a","method":"ping","params":null}"#, "request \"a ping"),
            (r#"{"jsonrpc":"2.0","method":"x","params":{}}"#, "notification x"),
            (r#"{"jsonrpc":"2.0","id":7,"result":{}}"#, "result Some(7) {}"),
            (r#"{"jsonrpc":"2.0","id":null,"error":{"code":1}}"#, r#"error None {"code":1}"#),
        ];
        for (text, expected) in cases {
            assert_eq!(told(text), expected, "{text}");
        }
    }

    #[test]
    fn harmless_slips_of_peers_are_tolerated() {
        let cases = [
            (r#"{"jsonrpc":"2.0","id":7.0,"result":{}}"#, "result Some(7) {}"),
            (r#"{"jsonrpc":"2.0","id":"7","result":{},"error":null}"#, "result Some(7) {}"),
            (r#"{"jsonrpc":"2.0","id":7,"result":null,"error":{"code":1}}"#, r#"error Some(7) {"code":1}"#),
            (r#"{"jsonrpc":"2.0","id":7,"error":{"code":99999999999}}"#, r#"error Some(7) {"code":99999999999}"#),
        ];
        for (text, expected) in cases {
            assert_eq!(told(text), expected, "{text}");
        }
    }

    fn envelope() -> impl Strategy<Value = String> {
        let keys = prop_oneof![
            8 => "\"(jsonrpc|id|method|params|result|error)\"",
            1 => Just("\"meth\\u006fd\"".to_owned()),
            1 => key(),
        ];
        let values = prop_oneof![3 => Just("\"2.0\"".to_owned()), 3 => "[1-9]|\"[a-c]\"|\\{\\}|null", 1 => value()];
        vec(member(keys, values), 0..6).prop_map(|members| object_text(&members))
    }

    proptest! {
        #[test]
        fn what_is_taken_has_one_reading(text in prop_oneof![9 => envelope(), 1 => value()]) {
            let raw = Raw::parse(text.as_bytes()).unwrap();
            let Ok(message) = Message::read(raw) else { return Ok(()) };
            for key in ["jsonrpc", "id", "method", "params", "result", "error"] {
                let alike = raw.members().filter(|member| member.key().eq_ignore_ascii_case(key));
                prop_assert!(alike.count() <= 1, "{}", text);
            }
            let member = |key: &str| raw.get(key).filter(|value| value.kind() != Kind::Null);
            prop_assert_eq!(member("jsonrpc").unwrap().string().unwrap(), "2.0");
            let (id, method, params, outcome) = match &message {
                Message::Request(Request { id, method, params }) => (Some(*id), Some(method), *params, [None, None]),
                Message::Notification(Notification { method, params }) => (None, Some(method), *params, [None, None]),
                Message::Response(Response { id, outcome: Outcome::Result(result) }) => {
                    (*id, None, member("params"), [Some(*result), None])
                }
                Message::Response(Response { id, outcome: Outcome::Error(error) }) => {
                    (*id, None, member("params"), [None, Some(*error)])
                }
            };
            prop_assert_eq!(id.map(Id::as_str), member("id").map(Raw::as_str));
            prop_assert_eq!(method.cloned(), member("method").and_then(Raw::string));
            prop_assert_eq!(params, member("params"));
            prop_assert_eq!(outcome, [member("result"), member("error")]);
        }
    }

    #[test]
    fn any_other_shape_is_refused() {
        let cases = [
            ("[]", "a message must be an object"),
            (r#"{"id":1,"method":"x"}"#, "`jsonrpc` must be \"2.0\""),
            (r#"{"jsonrpc":"2.0","id":null,"method":"x"}"#, "the `id` of a request must not be null"),
            (r#"{"jsonrpc":"2.0","id":[1],"method":"x"}"#, "`id` must be a string or a number"),
            (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, "`method` must be a string"),
            (r#"{"jsonrpc":"2.0","id":1,"method":"x","params":[1]}"#, "`params` must be an object"),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"x","result":{}}"#,
                "a message with a `method` has no `result` or `error`",
            ),
            (r#"{"jsonrpc":"2.0","id":1,"result":[]}"#, "`result` must be an object"),
            (r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#, "a response has a `result` or an `error`, not both"),
            (r#"{"jsonrpc":"2.0","id":1}"#, "a message needs a `method`, a `result` or an `error`"),
            (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"x"}"#, "duplicate key `id`"),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"x","Method":"y"}"#,
                "key `Method` differs from `method` in case only",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(told(text), expected, "{text}");
        }
    }
}
