//! Why a tool did not do what it was asked: one shape for all eight tools.
//!
//! A failure is a tool result and not a protocol error, so that the model reads it and can act on
//! the hint. Nothing secret is ever put into one.

use std::fmt;

use rmcp::ErrorData;
use rmcp::handler::server::tool::IntoCallToolResult;
use rmcp::model::{CallToolResponse, CallToolResult, ContentBlock};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The kinds of failure. A client may branch on these, so a name is never changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Code {
    InvalidInput,
    NameConflict,
    RuleConflict,
    NotFound,
    NotManaged,
    InUse,
    PreconditionFailed,
    TreeBroken,
    ApiUnreachable,
    ApiUnauthorized,
    ApiNotFound,
    ApiError,
    NotApplied,
    RejectedByTraefik,
    DeletedButStillLive,
    ReadOnly,
    NotConfigured,
    Busy,
    IoError,
    DocsUnreachable,
    DocsNotFound,
}

/// A refusal or a fault, with the way out.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Failure {
    code: Code,
    message: String,
    hint: String,
    /// Boxed, so that a `Result` that is passed on everywhere stays small.
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Box<Map<String, Value>>>,
}

impl Failure {
    /// `message` says what is wrong, `hint` what to do about it; both without a full stop.
    pub(crate) fn new(code: Code, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: hint.into(), details: None }
    }

    /// Adds one fact for programs, such as the findings behind a refusal.
    pub(crate) fn with(mut self, key: &str, value: impl Serialize) -> Self {
        self.details.get_or_insert_default().insert(key.to_owned(), json!(value));
        self
    }

    /// What kind of failure this is.
    pub(crate) fn code(&self) -> Code {
        self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = json!(self.code);
        write!(f, "{}: {}; {}", code.as_str().unwrap_or_default(), self.message, self.hint)
    }
}

impl IntoCallToolResult for Failure {
    fn into_call_tool_result(self) -> Result<CallToolResponse, ErrorData> {
        let mut result = CallToolResult::error(vec![ContentBlock::text(self.to_string())]);
        result.structured_content = Some(json!(self));
        Ok(result.into())
    }
}
