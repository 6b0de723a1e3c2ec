//! An MCP client that judges each answer by the tool's own schema.
//!
//! Invariant: no call returns a result whose form breaks its tool's promise.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use rmcp::RoleClient;
use rmcp::model::{CallToolRequestParams, CallToolResult, ClientConfig, ContentBlock, Tool};
use rmcp::service::RunningService;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::PATIENCE;

/// A connected client.
pub(crate) struct Client {
    service: RunningService<RoleClient, ClientConfig>,
    tools: BTreeMap<String, Tool>,
    prefix: &'static str,
}

/// What a tool answered.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) is_error: bool,
    pub(crate) structured: Value,
    pub(crate) text: String,
}

impl Client {
    /// Lists the tools; their names are told without `prefix` from then on.
    pub(super) async fn new(service: RunningService<RoleClient, ClientConfig>, prefix: &'static str) -> Self {
        let listed = timeout(PATIENCE, service.list_all_tools()).await.expect("the tools are listed in time").unwrap();
        let named = |tool: Tool| (tool.name.strip_prefix(prefix).unwrap_or(&tool.name).to_owned(), tool);
        Self { service, tools: listed.into_iter().map(named).collect(), prefix }
    }

    /// The tools by name.
    pub(crate) fn tools(&self) -> &BTreeMap<String, Tool> {
        &self.tools
    }

    /// What else can be asked: resources and prompts.
    pub(crate) fn service(&self) -> &RunningService<RoleClient, ClientConfig> {
        &self.service
    }

    /// Calls a tool.
    ///
    /// # Panics
    /// Where the answer is a protocol error, late, or not of the form that the tool promises.
    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Outcome {
        let called = self.try_call(tool, arguments.clone()).await;
        let result = called.unwrap_or_else(|error| panic!("{tool} {arguments}: {error}"));
        let schema = self.tools[tool].output_schema.as_ref().expect("an output schema");
        Outcome::judged(tool, &result, &Value::Object((**schema).clone()))
    }

    /// The bare result, for calls whose answer may be a protocol error.
    pub(crate) async fn try_call(&self, tool: &str, arguments: Value) -> Result<CallToolResult, String> {
        let name: Cow<'static, str> = format!("{}{tool}", self.prefix).into();
        let params = CallToolRequestParams::new(name).with_arguments(arguments.as_object().unwrap().clone());
        let called = timeout(PATIENCE + Duration::from_secs(30), Box::pin(self.service.call_tool(params)));
        called.await.map_err(|_| "no answer in time".to_owned())?.map_err(|error| error.to_string())
    }

    /// Says good-bye, which ends a child over stdio.
    pub(super) async fn end(self) {
        self.service.cancel().await.unwrap();
    }
}

impl Outcome {
    fn judged(tool: &str, result: &CallToolResult, schema: &Value) -> Self {
        let texts = result.content.iter().map(|block| match block {
            ContentBlock::Text(content) => content.text.clone(),
            other => panic!("{tool}: no text but {other:?}"),
        });
        let text = texts.collect::<Vec<_>>().join("\n");
        let is_error = result.is_error == Some(true);
        let structured = result.structured_content.clone().unwrap_or(Value::Null);
        assert!(!text.trim().is_empty(), "{tool}: no text beside {structured}");
        // Arguments that are not of the input schema are refused before the tool sees them, in words alone.
        if is_error && structured.is_null() {
            return Self { is_error, structured, text };
        }
        let failure = json!({
            "type": "object", "required": ["code", "message", "hint"], "additionalProperties": false,
            "properties": {
                "code": {"type": "string", "pattern": "^[a-z_]+$"},
                "message": {"type": "string", "minLength": 10, "pattern": "[^.]$"},
                "hint": {"type": "string", "minLength": 10, "pattern": "[^.]$"},
                "details": {"type": "object"},
            },
        });
        let validator = jsonschema::validator_for(if is_error { &failure } else { schema }).unwrap();
        let faults: Vec<String> =
            validator.iter_errors(&structured).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
        assert!(faults.is_empty(), "{tool}: {faults:?} in {structured:#}");
        Self { is_error, structured, text }
    }

    /// The result of a call that did what it was asked.
    ///
    /// # Panics
    /// Where it failed.
    pub(crate) fn done(self) -> Value {
        assert!(!self.is_error, "refused: {} {:#}", self.text, self.structured);
        self.structured
    }

    /// The failure, which has this code and is told in the text too.
    ///
    /// # Panics
    /// Where the call succeeded or failed otherwise.
    pub(crate) fn failed(self, code: &str) -> Value {
        assert!(self.is_error, "not refused but: {} {:#}", self.text, self.structured);
        assert_eq!(self.structured["code"], code, "{}: {:#}", self.text, self.structured);
        let message = self.structured["message"].as_str().unwrap();
        assert!(self.text.contains(code) && self.text.contains(message), "{}", self.text);
        self.structured
    }
}
