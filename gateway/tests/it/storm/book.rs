//! What is noted of one interleaving: what its clients were asked and said, and what was wrong.
//!
//! Invariant: a mark belongs to one call of one client; whoever meets another's has found a crossing.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};

use super::plan::{Step, Twist, Weather};
use crate::support::{Http, Response};

/// `mark-`, then seed, client and call in hexadecimal digits.
const MARK: usize = 5 + 8 + 1 + 2;

/// How a call ended for its client.
#[derive(Debug)]
pub(super) enum Ending {
    Result(Value),
    Error(Value),
    /// No answer, as its client wished.
    Silent,
    /// The client went.
    Left,
}

/// What a client says to a question.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Said {
    Result(Value),
    Error(Value),
}

/// All interleavings of a run.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) weather: Weather,
    faults: Mutex<Vec<String>>,
    counts: Mutex<BTreeMap<String, usize>>,
}

impl Book {
    pub(super) fn new(weather: Weather) -> Self {
        Self { weather, faults: Mutex::default(), counts: Mutex::default() }
    }

    /// Notes what is wrong.
    pub(super) fn fault(&self, seed: u64, what: impl Into<String>) {
        self.faults.lock().unwrap().push(format!("seed {seed}: {}", what.into()));
    }

    /// Counts what happened.
    pub(super) fn count(&self, what: impl Into<String>) {
        *self.counts.lock().unwrap().entry(what.into()).or_default() += 1;
    }

    /// How often something happened whose name begins so.
    pub(super) fn counted(&self, what: &str) -> usize {
        let counts = self.counts.lock().unwrap();
        counts.iter().filter(|(name, _)| name.starts_with(what)).map(|(_, count)| count).sum()
    }

    /// What happened, a line for each.
    pub(super) fn table(&self) -> String {
        self.counts.lock().unwrap().iter().map(|(what, count)| format!("{count:6} {what}\n")).collect()
    }

    /// What was wrong.
    pub(super) fn faults(&self) -> Vec<String> {
        self.faults.lock().unwrap().clone()
    }
}

/// One interleaving.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) seed: u64,
    /// The gateway.
    pub(super) host: String,
    pub(super) lane: usize,
    pub(super) book: Arc<Book>,
    /// Connections that nobody uses at the moment.
    idle: Mutex<Vec<Http>>,
    /// What was said to each question, by its key.
    said: Mutex<HashMap<String, Said>>,
    /// What the modern clients were to bring back, and the ids under which the legacy ones were asked.
    pub(super) handles: Mutex<Vec<String>>,
    pub(super) ids: Mutex<Vec<(usize, Value)>>,
}

/// The first two clients speak the modern era.
pub(super) fn is_modern(client: usize) -> bool {
    client < 2
}

/// The marks in a text.
pub(super) fn marks(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("mark-").filter_map(|(at, _)| text.get(at..at + MARK))
}

/// The first part of the marks of one client.
fn owner(seed: u64, client: usize) -> String {
    format!("mark-{seed:08x}{client:x}")
}

impl Case {
    pub(super) fn new(seed: u64, host: &str, lane: usize, book: &Arc<Book>) -> Arc<Self> {
        let (idle, said, handles, ids) = Default::default();
        Arc::new(Self { seed, host: host.into(), lane, book: Arc::clone(book), idle, said, handles, ids })
    }

    /// Sends a request and reads the whole answer. Dropped, it hangs up.
    pub(super) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: String) -> Response {
        let idle = self.idle.lock().unwrap().pop();
        let mut http = match idle {
            Some(http) => http,
            None => Http::connect(&self.host).await,
        };
        let response = http.send(method, path, headers, body).await;
        self.idle.lock().unwrap().push(http);
        response
    }

    /// The mark of a client's call.
    pub(super) fn mark(&self, client: usize, call: usize) -> String {
        format!("{}{call:02x}", owner(self.seed, client))
    }

    /// The exposed name of the tool.
    pub(super) fn tool(&self, step: &Step) -> String {
        format!("{}{}__quiz", step.kind.name, self.lane)
    }

    /// The arguments of a call.
    pub(super) fn arguments(step: &Step, mark: &str) -> Value {
        let Step { rounds, ms, heedless, .. } = step;
        match step.twist {
            Twist::Malformed => json!({"mark": mark, "rounds": 5}),
            _ => json!({"mark": mark, "rounds": rounds, "ms": ms, "heedless": heedless}),
        }
    }

    pub(super) fn fault(&self, what: impl Into<String>) {
        self.book.fault(self.seed, what);
    }

    /// Whatever a client hears holds no mark but its own.
    pub(super) fn hear(&self, client: usize, message: &Value) {
        let text = message.to_string();
        if let Some(other) = marks(&text).find(|mark| !mark.starts_with(&owner(self.seed, client))) {
            self.fault(format!("client {client} hears of {other}: {text}"));
        }
    }

    /// What a client says to a question, and after how long.
    pub(super) fn answer(&self, client: usize, question: &Value) -> (Duration, Said) {
        self.hear(client, question);
        let text = question["params"].to_string();
        let Some(key) = marks(&text).next().and_then(|mark| text.get(text.find(mark)?..)?.split('?').next()) else {
            self.fault(format!("client {client} is asked what no call asks: {question}"));
            return (Duration::ZERO, Said::Result(json!({})));
        };
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let mut rng = Rng::with_seed(hasher.finish());
        let method = question["method"].as_str().unwrap_or_default();
        let (late, mut said) = choose(&mut rng, method, key);
        if is_modern(client)
            && let Said::Error(_) = said
        {
            // The modern era has bare results only.
            said = Said::Result(json!({"nonsense": key}));
        }
        self.book.count(format!("asked {method}"));
        self.said.lock().unwrap().insert(key.to_owned(), said.clone());
        (late, said)
    }

    /// Checks what the shard heard against what was said.
    pub(super) fn check_result(&self, step: &Step, mark: &str, result: &Value) {
        let structured = &result["structuredContent"];
        let Some(heard) = structured["heard"].as_object().filter(|_| structured["mark"] == mark) else {
            return self.fault(format!("{mark}: a result that is not its own: {result}"));
        };
        let expected = match step.kind.is_legacy() {
            true => step.rounds.iter().map(Vec::len).sum(),
            // Only the last round's answers are with the last request.
            false => step.rounds.last().map_or(0, Vec::len),
        };
        if heard.len() != expected {
            self.fault(format!("{mark}: {} of {expected} answers: {result}", heard.len()));
        }
        let said = self.said.lock().unwrap();
        for (key, outcome) in heard {
            let same = match said.get(key) {
                Some(Said::Result(said)) => outcome["result"] == *said,
                Some(Said::Error(said)) => outcome["error"] == *said,
                None => false,
            };
            if same {
                self.book.count("answers that arrived");
            } else if marks(&outcome.to_string()).next().is_none() && self.may_be_polite(step, said.get(key)) {
                self.book
                    .count(format!("answered for the client on a {} {} shard", step.kind.instances, step.kind.era));
            } else {
                self.fault(format!("{mark}: {key} was answered {outcome}, and its client said {:?}", said.get(key)));
            }
        }
    }

    /// Whether the shard may hear something else than what the client said.
    fn may_be_polite(&self, step: &Step, said: Option<&Said>) -> bool {
        step.kind.may_be_mute() || matches!(said, Some(Said::Error(_)))
    }

    /// Whether a question of this call was answered with an error.
    pub(super) fn has_refused(&self, mark: &str) -> bool {
        let said = self.said.lock().unwrap();
        said.iter().any(|(key, said)| key.starts_with(mark) && matches!(said, Said::Error(_)))
    }

    /// The handle of another call, if there is one.
    pub(super) fn foreign(&self, own: &str) -> Option<String> {
        self.handles.lock().unwrap().iter().find(|handle| *handle != own).cloned()
    }
}

/// What becomes of a question: mostly a good answer, sometimes a late one, none, or nonsense.
fn choose(rng: &mut Rng, method: &str, key: &str) -> (Duration, Said) {
    let good = match method {
        "elicitation/create" => json!({"action": "accept", "content": {"said": key}}),
        "sampling/createMessage" => {
            json!({"role": "assistant", "content": {"type": "text", "text": key}, "model": "m", "x": 1.5})
        }
        _ => json!({"roots": [{"uri": format!("file:///{key}")}]}),
    };
    let soon = Duration::from_micros(rng.u64(..4000));
    match rng.u8(..20) {
        0 | 1 if method == "elicitation/create" => (soon, Said::Result(json!({"action": "decline", "x": key}))),
        2 if method == "elicitation/create" => (soon, Said::Result(json!({"action": "cancel", "x": key}))),
        3 => (soon, Said::Result(json!({"nonsense": key}))),
        4 => (soon, Said::Error(json!({"code": -1, "message": format!("no: {key}")}))),
        5 | 6 => (Duration::from_millis(rng.u64(10..50)), Said::Result(good)),
        _ => (soon, Said::Result(good)),
    }
}
