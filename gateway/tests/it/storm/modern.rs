//! A modern client over HTTP: each request stands alone, and what was asked is brought back with the next one.
//!
//! Invariant: a handle is used up by exactly one retry; every other one is refused and runs nothing.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::{sleep, timeout};

use super::book::{Case, Ending, Said};
use super::plan::{Step, Twist, Weather};
use crate::support::modern_meta;

/// After so many rounds a call asks for more than it has questions.
const ROUNDS: usize = 12;

/// One client.
#[derive(Debug)]
pub(super) struct Modern {
    case: Arc<Case>,
    number: usize,
}

/// What comes back of one request.
enum Reply {
    Asked { requests: Map<String, Value>, handle: String },
    Over(Ending),
}

/// A call with what each of its requests says.
struct Call<'a> {
    step: &'a Step,
    mark: &'a str,
    arguments: Value,
}

impl Modern {
    pub(super) fn new(case: &Arc<Case>, number: usize) -> Self {
        Self { case: Arc::clone(case), number }
    }

    /// Makes a call and answers what it is asked.
    pub(super) async fn call(&self, step: &Step, mark: &str) -> Ending {
        let call = Call { step, mark, arguments: Case::arguments(step, mark) };
        let rounds = self.rounds(&call);
        match step.twist {
            Twist::Cancel(after) | Twist::HangUp(after) => timeout(after, rounds).await.unwrap_or(Ending::Left),
            _ => rounds.await,
        }
    }

    async fn rounds(&self, call: &Call<'_>) -> Ending {
        let mut reply = self.send(call, &call.arguments, None).await;
        for round in 0..ROUNDS {
            let (requests, handle) = match reply {
                Reply::Over(ending) => return ending,
                Reply::Asked { requests, handle } => (requests, handle),
            };
            let answers = self.answers(&requests).await;
            if call.step.twist == Twist::Abandon {
                return Ending::Left;
            }
            if round == 0 {
                self.attempts(call, &handle, &answers).await;
            }
            reply = match (round, call.step.twist) {
                (0, Twist::Twice) => self.twice(call, &handle, &answers).await,
                (0, Twist::Missing) if answers.len() > 1 => {
                    let some: Map<_, _> = answers.into_iter().skip(1).collect();
                    self.send(call, &call.arguments, Some((&handle, &some))).await
                }
                _ => self.send(call, &call.arguments, Some((&handle, &answers))).await,
            };
            if (round, call.step.twist) == (0, Twist::Again) && call.step.kind.is_legacy() {
                self.must_be_refused(call, &call.arguments, &handle, &Map::new()).await;
            }
        }
        self.case.fault(format!("{}: it is asked without end", call.mark));
        Ending::Left
    }

    /// The retries that are refused and leave the handle as it is.
    async fn attempts(&self, call: &Call<'_>, handle: &str, answers: &Map<String, Value>) {
        let is_ours = call.step.kind.is_legacy();
        match call.step.twist {
            Twist::Foreign => {
                if let Some(other) = self.case.foreign(handle) {
                    self.must_be_refused(call, &call.arguments, &other, answers).await;
                }
            }
            Twist::OtherArguments if is_ours => {
                let mut others = call.arguments.clone();
                others["ms"] = json!(77);
                self.must_be_refused(call, &others, handle, answers).await;
            }
            Twist::Garbage if is_ours => {
                let garbage = answers.keys().map(|key| (key.clone(), json!(5))).collect();
                self.must_be_refused(call, &call.arguments, handle, &garbage).await;
            }
            _ => {}
        }
    }

    async fn must_be_refused(&self, call: &Call<'_>, arguments: &Value, handle: &str, answers: &Map<String, Value>) {
        match self.send(call, arguments, Some((handle, answers))).await {
            Reply::Over(Ending::Error(error)) if error["code"] == -32602 => {
                self.case.book.count(format!("refused, {:?}: {}", call.step.twist, plain(&error)));
            }
            // Its shard was killed before it could refuse.
            Reply::Over(Ending::Result(result))
                if self.case.book.weather == Weather::Foul && result["isError"] == true => {}
            Reply::Over(other) => {
                self.case.fault(format!("{}: {:?} is not refused: {other:?}", call.mark, call.step.twist));
            }
            Reply::Asked { .. } => self.case.fault(format!("{}: {:?} is asked again", call.mark, call.step.twist)),
        }
    }

    /// Two retries at once: of those with a handle of the gateway exactly one goes on.
    async fn twice(&self, call: &Call<'_>, handle: &str, answers: &Map<String, Value>) -> Reply {
        let retry = || self.send(call, &call.arguments, Some((handle, answers)));
        let (one, two) = tokio::join!(retry(), retry());
        let is_refused = |reply: &Reply| matches!(reply, Reply::Over(Ending::Error(error)) if error["code"] == -32602);
        if call.step.kind.is_legacy() {
            match (is_refused(&one), is_refused(&two)) {
                (true, false) | (false, true) => self.case.book.count("one of two retries at once went on"),
                (false, false) => self.case.fault(format!("{}: both of two retries went on", call.mark)),
                // The life of the handle may be over.
                (true, true) => self.case.book.count("two retries at once were too late"),
            }
        }
        if is_refused(&one) { two } else { one }
    }

    async fn answers(&self, requests: &Map<String, Value>) -> Map<String, Value> {
        let mut latest = Duration::ZERO;
        let mut answers = Map::new();
        for (key, request) in requests {
            let (late, said) = self.case.answer(self.number, request);
            latest = latest.max(late);
            let (Said::Result(said) | Said::Error(said)) = said;
            answers.insert(key.clone(), said);
        }
        sleep(latest).await;
        answers
    }

    async fn send(&self, call: &Call<'_>, arguments: &Value, retry: Option<(&str, &Map<String, Value>)>) -> Reply {
        let tool = self.case.tool(call.step);
        let mut meta = modern_meta();
        meta["io.modelcontextprotocol/clientCapabilities"] =
            json!({"elicitation": {"form": {}}, "sampling": {}, "roots": {}});
        let mut params = json!({"name": tool, "arguments": arguments, "_meta": meta});
        if let Some((handle, answers)) = retry {
            params["requestState"] = json!(handle);
            params["inputResponses"] = json!(answers);
        }
        let request = json!({"jsonrpc": "2.0", "id": call.mark, "method": "tools/call", "params": params});
        let headers = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", &*tool)];
        let response = self.case.send("POST", "/mcp", &headers, request.to_string()).await;
        let mut answer = response.answer();
        self.case.hear(self.number, &answer);
        if answer["id"] != call.mark {
            self.case.fault(format!("{}: an answer to another request: {answer}", call.mark));
        }
        if !answer["error"].is_null() {
            return Reply::Over(Ending::Error(answer["error"].take()));
        }
        let mut result = answer["result"].take();
        if result["resultType"] != "input_required" {
            return Reply::Over(Ending::Result(result));
        }
        let Value::Object(requests) = result["inputRequests"].take() else { return Reply::Over(Ending::Error(result)) };
        let handle = result["requestState"].as_str().unwrap_or_default().to_owned();
        self.case.handles.lock().unwrap().push(handle.clone());
        Reply::Asked { requests, handle }
    }
}

/// An error without what differs from call to call.
pub(super) fn plain(error: &Value) -> String {
    let message = error["message"].as_str().unwrap_or_default();
    message
        .split_whitespace()
        .map(|word| if word.contains(|c: char| c.is_ascii_digit()) { "#" } else { word })
        .fold(String::new(), |text, word| text + word + " ")
}
