//! A client of the legacy era behind any door.
//!
//! Invariant: what belongs to a call is heard on that call's own stream, where the door has one, and nothing of it after
//! the answer.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::door::{Door, Heard, Place};

/// A session, and what it has heard and not looked at.
pub(super) struct Client {
    door: Box<dyn Door>,
    latest: u64,
    answered: Vec<u64>,
    kept: VecDeque<Heard>,
}

/// What came of a request.
#[derive(Debug)]
pub(super) struct Told {
    /// What came before the answer.
    pub(super) notices: Vec<Value>,
    /// The whole answer.
    pub(super) answer: Value,
}

impl Told {
    /// The notices, all of which must be of this method.
    pub(super) fn only(&self, method: &str) -> Vec<&Value> {
        assert!(self.notices.iter().all(|notice| notice["method"] == method), "{self:?}");
        self.notices.iter().map(|notice| &notice["params"]).collect()
    }

    /// The result of a call that nothing preceded.
    pub(super) fn result(mut self) -> Value {
        assert!(self.notices.is_empty() && self.answer.get("error").is_none(), "{self:?}");
        self.answer["result"].take()
    }

    /// The error's code and message.
    pub(super) fn error(&self) -> (i64, &str) {
        let error = &self.answer["error"];
        let parts = error["code"].as_i64().zip(error["message"].as_str());
        parts.unwrap_or_else(|| panic!("no error: {self:?}"))
    }
}

/// Whether this belongs to the request `id`. Where there is one stream for everything, all notices do that cannot be
/// the session's.
fn is_of(heard: &Heard, id: u64) -> bool {
    match (&heard.place, heard.message["method"].as_str()) {
        (Place::Call(call), _) => *call == id,
        (Place::Session, _) => false,
        (Place::Only, None) => heard.message["id"] == id,
        (Place::Only, Some(method)) => !is_of_session(method),
    }
}

fn is_of_session(method: &str) -> bool {
    method.ends_with("/list_changed") || method == "notifications/resources/updated"
}

impl Client {
    /// A client that is past `initialize`.
    pub(super) fn new(door: Box<dyn Door>) -> Self {
        Self { door, latest: 0, answered: Vec::new(), kept: VecDeque::new() }
    }

    /// Makes a request, and gives its id.
    pub(super) async fn start(&mut self, method: &str, params: Value) -> u64 {
        self.latest += 1;
        let request = json!({"jsonrpc": "2.0", "id": self.latest, "method": method, "params": params});
        self.door.send(request).await;
        self.latest
    }

    /// Hears to the end of a request.
    pub(super) async fn end(&mut self, id: u64) -> Told {
        let mut notices = Vec::new();
        loop {
            let message = self.next(|heard| is_of(heard, id)).await;
            if message.get("method").is_none() {
                assert_eq!(message["id"], id, "an answer on the stream of another");
                self.answered.push(id);
                return Told { notices, answer: message };
            }
            notices.push(message);
        }
    }

    /// Makes a request and hears to its end.
    pub(super) async fn ask(&mut self, method: &str, params: Value) -> Told {
        let id = self.start(method, params).await;
        self.end(id).await
    }

    /// Calls a tool of the shard.
    pub(super) async fn call(&mut self, tool: &str, arguments: Value) -> Told {
        self.ask("tools/call", json!({"name": format!("fake__{tool}"), "arguments": arguments})).await
    }

    /// Calls a tool of the shard, and does not wait for its end.
    pub(super) async fn start_call(&mut self, tool: &str, arguments: Value) -> u64 {
        self.start("tools/call", json!({"name": format!("fake__{tool}"), "arguments": arguments})).await
    }

    /// What the shard asks in the call `id`.
    pub(super) async fn question(&mut self, id: u64) -> Value {
        let message = self.next(|heard| is_of(heard, id)).await;
        assert!(message.get("method").is_some() && message.get("id").is_some(), "no question: {message}");
        message
    }

    /// Answers it.
    pub(super) async fn respond(&mut self, question: &Value, result: Value) {
        self.door.send(json!({"jsonrpc": "2.0", "id": question["id"], "result": result})).await;
    }

    /// Tells the gateway something.
    pub(super) async fn tell(&mut self, method: &str, params: Value) {
        self.door.send(json!({"jsonrpc": "2.0", "method": method, "params": params})).await;
    }

    /// The next notification of the session, outside its calls, with this method.
    pub(super) async fn notice(&mut self, method: &str) -> Value {
        let is_it = |heard: &Heard| !matches!(heard.place, Place::Call(_)) && heard.message["method"] == method;
        self.next(is_it).await
    }

    /// What was heard and not looked at.
    pub(super) fn kept(&self) -> impl Iterator<Item = &Value> {
        self.kept.iter().map(|heard| &heard.message)
    }

    /// Ends the session.
    pub(super) async fn leave(self) {
        self.door.leave().await;
    }

    async fn next(&mut self, is_it: impl Fn(&Heard) -> bool) -> Value {
        if let Some(at) = self.kept.iter().position(&is_it) {
            return self.kept.remove(at).expect("it was found").message;
        }
        loop {
            let heard = self.door.hear().await;
            if let Place::Call(id) = &heard.place {
                assert!(self.answered.iter().all(|answered| id != answered), "after the answer: {heard:?}");
            }
            if is_it(&heard) {
                return heard.message;
            }
            self.kept.push_back(heard);
        }
    }
}
