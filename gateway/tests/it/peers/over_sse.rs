//! Third-party clients at the gateway's HTTP+SSE door, third-party servers behind it.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use tokio::process::Command;

use super::clients::{Client, OVER_SSE, TYPESCRIPT, ended};
use super::questions;
use super::servers::{Servers, installed};
use crate::support::Gateway;

fn address(gateway: &Gateway) -> String {
    format!("http://{}/sse", gateway.host())
}

/// Each client sees all that the eight list, and every call is answered as its server answers it.
async fn all_see_and_call_everything(clients: &[Client]) {
    let servers = Servers::lay_out().await;
    let gateway = servers.gateway_with_all().await;
    let door = ["--url".to_owned(), address(&gateway)];
    let mut complaints = Vec::new();
    for client in clients {
        complaints.extend(client.complaints(&servers, &door).await);
    }
    assert!(complaints.is_empty(), "{}\nlog:\n{}", complaints.join("\n"), gateway.log());
    gateway.stop().await;
}

#[tokio::test]
async fn the_sdks_see_and_call_eight_servers() {
    all_see_and_call_everything(&OVER_SSE[..3]).await;
}

#[tokio::test]
async fn the_inspector_sees_and_calls_eight_servers() {
    all_see_and_call_everything(&OVER_SSE[3..]).await;
}

/// It stands between a client of stdio and the gateway, and is told not to try anything newer.
#[tokio::test]
async fn mcp_remote_leads_a_client_of_stdio_to_eight_servers() {
    let servers = Servers::lay_out().await;
    let gateway = servers.gateway_with_all().await;
    let peers = installed();
    let own = servers.dir().path().join("mcp-remote").display().to_string();
    let program = peers.join("node/node_modules/mcp-remote/dist/proxy.js").display().to_string();
    let (node, address) = (peers.join("bin/node").display().to_string(), address(&gateway));
    let variable = format!("MCP_REMOTE_CONFIG_DIR={own}");
    let door = ["--stdio", "env", &variable, &node, &program, &address, "--allow-http", "--transport", "sse-only"];
    let complaints = TYPESCRIPT[0].complaints(&servers, &door.map(str::to_owned)).await;
    assert!(complaints.is_empty(), "{}\nlog:\n{}", complaints.join("\n"), gateway.log());
    gateway.stop().await;
}

/// `mcporter`, which tries Streamable HTTP at the address first and takes the answer for the sign to use HTTP+SSE.
struct Mcporter {
    config: PathBuf,
    home: PathBuf,
}

impl Mcporter {
    fn new(servers: &Servers, url: &str) -> Self {
        let dir = servers.dir().path();
        let (config, home) = (dir.join("mcporter.json"), dir.join("home"));
        fs::create_dir_all(&home).unwrap();
        fs::write(&config, json!({"mcpServers": {"gateway": {"url": url}}}).to_string()).unwrap();
        Self { config, home }
    }

    async fn says(&self, words: &[&str]) -> Value {
        let mut command = Command::new(installed().join("bin/node"));
        command.arg(installed().join("node/node_modules/mcporter/dist/cli.js")).arg("--config").arg(&self.config);
        command.args(words).env("HOME", &self.home).current_dir(&self.home);
        let output = ended("mcporter", command).await;
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error} in {output:?}"))
    }
}

#[tokio::test]
async fn mcporter_falls_back_to_the_door_lists_calls_reads_and_shows_errors() {
    let servers = Servers::lay_out().await;
    let gateway = servers.gateway_with_all().await;
    let mcporter = Mcporter::new(&servers, &address(&gateway));
    let listed = mcporter.says(&["list", "gateway", "--json"]).await;
    let mut tools: Vec<_> = listed["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str()).collect();
    tools.sort_unstable();
    assert_eq!(tools, super::servers::exposed("tools").iter().map(|name| Some(&**name)).collect::<Vec<_>>());
    let sum = mcporter.says(&["call", "gateway.everything__get-sum", "a=19", "b=23", "--output", "json"]).await;
    assert_eq!(sum["content"][0]["text"], "The sum of 19 and 23 is 42.");
    let text = mcporter.says(&["resource", "gateway", "demo://resource/dynamic/text/7", "--json"]).await;
    assert!(text.to_string().contains("Resource 7:"), "{text}");
    let refused = mcporter.says(&["call", "gateway.everything__get-some", "--output", "json"]).await;
    assert!(refused["error"].as_str().unwrap().contains("did you mean `everything__get-sum`"), "{refused}");
    gateway.stop().await;
}

#[tokio::test]
async fn progress_questions_and_errors_of_a_real_server_reach_both_sdks() {
    let servers = Servers::lay_out().await;
    let gateway = servers.gateway_with_all().await;
    for driver in questions::DRIVERS {
        let told = questions::told(driver, &[address(&gateway)]).await;
        questions::check(driver, &told);
        // Only the TypeScript SDK opens a stream anew, and it does not initialise a second time.
        assert!(driver == "sse.py" || told["again"] == "The sum of 20 and 23 is 43.", "{driver}: {told}");
    }
    assert_eq!(gateway.shard("everything").await["in_flight"], 0, "what was given up has ended");
    gateway.stop().await;
}
