//! Modern clients and legacy shards that ask in the midst of a call: the call waits, and a second request goes on with it
//! (DESIGN D11).
//!
//! Invariant: no test leaves a call under way at a shard.

mod bounds;
mod ending;
mod lives;
mod refusing;
mod rounds;

use serde_json::{Value, json};

use crate::support::{Gateway, Journal, Response, eventually, modern_meta};

/// Where it matters whose child it is, a test is made with each.
const INSTANCES: [&str; 3] = ["shared", "exclusive", "per_session"];

/// A client of revision 2026-07-28 over HTTP.
struct Modern {
    capabilities: Value,
    path: &'static str,
    /// More for each `_meta`.
    meta: Value,
    id: i64,
}

/// A request that was answered with questions.
#[derive(Clone, Debug)]
struct Round {
    method: String,
    params: Value,
    requests: Value,
    state: Value,
}

impl Modern {
    fn new(capabilities: Value) -> Self {
        Self { capabilities, path: "/mcp", meta: json!({}), id: 100 }
    }

    /// Who can be asked everything.
    fn able() -> Self {
        let elicitation = json!({"form": {}, "url": {}});
        Self::new(json!({"elicitation": elicitation, "sampling": {"tools": {}}, "roots": {}}))
    }

    fn params(&self, mut params: Value) -> Value {
        params["_meta"] = modern_meta();
        params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = self.capabilities.clone();
        for (key, value) in self.meta.as_object().unwrap() {
            params["_meta"][key] = value.clone();
        }
        params
    }

    /// Sends a request under an id of its own, and leaves the answer to be read.
    async fn open(&mut self, gateway: &Gateway, method: &str, params: Value) -> hyper::Response<hyper::body::Incoming> {
        self.id += 1;
        let name = params.get("uri").or_else(|| params.get("name")).and_then(Value::as_str).unwrap().to_owned();
        let request = json!({"jsonrpc": "2.0", "id": self.id, "method": method, "params": self.params(params)});
        let headers = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", method), ("mcp-name", &*name)];
        gateway.http().await.open("POST", self.path, &headers, request.to_string()).await
    }

    /// All messages of the answer; the last is the answer itself.
    async fn messages(&mut self, gateway: &Gateway, method: &str, params: Value) -> Vec<Value> {
        let response = self.open(gateway, method, params).await;
        let messages = Response::of(response).await.messages();
        assert_eq!(messages.last().unwrap()["id"], self.id, "each request is answered under its own id: {messages:?}");
        messages
    }

    async fn request(&mut self, gateway: &Gateway, method: &str, params: Value) -> Value {
        self.messages(gateway, method, params).await.pop().unwrap()
    }

    async fn call(&mut self, gateway: &Gateway, tool: &str, arguments: Value) -> Value {
        self.request(gateway, "tools/call", json!({"name": tool, "arguments": arguments})).await
    }

    /// A request that must be answered with questions.
    async fn asked(&mut self, gateway: &Gateway, method: &str, params: Value) -> Round {
        let answer = self.request(gateway, method, params.clone()).await;
        Round::of(method, params, &answer)
    }

    /// The fake shard's interview, which must be answered with questions.
    async fn interview(&mut self, gateway: &Gateway, steps: Value) -> Round {
        let params = json!({"name": "fake__interview", "arguments": {"steps": steps}});
        self.asked(gateway, "tools/call", params).await
    }

    /// Comes back with answers.
    async fn answer(&mut self, gateway: &Gateway, round: &Round, responses: Value) -> Value {
        self.request(gateway, &round.method, round.retry(responses)).await
    }

    /// Comes back with answers, and is asked on.
    async fn asked_on(&mut self, gateway: &Gateway, round: &Round, responses: Value) -> Round {
        let answer = self.answer(gateway, round, responses).await;
        Round::of(&round.method, round.params.clone(), &answer)
    }
}

impl Round {
    fn of(method: &str, params: Value, answer: &Value) -> Self {
        let result = &answer["result"];
        assert_eq!(result["resultType"], "input_required", "{answer}");
        let (requests, state) = (result["inputRequests"].clone(), result["requestState"].clone());
        assert!(requests.as_object().is_some_and(|requests| !requests.is_empty()) && state.is_string(), "{answer}");
        Self { method: method.to_owned(), params, requests, state }
    }

    /// The keys of the questions, in their order.
    fn keys(&self) -> Vec<String> {
        self.requests.as_object().unwrap().keys().cloned().collect()
    }

    /// The only question.
    fn only(&self) -> (&str, &Value) {
        let requests = self.requests.as_object().unwrap();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests.iter().next().map(|(key, request)| (key.as_str(), request)).unwrap()
    }

    /// The parameters that go on with it.
    fn retry(&self, responses: Value) -> Value {
        let mut params = self.params.clone();
        (params["inputResponses"], params["requestState"]) = (responses, self.state.clone());
        params
    }

    /// The same answer to each question.
    fn all(&self, answer: &Value) -> Value {
        self.keys().into_iter().map(|key| (key, answer.clone())).collect::<serde_json::Map<_, _>>().into()
    }
}

fn accept() -> Value {
    json!({"action": "accept", "content": {"ok": true}})
}

/// A step of an interview that asks for a form to be filled in.
fn ask() -> Value {
    json!({"ask": {"method": "elicitation/create"}})
}

async fn start(journal: &Journal, more: &str) -> Gateway {
    start_with(journal, more, &[]).await
}

async fn start_with(journal: &Journal, more: &str, flags: &[&str]) -> Gateway {
    let text = format!("{}{more}\n", journal.fake_shard(&[]));
    let gateway = Gateway::builder().shard("fake", text).flags(flags).start().await;
    gateway.until("fake", "ready").await;
    gateway
}

/// What the shard says it heard, whole lines, at the end of an interview.
fn heard(answer: &Value) -> Vec<Value> {
    let heard = &answer["result"]["structuredContent"]["heard"];
    heard.as_array().unwrap_or_else(|| panic!("{answer}")).clone()
}

/// Nothing is left at the shard, and no call was sent twice; then it stops.
async fn end(gateway: Gateway, journal: &Journal) {
    eventually("no call is under way", async || (gateway.shard("fake").await["in_flight"] == 0).then_some(())).await;
    assert_eq!(gateway.shard("fake").await["parked"], 0);
    let mut ids: Vec<_> = journal.of("tools/call").iter().map(|call| call["id"].to_string()).collect();
    let sent = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), sent, "each call is sent once");
    assert!(!gateway.log().contains("mcp-gateway."), "no handle is logged:\n{}", gateway.log());
    gateway.stop().await;
}
