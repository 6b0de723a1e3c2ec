//! What became of a call.
//!
//! Invariant: an answer counts as right only if it carries the id and the token of its own call.

use memchr::memmem::find_iter;
use serde::Deserialize;
use serde_json::Value;

use super::Response;

/// What must precede the answer to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notices {
    /// Nothing.
    None,
    /// One progress notification, with the call's own token.
    One,
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Its own token came back.
    Echoed,
    /// A well-formed error came back for it; its text.
    Refused(String),
    /// The answer is another call's, or is not well-formed; what is wrong.
    Wrong(String),
    /// There was no answer; why.
    Lost(String),
}

/// How the shard writes it, but for the token, which the gateway puts back.
const TOLD: &str = r#""method":"notifications/progress","params":{"progressToken":7,"progress":1}"#;

#[derive(Deserialize)]
struct Answer<'a> {
    jsonrpc: &'a str,
    id: Value,
    #[serde(borrow)]
    result: Option<Called<'a>>,
    error: Option<Failed>,
}

#[derive(Deserialize)]
struct Called<'a> {
    #[serde(borrow)]
    content: Vec<Piece<'a>>,
    #[serde(default, rename = "isError")]
    is_error: bool,
}

#[derive(Deserialize)]
struct Piece<'a> {
    #[serde(borrow)]
    text: std::borrow::Cow<'a, str>,
}

#[derive(Deserialize)]
struct Failed {
    code: i64,
    message: String,
}

impl Outcome {
    /// Judges the answer to the call with that id and token.
    pub fn of(response: &Response, id: u64, token: &str, notices: Notices) -> Self {
        if notices == Notices::One && find_iter(&response.body, TOLD.as_bytes()).count() != 1 {
            return Self::Wrong(shown(response, "not exactly its one notification of progress"));
        }
        let Some(message) = response.message() else { return Self::Wrong(shown(response, "no message")) };
        let answer: Answer<'_> = match serde_json::from_slice(message) {
            Ok(answer) => answer,
            Err(error) => return Self::Wrong(shown(response, &error.to_string())),
        };
        if answer.jsonrpc != "2.0" || answer.id != id {
            return Self::Wrong(shown(response, &format!("not the answer to {id}")));
        }
        match (answer.result, answer.error) {
            (Some(Called { content, is_error: false }), None) => match &content[..] {
                [piece] if piece.text == token && response.status == 200 => Self::Echoed,
                _ => Self::Wrong(shown(response, &format!("not the token {token}"))),
            },
            (Some(Called { content, is_error: true }), None) => {
                Self::Refused(content.iter().map(|piece| &*piece.text).collect::<Vec<_>>().join("\n"))
            }
            (None, Some(Failed { code, message })) => Self::Refused(format!("{code}: {message}")),
            _ => Self::Wrong(shown(response, "neither a result nor an error")),
        }
    }

    /// Whether it is what a run without faults may see only.
    pub fn is_right(&self) -> bool {
        matches!(self, Self::Echoed)
    }
}

fn shown(response: &Response, fault: &str) -> String {
    let text = String::from_utf8_lossy(&response.body);
    format!("{fault}: status {}, {}", response.status, text.chars().take(300).collect::<String>())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use hyper::HeaderMap;
    use hyper::header::{CONTENT_TYPE, HeaderValue};

    use super::*;
    use crate::rig::client::PROGRESS;

    fn judged(kind: &'static str, body: &'static str) -> Outcome {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        Outcome::of(
            &Response { status: 200, headers, body: Bytes::from_static(body.as_bytes()) },
            7,
            "t",
            Notices::None,
        )
    }

    #[test]
    fn only_the_own_id_and_token_are_right() {
        let json = |body| judged("application/json", body);
        assert_eq!(
            json(r#"{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":"t"}]}}"#),
            Outcome::Echoed
        );
        for wrong in [
            r#"{"jsonrpc":"2.0","id":8,"result":{"content":[{"type":"text","text":"t"}]}}"#,
            r#"{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":"u"}]}}"#,
            r#"{"jsonrpc":"2.0","id":7,"result":{"content":[]}}"#,
            r#"{"jsonrpc":"2.0","id":7}"#,
            r#"{"jsonrpc":"2.0","id":7,"#,
            "",
        ] {
            assert!(matches!(json(wrong), Outcome::Wrong(_)), "{wrong}");
        }
    }

    #[test]
    fn a_call_without_its_progress_or_with_anothers_is_wrong() {
        let answer = r#"{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":"t"}]}}"#;
        let told = |token: u64| {
            let params = format!(r#"{{"progressToken":{token},"progress":1}}"#);
            let body = format!(
                "data: {{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{params}}}\n\ndata: {answer}\n\n"
            );
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
            Outcome::of(&Response { status: 200, headers, body: body.into() }, 7, "t", Notices::One)
        };
        assert_eq!(told(PROGRESS), Outcome::Echoed);
        assert!(matches!(told(8), Outcome::Wrong(_)));
    }

    #[test]
    fn errors_of_both_kinds_are_refusals_with_their_text() {
        let tool = r#"{"jsonrpc":"2.0","id":7,"result":{"isError":true,"content":[{"type":"text","text":"down"}]}}"#;
        assert_eq!(judged("application/json", tool), Outcome::Refused("down".into()));
        let rpc = r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32603,"message":"down"}}"#;
        assert_eq!(judged("application/json", rpc), Outcome::Refused("-32603: down".into()));
    }

    #[test]
    fn the_last_event_of_a_stream_is_the_answer() {
        let stream = ": a comment\n\ndata: {\"jsonrpc\":\"2.0\"}\n\ndata: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"t\"}]}}\n\n";
        assert_eq!(judged("text/event-stream", stream), Outcome::Echoed);
    }
}
