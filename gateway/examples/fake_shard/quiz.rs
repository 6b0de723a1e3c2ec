//! The tool `quiz`: it asks the client in rounds and says what it heard, in both eras.
//!
//! Each question and each state carries the call's own mark, so that whatever reaches another call can be told.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::tools::Call;
use crate::waits::{Waits, Wake};
use crate::wire::{Out, Refusal, answer, json};

/// The arguments.
#[derive(Deserialize)]
pub(crate) struct Quiz {
    mark: String,
    /// The methods of each round's questions, which are asked at once.
    rounds: Vec<Vec<String>>,
    /// Milliseconds of work before each round, and before the answer.
    #[serde(default)]
    ms: u64,
    /// A cancellation changes nothing.
    #[serde(default)]
    heedless: bool,
}

/// What is heard, by the keys of the questions; JSON text.
type Heard = BTreeMap<String, String>;

/// The answer of a client to a question of the legacy era.
#[derive(Deserialize)]
struct Answer<'a> {
    id: String,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

impl Quiz {
    /// The keys and methods of a round's questions.
    fn questions(&self, round: usize) -> Vec<(String, &str)> {
        let methods = self.rounds.get(round).into_iter().flatten().enumerate();
        methods.map(|(place, method)| (format!("{}:{round}.{place}", self.mark), method.as_str())).collect()
    }

    /// Passes the time of one round; false if that is the end of the call.
    fn works(&self, wakes: &Receiver<Wake>) -> bool {
        match wakes.recv_timeout(Duration::from_millis(self.ms)) {
            Err(RecvTimeoutError::Timeout) => true,
            _ if self.heedless => {
                thread::sleep(Duration::from_millis(self.ms));
                true
            }
            _ => false,
        }
    }

    fn result(&self, heard: &Heard) -> String {
        let heard: Vec<_> = heard.iter().map(|(key, said)| format!("{}:{said}", json(key))).collect();
        format!(r#"{{"mark":{},"heard":{{{}}}}}"#, json(&self.mark), heard.join(","))
    }

    /// What only this call and this round can bring along.
    fn state(&self, round: usize) -> String {
        let mut hasher = DefaultHasher::new();
        (&self.mark, round).hash(&mut hasher);
        format!("{round}.{:016x}", hasher.finish())
    }

    /// The round that a client has answered; the error is a state that was not made for this call.
    fn round_of(&self, state: Option<&str>) -> Result<Option<usize>, Refusal> {
        let Some(state) = state else { return Ok(None) };
        let round = (0..self.rounds.len()).find(|round| self.state(*round) == state);
        round.map(Some).ok_or_else(|| Refusal::new(-32602, "`requestState` was not made for this call"))
    }
}

/// The legacy era: asks on the pipe, round by round, and answers. Runs on the call's own thread.
pub(crate) fn ask(out: &Out, waits: &Waits, call: &Call, quiz: &Quiz, wake: &Sender<Wake>, wakes: &Receiver<Wake>) {
    let mut heard = Heard::new();
    for round in 0..quiz.rounds.len() {
        if !quiz.works(wakes) {
            return;
        }
        let mut lines = String::new();
        for (key, method) in quiz.questions(round) {
            let key = json(&key);
            waits.expect_at(&key, wake.clone());
            let question = question(key.trim_matches('"'), method);
            lines += &format!("{{\"jsonrpc\":\"2.0\",\"id\":{key},{}\n", question.trim_start_matches('{'));
        }
        out.send(lines);
        let until = heard.len() + quiz.rounds[round].len();
        while heard.len() < until {
            match wakes.recv() {
                Ok(Wake::Answered(line)) => heard.extend(said(&line)),
                Ok(Wake::Cancelled) if quiz.heedless => {}
                _ => return,
            }
        }
    }
    if quiz.works(wakes) {
        out.send(call.structured(&quiz.result(&heard)));
    }
}

fn said(line: &str) -> Option<(String, String)> {
    let Answer { id, result, error } = serde_json::from_str(line).ok()?;
    let said = match (result, error) {
        (Some(result), _) => format!(r#"{{"result":{result}}}"#),
        (None, error) => format!(r#"{{"error":{}}}"#, error.map_or("null", RawValue::get)),
    };
    Some((id, said))
}

/// The modern era: the questions of the next round, or the result. Runs on the call's own thread.
pub(crate) fn reply(out: &Out, call: &Call, quiz: &Quiz, wakes: &Receiver<Wake>) {
    if quiz.works(wakes) {
        out.send(next(call, quiz).map_or_else(|refusal| refusal.line(&call.id), |result| answer(&call.id, &result)));
    }
}

fn next(call: &Call, quiz: &Quiz) -> Result<String, Refusal> {
    let answered = quiz.round_of(call.request_state.as_deref())?;
    let mut said = responses(call)?;
    let mut heard = Heard::new();
    let mut round = answered.map_or(0, |round| round + 1);
    for (key, _) in answered.map(|round| quiz.questions(round)).unwrap_or_default() {
        match said.remove(&key) {
            Some(response) => drop(heard.insert(key, format!(r#"{{"result":{response}}}"#))),
            // What is missing is asked again, and all of its round with it.
            None => round = answered.unwrap_or_default(),
        }
    }
    if round == quiz.rounds.len() {
        let structured = quiz.result(&heard);
        return Ok(format!(
            r#"{{"resultType":"complete","content":[{{"type":"text","text":"ok"}}],"structuredContent":{structured}}}"#
        ));
    }
    let asked =
        quiz.questions(round).into_iter().map(|(key, method)| format!("{}:{}", json(&key), question(&key, method)));
    let (asked, state) = (asked.collect::<Vec<_>>().join(","), json(&quiz.state(round)));
    Ok(format!(r#"{{"resultType":"input_required","inputRequests":{{{asked}}},"requestState":{state}}}"#))
}

fn responses(call: &Call) -> Result<BTreeMap<String, &RawValue>, Refusal> {
    let text = call.input_responses.as_deref().unwrap_or("{}");
    serde_json::from_str(text).map_err(|error| Refusal::new(-32602, format!("`inputResponses`: {error}")))
}

/// Method and parameters of a question, which shows its key.
fn question(key: &str, method: &str) -> String {
    let params = match method {
        "elicitation/create" => {
            format!(
                r#"{{"mode":"form","message":"{key}?","requestedSchema":{{"type":"object","properties":{{"said":{{"type":"string"}}}}}}}}"#
            )
        }
        "sampling/createMessage" => {
            format!(r#"{{"messages":[{{"role":"user","content":{{"type":"text","text":"{key}?"}}}}],"maxTokens":16}}"#)
        }
        _ => format!(r#"{{"_meta":{{"question":"{key}?"}}}}"#),
    };
    format!(r#"{{"method":{},"params":{params}}}"#, json(method))
}
