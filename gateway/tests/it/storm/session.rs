//! A legacy client over Streamable HTTP: a session, and a stream for each call.
//!
//! Invariant: a call's stream ends with its answer, or with nothing if its client has cancelled it.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::book::{Case, Ending, Said};
use super::plan::{Step, Twist};
use crate::support::{Events, Http, Response};

/// What each legacy client declares.
pub(super) fn capabilities() -> Value {
    json!({"elicitation": {}, "sampling": {}, "roots": {}})
}

/// One session.
#[derive(Debug)]
pub(super) struct Session {
    case: Arc<Case>,
    number: usize,
    id: String,
    calls: AtomicU64,
    /// The answers on their way, which do not end with the stream on which they were asked.
    answers: Mutex<JoinSet<()>>,
}

impl Session {
    pub(super) async fn open(case: &Arc<Case>, number: usize) -> Arc<Self> {
        let info = json!({"name": "storm", "version": "1"});
        let params = json!({"protocolVersion": "2025-11-25", "capabilities": capabilities(), "clientInfo": info});
        let request = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params});
        let response = case.send("POST", "/mcp", &[], request.to_string()).await;
        assert_eq!(response.status, 200, "{response:?}");
        let id = response.headers["mcp-session-id"].to_str().unwrap().to_owned();
        let session = Self { case: Arc::clone(case), number, id, calls: AtomicU64::new(0), answers: Mutex::default() };
        session.post(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
        Arc::new(session)
    }

    /// Ends the session.
    pub(super) async fn end(&self) {
        let headers = [("mcp-session-id", &*self.id)];
        let response = self.case.send("DELETE", "/mcp", &headers, String::new()).await;
        assert!(response.status < 300, "{response:?}");
    }

    /// Makes a call and answers what is asked on its stream.
    pub(super) async fn call(self: &Arc<Self>, step: &Step, mark: &str) -> Ending {
        let id = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let params = json!({"name": self.case.tool(step), "arguments": Case::arguments(step, mark)});
        let request = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params});
        let mut talk = pin!(self.talk(id, request.to_string(), step.twist));
        let (Twist::Cancel(after) | Twist::HangUp(after)) = step.twist else { return talk.await };
        tokio::select! {
            ending = &mut talk => return ending,
            () = sleep(after) => {}
        }
        if step.twist == Twist::HangUp(after) {
            return Ending::Left;
        }
        let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}});
        self.post(&cancel).await;
        talk.await
    }

    async fn talk(self: &Arc<Self>, id: u64, request: String, twist: Twist) -> Ending {
        let headers = [("mcp-session-id", &*self.id)];
        let response = Http::connect(&self.case.host).await.open("POST", "/mcp", &headers, request).await;
        let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !kind.starts_with("text/event-stream") {
            let response = Response::of(response).await;
            return if response.body.is_empty() { Ending::Silent } else { self.ending(id, response.answer()) };
        }
        let mut events = Events::of(response);
        while let Some(message) = events.next().await {
            match message["method"].as_str() {
                None => {
                    let ending = self.ending(id, message);
                    if let Some(more) = events.next().await {
                        self.case.fault(format!("client {}: {more} after the answer of {id}", self.number));
                    }
                    return ending;
                }
                Some(_) if message.get("id").is_some() => self.answer(message, twist),
                Some(_) => self.case.hear(self.number, &message),
            }
        }
        Ending::Silent
    }

    fn ending(&self, id: u64, mut answer: Value) -> Ending {
        self.case.hear(self.number, &answer);
        if answer["id"] != id {
            self.case.fault(format!("client {}: an answer to another request than {id}: {answer}", self.number));
        }
        match answer["error"].take() {
            Value::Null => Ending::Result(answer["result"].take()),
            error => Ending::Error(error),
        }
    }

    fn answer(self: &Arc<Self>, question: Value, twist: Twist) {
        let session = Arc::clone(self);
        self.answers.lock().unwrap().spawn(async move {
            for (late, answer) in replies(&session.case, session.number, &question, twist) {
                sleep(late).await;
                session.post(&answer).await;
            }
        });
    }

    async fn post(&self, message: &Value) {
        let headers = [("mcp-session-id", &*self.id)];
        let response = self.case.send("POST", "/mcp", &headers, message.to_string()).await;
        // Who has left is told that there is no such session.
        if ![202, 404].contains(&response.status) {
            self.case.fault(format!("client {}: {message} was answered {response:?}", self.number));
        }
    }
}

/// The answers to a question, each with the time until it goes out: one, and before or behind it what goes nowhere.
pub(super) fn replies(case: &Case, client: usize, question: &Value, twist: Twist) -> Vec<(std::time::Duration, Value)> {
    let (late, said) = case.answer(client, question);
    let id = &question["id"];
    case.ids.lock().unwrap().push((client, id.clone()));
    let answer = match &said {
        Said::Result(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
        Said::Error(error) => json!({"jsonrpc": "2.0", "id": id, "error": error}),
    };
    let mut replies = vec![(late, answer.clone())];
    match twist {
        Twist::Again | Twist::Twice => replies.push((late / 4, answer)),
        Twist::Foreign => {
            let ids = case.ids.lock().unwrap();
            for (_, other) in ids.iter().filter(|(other, _)| *other != client) {
                let mut foreign = answer.clone();
                foreign["id"] = other.clone();
                replies.insert(0, (std::time::Duration::ZERO, foreign));
            }
        }
        _ => {}
    }
    replies
}
