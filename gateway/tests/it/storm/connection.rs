//! A legacy client whose stream is its session: HTTP+SSE, or a process that joins the gateway by stdio.
//!
//! Invariant: one reader; each message is the answer to one call, a question, or a notification.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::ChildStdin;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::book::{Case, Ending};
use super::plan::{Step, Twist};
use super::session::{capabilities, replies};
use crate::support::{Gateway, PATIENCE, Sse, Stdio};

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    case: Arc<Case>,
    number: usize,
    mouth: Mouth,
    calls: AtomicU64,
    /// Who waits for an answer, and how the client answers what it is asked meanwhile.
    waiting: Mutex<HashMap<u64, oneshot::Sender<Value>>>,
    answers: Mutex<JoinSet<()>>,
    twist: Mutex<Twist>,
}

#[derive(Debug)]
enum Mouth {
    Address(String),
    Pipe(tokio::sync::Mutex<Option<ChildStdin>>),
}

/// What is heard.
#[derive(Debug)]
pub(super) enum Ear {
    Sse(Sse),
    Pipe(Stdio),
}

impl Ear {
    async fn next(&mut self) -> Option<Value> {
        match self {
            Self::Sse(stream) => stream.next().await,
            Self::Pipe(pipe) => pipe.next().await,
        }
    }
}

impl Connection {
    pub(super) async fn sse(case: &Arc<Case>, number: usize, gateway: &Gateway) -> (Arc<Self>, Ear) {
        let stream = Sse::open_as(gateway, "2025-11-25", capabilities()).await;
        (Self::new(case, number, Mouth::Address(stream.address.clone())), Ear::Sse(stream))
    }

    pub(super) async fn pipe(case: &Arc<Case>, number: usize) -> (Arc<Self>, Ear) {
        let url = format!("http://{}/mcp", case.host);
        let mut pipe = Gateway::builder().flags(&["--connect", &url]).stdio();
        pipe.initialize_as("2025-11-25", capabilities()).await;
        let stdin = tokio::sync::Mutex::new(Some(pipe.take_stdin()));
        (Self::new(case, number, Mouth::Pipe(stdin)), Ear::Pipe(pipe))
    }

    fn new(case: &Arc<Case>, number: usize, mouth: Mouth) -> Arc<Self> {
        let (waiting, answers, twist) = (Mutex::default(), Mutex::default(), Mutex::new(Twist::None));
        Arc::new(Self { case: Arc::clone(case), number, mouth, calls: AtomicU64::new(0), waiting, answers, twist })
    }

    /// Reads until `over` is there, or the stream ends.
    pub(super) async fn listen(self: Arc<Self>, mut ear: Ear, over: oneshot::Receiver<()>) {
        let mut over = pin!(over);
        loop {
            tokio::select! {
                _ = &mut over => break,
                message = ear.next() => match message {
                    Some(message) => self.hear(message),
                    None => {
                        self.case.fault(format!("client {}: its stream has ended", self.number));
                        break;
                    }
                },
            }
        }
        if let (Mouth::Pipe(stdin), Ear::Pipe(mut pipe)) = (&self.mouth, ear) {
            let children = pipe.children();
            stdin.lock().await.take();
            for message in pipe.ends(&children).await.0 {
                self.case.hear(self.number, &message);
            }
        }
    }

    fn hear(self: &Arc<Self>, message: Value) {
        match (message["id"].as_u64(), message["method"].as_str()) {
            (Some(id), None) => match self.waiting.lock().unwrap().remove(&id) {
                // Who has hung up does not read it.
                Some(waiting) => drop(waiting.send(message)),
                None => self.case.fault(format!("client {}: a second answer: {message}", self.number)),
            },
            (_, Some(_)) if message.get("id").is_some() => {
                let (connection, twist) = (Arc::clone(self), *self.twist.lock().unwrap());
                self.answers.lock().unwrap().spawn(async move {
                    for (late, answer) in replies(&connection.case, connection.number, &message, twist) {
                        sleep(late).await;
                        connection.send(&answer).await;
                    }
                });
            }
            _ => self.case.hear(self.number, &message),
        }
    }

    /// Makes a call, whose questions are answered by whoever reads.
    pub(super) async fn call(&self, step: &Step, mark: &str) -> Ending {
        let id = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let (sender, mut answer) = oneshot::channel();
        self.waiting.lock().unwrap().insert(id, sender);
        *self.twist.lock().unwrap() = step.twist;
        let params = json!({"name": self.case.tool(step), "arguments": Case::arguments(step, mark)});
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params})).await;
        if let Twist::Cancel(after) | Twist::HangUp(after) = step.twist {
            let Ok(answer) = timeout(after, &mut answer).await else {
                let params = json!({"requestId": id, "reason": "storm"});
                self.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})).await;
                return Ending::Left;
            };
            return self.ending(answer.expect("who waits is answered"));
        }
        match timeout(PATIENCE, answer).await {
            Ok(Ok(answer)) => self.ending(answer),
            Ok(Err(_)) => Ending::Left,
            Err(_) => {
                self.case.fault(format!("client {}: no answer to {mark} within {PATIENCE:?}", self.number));
                Ending::Left
            }
        }
    }

    fn ending(&self, mut answer: Value) -> Ending {
        self.case.hear(self.number, &answer);
        match answer["error"].take() {
            Value::Null => Ending::Result(answer["result"].take()),
            error => Ending::Error(error),
        }
    }

    async fn send(&self, message: &Value) {
        match &self.mouth {
            Mouth::Address(address) => {
                let response = self.case.send("POST", address, &[], message.to_string()).await;
                if ![202, 404].contains(&response.status) {
                    self.case.fault(format!("client {}: {message} was answered {response:?}", self.number));
                }
            }
            Mouth::Pipe(stdin) => {
                if let Some(stdin) = stdin.lock().await.as_mut() {
                    stdin.write_all(format!("{message}\n").as_bytes()).await.unwrap();
                }
            }
        }
    }
}
