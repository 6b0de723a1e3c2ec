//! The shard as its clients meet it: a real child over stdio, in both protocol eras.
//!
//! Each test that has a client ends by closing the child's stdin, which must end the child.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::process::Stdio;
use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResult, ClientConfig, ContentBlock, ErrorData, GetPromptRequestParams,
    ProtocolVersion, ReadResourceRequestParams, ResourceContents,
};
use rmcp::service::{RunningService, ServiceError};
use rmcp::{ClientLifecycleMode, ClientServiceExt, RoleClient};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

fn eras() -> [ClientLifecycleMode; 2] {
    let preferred_versions = vec![ProtocolVersion::V_2026_07_28];
    [ClientLifecycleMode::Initialize, ClientLifecycleMode::Discover { preferred_versions }]
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shard-template"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    command
}

struct Connected {
    client: RunningService<RoleClient, ClientConfig>,
    child: Child,
}

impl Connected {
    async fn new(era: ClientLifecycleMode) -> Self {
        let mut child = command().spawn().unwrap();
        let pipes = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
        let config = ClientConfig::default().with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE);
        let client = config.serve_with_lifecycle(pipes, era).await.unwrap();
        Self { client, child }
    }

    async fn call(&self, name: &'static str, arguments: Value) -> Result<CallToolResult, ServiceError> {
        let arguments = arguments.as_object().unwrap().clone();
        let params = CallToolRequestParams::new(name).with_arguments(arguments);
        self.client.call_tool(params).await
    }

    async fn end(mut self) {
        self.client.cancel().await.unwrap();
        assert!(ended_well(&mut self.child).await);
    }
}

async fn ended_well(child: &mut Child) -> bool {
    let ended = timeout(PATIENCE, child.wait()).await;
    ended.expect("the child did not end in time").unwrap().success()
}

fn refusal(error: ServiceError) -> ErrorData {
    match error {
        ServiceError::McpError(refusal) => refusal,
        other => panic!("no JSON-RPC error but {other}"),
    }
}

fn text(result: &CallToolResult) -> &str {
    match &result.content[0] {
        ContentBlock::Text(content) => &content.text,
        other => panic!("no text but {other:?}"),
    }
}

#[tokio::test]
async fn every_tool_is_listed_with_schemas_that_describe_each_argument() {
    for era in eras() {
        let shard = Connected::new(era).await;
        let tools = shard.client.list_all_tools().await.unwrap();
        let names: Vec<&str> = tools.iter().map(|tool| &*tool.name).collect();
        assert_eq!(names, ["disk_usage", "subnet_info"]);
        for tool in &tools {
            let input = Value::Object((*tool.input_schema).clone());
            assert_eq!(input["type"], "object");
            let properties = input["properties"].as_object().unwrap();
            assert_eq!(properties.len(), 1);
            for property in properties.values() {
                assert!(property["description"].is_string(), "{property}");
            }
            assert!(tool.description.as_ref().unwrap().len() > 40);
            assert_eq!(tool.annotations.as_ref().unwrap().read_only_hint, Some(true));
        }
        shard.end().await;
    }
}

#[tokio::test]
async fn both_tools_answer_with_structured_content() {
    for era in eras() {
        let shard = Connected::new(era).await;
        let arguments = json!({"path": env!("CARGO_MANIFEST_DIR")});
        let disk = shard.call("disk_usage", arguments).await.unwrap();
        let disk = disk.structured_content.unwrap();
        assert!(disk["total_bytes"].as_u64().unwrap() > 0, "{disk}");
        assert!((0.0..=100.0).contains(&disk["used_percent"].as_f64().unwrap()));
        let arguments = json!({"cidr": "192.168.1.77/26"});
        let subnet = shard.call("subnet_info", arguments).await.unwrap();
        let expected = json!({
            "network": "192.168.1.64", "netmask": "255.255.255.192",
            "broadcast": "192.168.1.127", "first_host": "192.168.1.65",
            "last_host": "192.168.1.126", "hosts": 62, "private": true
        });
        assert_eq!(subnet.structured_content, Some(expected));
        shard.end().await;
    }
}

#[tokio::test]
async fn what_a_tool_cannot_do_is_told_to_the_model_in_words() {
    for era in eras() {
        let shard = Connected::new(era).await;
        let nowhere = json!({"path": "/no/such/folder"});
        let disk = shard.call("disk_usage", nowhere).await.unwrap();
        assert_eq!(disk.is_error, Some(true));
        assert!(text(&disk).contains("cannot look at `/no/such/folder`"));
        let relative = shard.call("disk_usage", json!({"path": "srv"})).await;
        assert!(text(&relative.unwrap()).contains("not an absolute path"));
        let subnet = shard.call("subnet_info", json!({"cidr": "10.0.0.1"})).await;
        let subnet = subnet.unwrap();
        assert_eq!(subnet.is_error, Some(true));
        assert!(text(&subnet).contains("lacks a prefix length"));
        shard.end().await;
    }
}

#[tokio::test]
async fn bad_arguments_are_told_to_the_model_and_an_unknown_tool_is_refused() {
    for era in eras() {
        let shard = Connected::new(era).await;
        for (name, arguments, complaint) in [
            ("disk_usage", json!({}), "missing field `path`"),
            ("subnet_info", json!({"cidr": 7}), "expected a string"),
        ] {
            let bad = shard.call(name, arguments).await.unwrap();
            assert_eq!(bad.is_error, Some(true));
            assert!(text(&bad).contains(complaint), "{}", text(&bad));
        }
        let unknown = shard.call("no_such_tool", json!({})).await.unwrap_err();
        assert_eq!(refusal(unknown).code.0, -32602);
        shard.end().await;
    }
}

#[tokio::test]
async fn the_resource_is_json_and_an_unknown_uri_is_named_in_the_error() {
    for (era, not_found) in eras().into_iter().zip([-32002, -32602]) {
        let shard = Connected::new(era).await;
        let resources = shard.client.list_all_resources().await.unwrap();
        assert_eq!(resources.len(), 1);
        let params = ReadResourceRequestParams::new(&*resources[0].uri);
        let read = shard.client.read_resource(params).await.unwrap();
        let ResourceContents::TextResourceContents { text, .. } = &read.contents[0] else {
            panic!("no text but {read:?}");
        };
        let host: Value = serde_json::from_str(text).unwrap();
        assert!(!host["hostname"].as_str().unwrap().is_empty(), "{host}");
        let unknown = ReadResourceRequestParams::new("host://nothing");
        let refused = refusal(shard.client.read_resource(unknown).await.unwrap_err());
        assert_eq!(refused.code.0, not_found);
        assert_eq!(refused.data.unwrap()["uri"], "host://nothing");
        shard.end().await;
    }
}

#[tokio::test]
async fn the_prompt_names_its_required_argument_and_uses_it() {
    for era in eras() {
        let shard = Connected::new(era).await;
        let prompts = shard.client.list_all_prompts().await.unwrap();
        assert_eq!(prompts[0].name, "disk_check");
        let argument = &prompts[0].arguments.as_ref().unwrap()[0];
        assert_eq!((&*argument.name, argument.required), ("path", Some(true)));
        let arguments = json!({"path": "/tank/media"}).as_object().unwrap().clone();
        let params = GetPromptRequestParams::new("disk_check").with_arguments(arguments);
        let prompt = shard.client.get_prompt(params).await.unwrap();
        let ContentBlock::Text(content) = &prompt.messages[0].content else {
            panic!("no text but {prompt:?}");
        };
        assert!(content.text.contains("`/tank/media`"));
        shard.end().await;
    }
}

#[tokio::test]
async fn end_of_stdin_before_any_message_is_no_failure() {
    let mut child = command().spawn().unwrap();
    drop(child.stdin.take());
    assert!(ended_well(&mut child).await);
}

#[tokio::test]
async fn the_loudest_log_puts_nothing_but_messages_on_stdout() {
    let mut child = command().env("RUST_LOG", "trace").spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let client = json!({"name": "test", "version": "1"});
    let params = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client});
    let call = json!({"name": "subnet_info", "arguments": {"cidr": "10.0.0.1/8"}});
    for message in [
        json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}),
        json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
        json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call}),
    ] {
        let line = format!("{message}\n");
        stdin.write_all(line.as_bytes()).await.unwrap();
    }
    // Calls in flight are still answered after the end of stdin.
    drop(stdin);
    let mut stdout = String::new();
    let mut pipe = child.stdout.take().unwrap();
    let read = timeout(PATIENCE, pipe.read_to_string(&mut stdout)).await;
    read.unwrap().unwrap();
    let ids = stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].clone());
    assert_eq!(ids.collect::<Vec<_>>(), [json!(1), json!(2)]);
    assert!(ended_well(&mut child).await);
}
