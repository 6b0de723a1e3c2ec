//! What all rows play on: one gateway, a shard of each era, and a client of each era.
//!
//! Invariant: a row sees of the journals only what was written since it began.

use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::client::{Client, Era, Told};
use crate::peers::servers::{installed, source};
use crate::support::{Gateway, Journal, eventually};

/// The root that stands in the files of the shards.
pub(super) const OWN_ROOT: &str = "file:///srv/shelf";

/// The mount of the legacy shard whose child has one call at a time.
pub(super) const ALONE: &str = "alone";

/// How the clients reach the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Http,
    /// `mcp-gateway stdio --connect`.
    Stdio,
}

/// The gateway, what stands behind it, and the clients before it.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) gateway: Gateway,
    pub(super) way: Way,
    clients: [Mutex<Client>; 2],
    journals: [(&'static str, Journal); 3],
}

impl Stage {
    /// Starts everything; `drivers` are those of the legacy and of the modern client.
    pub(super) async fn set(drivers: [&str; 2], way: Way) -> Self {
        let journals = ["legacy", "modern", ALONE].map(|name| (name, Journal::new()));
        let mut builder = Gateway::builder().variable("PEERS", installed().display().to_string());
        for (name, journal) in &journals {
            builder = builder.shard(name, shard(name, journal));
        }
        let gateway = builder.start().await;
        for (name, _) in &journals {
            gateway.until(name, "ready").await;
        }
        let door = match way {
            Way::Http => vec!["--url".to_owned(), gateway.url()],
            Way::Stdio => {
                let program = env!("CARGO_BIN_EXE_mcp-gateway");
                ["--stdio", program, "stdio", "--connect", &gateway.url()].map(str::to_owned).into()
            }
        };
        let [legacy, modern] = drivers;
        let (legacy, modern) = tokio::join!(
            Client::start(legacy, Era::Legacy, "mcp-gateway", &door, &[]),
            Client::start(modern, Era::Modern, "mcp-gateway", &door, &[])
        );
        Self { gateway, way, clients: [legacy, modern].map(Mutex::new), journals }
    }

    /// The clients leave and the gateway stops. None leaves anything behind.
    pub(super) async fn clear(self) {
        for client in self.clients {
            client.into_inner().leave().await;
        }
        self.gateway.stop().await;
    }

    fn journal(&self, name: &str) -> &Journal {
        &self.journals.iter().find(|(own, _)| *own == name).expect("a shard of the stage").1
    }
}

/// The file of one shard.
fn shard(name: &str, journal: &Journal) -> String {
    let (program, instances) = match name {
        ALONE => ("legacy.mjs", "exclusive"),
        "legacy" => ("legacy.mjs", "shared"),
        _ => ("modern.mjs", "shared"),
    };
    let args = json!([source("matrix").join(program), name, journal.path()]);
    let command = installed().join("bin/node").display().to_string();
    format!(
        "command: {command}\nargs: {args}\nenv: {{ PEERS: \"${{PEERS}}\" }}\ninstances: {instances}\nroots: [\"{OWN_ROOT}\"]\n"
    )
}

/// What one row plays with: a client of one era, and a shard of one era.
pub(super) struct Cell<'a> {
    pub(super) stage: &'a Stage,
    pub(super) client: Era,
    pub(super) era: Era,
    /// The shard's name, which its uris have as their scheme.
    pub(super) shard: &'static str,
    begun_at: usize,
}

impl<'a> Cell<'a> {
    /// A row of these two. What the clients have heard by now is not its own.
    pub(super) async fn begin(stage: &'a Stage, client: Era, shard: Era) -> Self {
        for client in &stage.clients {
            client.lock().await.rest().await;
        }
        Self { stage, client, era: shard, shard: shard.name(), begun_at: 0 }.at(shard.name())
    }

    /// The same client with another mount.
    pub(super) fn at(mut self, shard: &'static str) -> Self {
        self.shard = shard;
        self.begun_at = self.stage.journal(shard).messages().len();
        self
    }

    /// The client.
    pub(super) async fn client(&self) -> tokio::sync::MutexGuard<'a, Client> {
        self.stage.clients[usize::from(self.client == Era::Modern)].lock().await
    }

    /// The client of the other era.
    pub(super) async fn other(&self) -> tokio::sync::MutexGuard<'a, Client> {
        self.stage.clients[usize::from(self.client == Era::Legacy)].lock().await
    }

    /// The name that clients see.
    pub(super) fn exposed(&self, own: &str) -> String {
        format!("{}__{own}", self.shard)
    }

    /// A uri of the shard.
    pub(super) fn uri(&self, rest: &str) -> String {
        format!("{}://{rest}", self.shard)
    }

    /// Calls a tool of the shard.
    pub(super) async fn call(&self, tool: &str, arguments: Value) -> Told {
        self.call_as(tool, arguments, json!({})).await
    }

    /// The same, with `follow`, `stop` or `answers`.
    pub(super) async fn call_as(&self, tool: &str, arguments: Value, how: Value) -> Told {
        let params = json!({"name": self.exposed(tool), "arguments": arguments});
        self.client().await.request("tools/call", params, how).await
    }

    /// Makes any other request.
    pub(super) async fn request(&self, method: &str, params: Value) -> Told {
        self.client().await.request(method, params, json!({})).await
    }

    /// Nothing is left that the client heard or was asked, after it was answered once more.
    pub(super) async fn is_quiet(&self) {
        self.call("echo", json!({})).await.result();
        assert_eq!(self.client().await.rest().await, json!([[], []]), "nothing else is heard");
    }

    /// All that the shard was sent.
    pub(super) fn sent(&self) -> Vec<Value> {
        self.stage.journal(self.shard).messages().split_off(self.begun_at)
    }

    /// What the shard was sent of this method.
    pub(super) fn sent_of(&self, method: &str) -> Vec<Value> {
        self.sent().into_iter().filter(|message| message["method"] == method).collect()
    }

    /// The calls of a tool that the shard was sent.
    pub(super) fn calls_of(&self, tool: &str) -> Vec<Value> {
        self.sent_of("tools/call").into_iter().filter(|call| call["params"]["name"] == tool).collect()
    }

    /// Waits until the shard was sent such a message.
    pub(super) async fn until_sent(&self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        eventually(&format!("the shard is sent {what}"), async || self.sent().into_iter().find(&is_it)).await
    }
}
