//! MCP over the plain HTTP client: a legacy session, and what a modern request carries.

use serde_json::{Value, json};

use super::{Events, Gateway, Http, Response};

/// The `_meta` that each modern request needs.
pub(crate) fn modern_meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

/// A session of the `initialize` era.
#[derive(Debug)]
pub(crate) struct Legacy {
    pub(crate) http: Http,
    pub(crate) session: String,
    path: String,
    last_id: u64,
}

impl Legacy {
    /// Initialises with `revision`.
    pub(crate) async fn open(gateway: &Gateway, revision: &str) -> Self {
        Self::open_at(gateway, "/mcp", revision).await.0
    }

    /// The same at another path; gives the result of `initialize` too.
    pub(crate) async fn open_at(gateway: &Gateway, path: &str, revision: &str) -> (Self, Value) {
        Self::open_as(gateway, path, revision, json!({})).await
    }

    /// The same with client capabilities.
    pub(crate) async fn open_as(gateway: &Gateway, path: &str, revision: &str, capabilities: Value) -> (Self, Value) {
        let mut http = gateway.http().await;
        let info = json!({"name": "test", "version": "1"});
        let params = json!({"protocolVersion": revision, "capabilities": capabilities, "clientInfo": info});
        let request = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params});
        let response = http.send("POST", path, &[], request.to_string()).await;
        assert_eq!(response.status, 200, "{response:?}");
        let result = response.answer()["result"].take();
        assert_eq!(result["protocolVersion"], revision);
        let session = response.headers["mcp-session-id"].to_str().unwrap().to_owned();
        let mut legacy = Self { http, session, path: path.into(), last_id: 0 };
        let told = json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string();
        assert_eq!(legacy.post(told).await.status, 202);
        (legacy, result)
    }

    /// Goes on with the same session at another path.
    pub(crate) fn turn_to(&mut self, path: &str) {
        path.clone_into(&mut self.path);
    }

    /// Goes on with the same session over another connection, or at another gateway.
    pub(crate) async fn reconnect(&mut self, gateway: &Gateway) {
        self.http = gateway.http().await;
    }

    /// Posts a body as it is.
    pub(crate) async fn post(&mut self, body: impl Into<bytes::Bytes>) -> Response {
        self.http.send("POST", &self.path, &[("mcp-session-id", &self.session)], body).await
    }

    /// Makes a request and gives the whole answer.
    pub(crate) async fn ask(&mut self, method: &str, params: Value) -> Response {
        self.last_id += 1;
        let request = json!({"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params});
        self.post(request.to_string()).await
    }

    /// Calls a tool whose answer is a stream, and follows that on a connection of its own.
    pub(crate) async fn follow(&mut self, gateway: &Gateway, tool: &str, arguments: Value) -> Events {
        self.last_id += 1;
        let params = json!({"name": tool, "arguments": arguments});
        let request = json!({"jsonrpc": "2.0", "id": self.last_id, "method": "tools/call", "params": params});
        let headers = [("mcp-session-id", &*self.session)];
        Events::of(gateway.http().await.open("POST", &self.path, &headers, request.to_string()).await)
    }

    /// Posts the answer to something that it was asked.
    pub(crate) async fn respond(&mut self, ask: &Value, result: Value) -> u16 {
        self.post(json!({"jsonrpc": "2.0", "id": ask["id"], "result": result}).to_string()).await.status
    }

    /// Calls a tool and gives its result.
    pub(crate) async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let response = self.ask("tools/call", json!({"name": tool, "arguments": arguments})).await;
        let mut answer = response.answer();
        assert!(answer.get("error").is_none(), "{answer}");
        answer["result"].take()
    }

    /// The names of a list.
    pub(crate) async fn names(&mut self, method: &str, member: &str, key: &str) -> Vec<String> {
        let answer = self.ask(method, json!({})).await.answer();
        let items = answer["result"][member].as_array().unwrap_or_else(|| panic!("{answer}")).clone();
        items.iter().map(|item| item[key].as_str().unwrap().to_owned()).collect()
    }

    /// The names of the tools.
    pub(crate) async fn tools(&mut self) -> Vec<String> {
        self.names("tools/list", "tools", "name").await
    }
}
