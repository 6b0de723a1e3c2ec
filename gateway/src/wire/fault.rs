//! JSON-RPC errors that the gateway itself raises.

use serde_json::{Value, json};

use crate::wire::Raw;

/// Error codes by the names of JSON-RPC 2.0 and of the MCP revisions.
pub mod code {
    /// The bytes are no JSON.
    pub const PARSE: i64 = -32700;
    /// The JSON is no JSON-RPC message that may be relayed.
    pub const INVALID_REQUEST: i64 = -32600;
    /// Nobody here serves the method.
    pub const METHOD_NOT_FOUND: i64 = -32601;
    /// The method's parameters are wrong, or name what does not exist.
    pub const INVALID_PARAMS: i64 = -32602;
    /// The gateway or the shard behind it failed.
    pub const INTERNAL: i64 = -32603;
    /// Legacy era: no such resource. The modern era says [`INVALID_PARAMS`].
    pub const RESOURCE_NOT_FOUND: i64 = -32002;
    /// 2025-11-25: the person must go to some URLs before.
    pub const URL_ELICITATION_REQUIRED: i64 = -32042;
    /// Modern era: a header is missing or does not match the body.
    pub const HEADER_MISMATCH: i64 = -32020;
    /// Modern era: the request needs a capability that the client did not declare.
    pub const MISSING_CAPABILITY: i64 = -32021;
    /// Modern era: the revision is not spoken here.
    pub const UNSUPPORTED_VERSION: i64 = -32022;
}

/// A JSON-RPC error object that is answered to a client.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message} ({code})")]
pub struct Fault {
    /// One of [`code`].
    pub code: i64,
    /// What happened and the way out, for a person.
    pub message: String,
    /// Facts for a program, if there are any.
    pub data: Option<Value>,
}

impl Fault {
    /// A fault without data.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// The same fault with facts for a program.
    #[must_use]
    pub fn with_data(self, data: Value) -> Self {
        Self { data: Some(data), ..self }
    }

    /// The code in a peer's error object, if it fits into 64 bits.
    pub fn code_of(error: Raw<'_>) -> Option<i64> {
        error.get("code")?.as_str().parse().ok()
    }

    /// The error object as JSON text.
    pub fn to_json(&self) -> String {
        let mut object = json!({"code": self.code, "message": self.message});
        if let Some(data) = &self.data {
            object["data"] = data.clone();
        }
        object.to_string()
    }
}

#[cfg(test)]
mod tests {
    use rmcp::model::ErrorCode;

    use super::code;

    #[test]
    fn the_codes_are_those_of_the_sdk() {
        let pairs = [
            (code::PARSE, ErrorCode::PARSE_ERROR),
            (code::INVALID_REQUEST, ErrorCode::INVALID_REQUEST),
            (code::METHOD_NOT_FOUND, ErrorCode::METHOD_NOT_FOUND),
            (code::INVALID_PARAMS, ErrorCode::INVALID_PARAMS),
            (code::INTERNAL, ErrorCode::INTERNAL_ERROR),
            (code::RESOURCE_NOT_FOUND, ErrorCode::RESOURCE_NOT_FOUND),
            (code::HEADER_MISMATCH, ErrorCode::HEADER_MISMATCH),
            (code::MISSING_CAPABILITY, ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY),
            (code::UNSUPPORTED_VERSION, ErrorCode::UNSUPPORTED_PROTOCOL_VERSION),
        ];
        for (ours, theirs) in pairs {
            assert_eq!(ours, i64::from(theirs.0));
        }
    }
}
