//! A client of the HTTP+SSE door: it hears on one stream and speaks by POSTs.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::{Events, Gateway, Http, Response};

/// An open session. Dropping it hangs up.
#[derive(Debug)]
pub(crate) struct Sse {
    stream: Events,
    http: Http,
    /// Where messages go to.
    pub(crate) address: String,
    /// What was read while an answer was waited for.
    heard: VecDeque<Value>,
}

impl Sse {
    /// Opens the stream at `path` and reads where messages go to.
    pub(crate) async fn open_at(gateway: &Gateway, path: &str) -> Self {
        let mut stream = Events::of(gateway.http().await.open("GET", path, &[], "").await);
        let (name, address) = stream.event().await.expect("a first event");
        assert_eq!(name, "endpoint");
        Self { stream, http: gateway.http().await, address, heard: VecDeque::new() }
    }

    /// Opens the stream of all shards and initialises with `revision`.
    pub(crate) async fn open(gateway: &Gateway, revision: &str) -> Self {
        Self::open_as(gateway, revision, json!({})).await
    }

    /// The same with client capabilities.
    pub(crate) async fn open_as(gateway: &Gateway, revision: &str, capabilities: Value) -> Self {
        let mut client = Self::open_at(gateway, "/sse").await;
        client.initialize(revision, capabilities).await;
        client
    }

    /// Initialises and gives the result.
    pub(crate) async fn initialize(&mut self, revision: &str, capabilities: Value) -> Value {
        let info = json!({"name": "test", "version": "1"});
        let params = json!({"protocolVersion": revision, "capabilities": capabilities, "clientInfo": info});
        self.request("initialize", "initialize", params).await;
        let result = self.answer("initialize").await["result"].take();
        assert_eq!(result["protocolVersion"], revision);
        self.send(json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
        result
    }

    /// Posts a body as it is.
    pub(crate) async fn post(&mut self, body: impl Into<bytes::Bytes>) -> Response {
        self.http.send("POST", &self.address, &[], body).await
    }

    /// Posts a message, which must be taken.
    pub(crate) async fn send(&mut self, message: Value) {
        let response = self.post(message.to_string()).await;
        assert_eq!((response.status, &*response.body), (202, &b""[..]), "{message}");
    }

    /// Makes a request.
    pub(crate) async fn request(&mut self, id: impl Into<Value>, method: &str, params: Value) {
        self.send(json!({"jsonrpc": "2.0", "id": id.into(), "method": method, "params": params})).await;
    }

    /// The next message; `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        match self.heard.pop_front() {
            None => self.stream.next().await,
            heard => heard,
        }
    }

    /// The answer to the request `id`; what comes before it is kept for [`Sse::next`].
    pub(crate) async fn answer(&mut self, id: impl Into<Value>) -> Value {
        let id = id.into();
        loop {
            let message = self.stream.next().await.expect("an answer");
            if message["id"] == id && message.get("method").is_none() {
                return message;
            }
            self.heard.push_back(message);
        }
    }

    /// What was read while answers were waited for.
    pub(crate) fn heard(&mut self) -> Vec<Value> {
        self.heard.drain(..).collect()
    }

    /// Calls a tool and gives its result.
    pub(crate) async fn call(&mut self, id: impl Into<Value>, tool: &str, arguments: Value) -> Value {
        let id = id.into();
        self.request(id.clone(), "tools/call", json!({"name": tool, "arguments": arguments})).await;
        let mut answer = self.answer(id).await;
        assert!(answer.get("error").is_none(), "{answer}");
        answer["result"].take()
    }

    /// Posts the answer to something that it was asked.
    pub(crate) async fn respond(&mut self, ask: &Value, result: Value) {
        self.send(json!({"jsonrpc": "2.0", "id": ask["id"], "result": result})).await;
    }
}
