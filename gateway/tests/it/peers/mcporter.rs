//! `mcporter`, a command line that is started anew for each list and each call, at every door.
//!
//! Invariant: it is shown the same at each of them.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use tokio::process::Command;

use super::clients::ended;
use super::servers::{Servers, exposed, installed};

struct Mcporter {
    config: PathBuf,
    home: PathBuf,
}

impl Mcporter {
    /// One that reaches the gateway as `entry` of its configuration says.
    fn with(servers: &Servers, entry: &Value) -> Self {
        let dir = servers.dir().path();
        let (config, home) = (dir.join("mcporter.json"), dir.join("home"));
        fs::create_dir_all(&home).unwrap();
        fs::write(&config, json!({"mcpServers": {"gateway": entry}}).to_string()).unwrap();
        Self { config, home }
    }

    async fn says(&self, words: &[&str]) -> Value {
        let mut command = Command::new(installed().join("bin/node"));
        command.arg(installed().join("node/node_modules/mcporter/dist/cli.js")).arg("--config").arg(&self.config);
        command.args(words).env("HOME", &self.home).current_dir(&self.home);
        let output = ended("mcporter", command).await;
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error} in {output:?}"))
    }

    /// Lists, a call, a resource and an error.
    async fn is_shown_everything(&self) {
        let listed = self.says(&["list", "gateway", "--json"]).await;
        let tools = listed["tools"].as_array().unwrap_or_else(|| panic!("{listed}"));
        let mut tools: Vec<_> = tools.iter().map(|tool| tool["name"].as_str()).collect();
        tools.sort_unstable();
        assert_eq!(tools, exposed("tools").iter().map(|name| Some(&**name)).collect::<Vec<_>>());
        let sum = self.says(&["call", "gateway.everything__get-sum", "a=19", "b=23", "--output", "json"]).await;
        assert_eq!(sum["content"][0]["text"], "The sum of 19 and 23 is 42.");
        let text = self.says(&["resource", "gateway", "demo://resource/dynamic/text/7", "--json"]).await;
        assert!(text.to_string().contains("Resource 7:"), "{text}");
        let refused = self.says(&["call", "gateway.everything__get-some", "--output", "json"]).await;
        assert!(refused["error"].as_str().unwrap().contains("did you mean `everything__get-sum`"), "{refused}");
    }
}

/// At `/sse` it tries Streamable HTTP first, and takes the answer for the sign to use HTTP+SSE.
#[tokio::test]
async fn lists_calls_reads_and_shows_errors_at_both_http_doors() {
    let servers = Servers::lay_out().await;
    let gateway = servers.gateway_with_all().await;
    for path in ["mcp", "sse"] {
        let url = format!("http://{}/{path}", gateway.host());
        Mcporter::with(&servers, &json!({"url": url})).is_shown_everything().await;
    }
    gateway.stop().await;
}

#[tokio::test]
async fn lists_calls_reads_and_shows_errors_when_it_joins_a_gateway_by_stdio() {
    let servers = Servers::lay_out().await;
    let gateway = servers.gateway_with_all().await;
    let args = ["stdio", "--connect", &gateway.url()];
    let entry = json!({"command": env!("CARGO_BIN_EXE_mcp-gateway"), "args": args});
    Mcporter::with(&servers, &entry).is_shown_everything().await;
    gateway.stop().await;
}

/// Each of its runs starts the gateway and all eight servers, whose lists the first gateway has left behind.
#[tokio::test]
async fn lists_calls_reads_and_shows_errors_when_it_starts_a_gateway_of_its_own() {
    let servers = Servers::lay_out().await;
    servers.gateway_with_all().await.stop().await;
    let folder = |name: &str| servers.dir().path().join(name).display().to_string();
    let args = ["stdio", "--shards", &folder("shards.d"), "--state-dir", &folder("state")];
    let variables: serde_json::Map<_, _> =
        servers.variables().into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    let entry = json!({"command": env!("CARGO_BIN_EXE_mcp-gateway"), "args": args, "env": variables});
    Mcporter::with(&servers, &entry).is_shown_everything().await;
}
