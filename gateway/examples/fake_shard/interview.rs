//! A call that asks as often as it is told to, says things in between, and tells at its end what it heard.
//!
//! It runs on a thread of its own; each step is done when the one before it is.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::era::Speech;
use crate::notes;
use crate::tools::Call;
use crate::waits::{Waits, Wake, question};
use crate::wire::{Out, Params, Refusal};

/// What is done, one after the other.
#[derive(Deserialize)]
struct Steps<'a> {
    #[serde(borrow)]
    steps: Vec<Step<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Step<'a> {
    /// Asks `method`, with `params`, and does not wait for the answer.
    Ask {
        method: String,
        #[serde(borrow)]
        params: Option<&'a RawValue>,
    },
    /// Waits until so many questions of all so far have been answered.
    Hear(usize),
    /// Takes the question with this place back.
    Withdraw(usize),
    /// Reports this progress.
    Progress(u64),
    /// Logs this line.
    Log(u64),
    /// Writes a whole message as it is.
    #[serde(borrow)]
    Say(&'a RawValue),
    /// Lets so many milliseconds pass.
    Sleep(u64),
    /// So many bytes of text stand in the answer.
    Bulk(usize),
}

/// What an interview has and hears.
pub(crate) struct Interview {
    pub(crate) out: Arc<Out>,
    pub(crate) waits: Arc<Waits>,
    pub(crate) call: Call,
    /// Cancellations of the call.
    pub(crate) wakes: Receiver<Wake>,
}

/// A prompt or a resource that is fetched with a question, as a call of the tool that asks one.
pub(crate) fn asking(id: &str, method: &str, params: &Params, speech: Speech) -> Option<Call> {
    let asks = match method {
        "resources/read" => params.uri.as_deref() == Some("fake://item/asks"),
        "prompts/get" => params.arguments.is_some_and(|arguments| arguments.get().contains(r#""asks""#)),
        _ => false,
    };
    let arguments = r#"{"method":"elicitation/create"}"#.to_owned();
    let (input_responses, request_state) = (None, None);
    asks.then(|| Call {
        id: id.into(),
        name: "ask".into(),
        arguments,
        token: None,
        speech,
        input_responses,
        request_state,
    })
}

impl Interview {
    /// The arguments must say what to do.
    pub(crate) fn check(call: &Call) -> Result<(), Refusal> {
        call.read::<Steps>().map(drop)
    }

    /// Does all steps, unless it is cancelled.
    pub(crate) fn hold(self) {
        let Ok(Steps { steps }) = self.call.read() else { return };
        let answers: Arc<Mutex<HashMap<usize, String>>> = Arc::default();
        let (mut asked, mut bulk) = (0, 0);
        for step in &steps {
            match step {
                Step::Ask { method, params } => {
                    let key = self.key(asked);
                    let hears = self.waits.expect(&key);
                    let (answers, place) = (Arc::clone(&answers), asked);
                    std::thread::spawn(move || {
                        if let Some(line) = hears() {
                            answers.lock().expect("no holder of this lock panics").insert(place, line);
                        }
                    });
                    self.out.send(question(&key, method, *params));
                    asked += 1;
                }
                Step::Hear(count) => {
                    let is_heard = || answers.lock().expect("no holder of this lock panics").len() >= *count;
                    if !self.until(Duration::MAX, is_heard) {
                        return;
                    }
                }
                Step::Withdraw(place) => self.out.send(notes::withdrawn(&self.key(*place))),
                Step::Progress(step) => {
                    let token = self.call.token.as_ref();
                    self.out.send(token.map(|token| notes::progress(token, *step, 100, "")).unwrap_or_default());
                }
                Step::Say(message) => self.out.send(format!("{}\n", message.get())),
                Step::Log(line) => self.out.send(notes::log(*line)),
                Step::Sleep(ms) => {
                    if !self.until(Duration::from_millis(*ms), || false) {
                        return;
                    }
                }
                Step::Bulk(bytes) => bulk = *bytes,
            }
        }
        let answers = answers.lock().expect("no holder of this lock panics");
        let heard: Vec<_> = (0..asked).map(|place| answers.get(&place).map_or("null", String::as_str)).collect();
        let told = format!(r#"{{"heard":[{}],"bulk":"{}"}}"#, heard.join(","), "x".repeat(bulk));
        self.out.send(self.call.structured(&told));
    }

    fn key(&self, place: usize) -> String {
        format!(r#""ask-{}-{place}""#, self.call.id.trim_matches('"'))
    }

    /// Waits for `limit` at most; false if the call is cancelled meanwhile.
    fn until(&self, limit: Duration, is_so: impl Fn() -> bool) -> bool {
        const LOOK: Duration = Duration::from_millis(2);
        let since = Instant::now();
        while !is_so() && since.elapsed() < limit {
            if !matches!(self.wakes.recv_timeout(LOOK), Err(RecvTimeoutError::Timeout)) {
                return false;
            }
        }
        true
    }
}
