//! Calls that take time: they wait on threads of their own, so that other calls are served meanwhile.
//!
//! A call is registered before its thread starts: a cancel that comes on the next line finds it.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::era::Speech;
use crate::interview::Interview;
use crate::notes;
use crate::quiz::{self, Quiz};
use crate::serve::Shard;
use crate::tools::Call;
use crate::wire::{Out, Refusal};

/// What ends a wait before its time.
pub(crate) enum Wake {
    Cancelled,
    /// The client's answer to what we asked: its whole line.
    Answered(String),
}

/// The calls that wait, by the request's id, and the questions that are open, by ours.
#[derive(Default)]
pub(crate) struct Waits {
    calls: Mutex<HashMap<String, Sender<Wake>>>,
    asks: Mutex<HashMap<String, Sender<Wake>>>,
}

impl Waits {
    /// Ends the wait of the request `id`, which then is never answered.
    pub(crate) fn cancel(&self, id: &str) {
        wake(&self.calls, id, Wake::Cancelled);
    }

    /// Expects the client's answer to our question `key`; what it gives waits for the answer's line.
    pub(crate) fn expect(&self, key: &str) -> impl FnOnce() -> Option<String> + use<> {
        let (sender, wakes) = channel();
        self.asks.lock().expect("no holder of this lock panics").insert(key.into(), sender);
        move || match wakes.recv() {
            Ok(Wake::Answered(line)) => Some(line),
            _ => None,
        }
    }

    /// The same for a wait that hears of its cancellation too.
    pub(crate) fn expect_at(&self, key: &str, sender: Sender<Wake>) {
        self.asks.lock().expect("no holder of this lock panics").insert(key.into(), sender);
    }

    /// Hands the client's answer to the call that asked.
    pub(crate) fn answered(&self, id: &str, line: &str) {
        wake(&self.asks, id, Wake::Answered(line.into()));
    }
}

fn wake(sleepers: &Mutex<HashMap<String, Sender<Wake>>>, id: &str, why: Wake) {
    let sleeper = sleepers.lock().expect("no holder of this lock panics").remove(id);
    if let Some(sleeper) = sleeper {
        // The call may have ended by itself in this very moment.
        let _ = sleeper.send(why);
    }
}

#[derive(Deserialize)]
struct Sleep {
    ms: u64,
}

#[derive(Deserialize)]
struct Progress {
    n: u64,
    #[serde(default)]
    delay_ms: u64,
    /// Stands in each message, so that those of one call can be told from another's.
    #[serde(default)]
    mark: String,
}

#[derive(Deserialize)]
struct Ask<'a> {
    method: String,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    /// After so long the question is taken back.
    withdraw_ms: Option<u64>,
}

/// Starts one of the calls that wait.
pub(crate) fn start(shard: &Shard, call: Call) -> Result<(), Refusal> {
    let (sender, wakes) = channel();
    let out = Arc::clone(&shard.out);
    let waits = Arc::clone(&shard.waits);
    let id = call.id.clone();
    let wait: Box<dyn FnOnce() + Send> = match call.name.as_str() {
        "sleep" => {
            let Sleep { ms } = call.read()?;
            Box::new(move || sleep(&out, &call, &wakes, ms))
        }
        "progress" => {
            let progress: Progress = call.read()?;
            Box::new(move || report(&out, &call, &wakes, &progress))
        }
        "quiz" => {
            let quiz: Quiz = call.read()?;
            let (sender, waits) = (sender.clone(), Arc::clone(&waits));
            Box::new(move || match call.speech {
                Speech::Legacy => quiz::ask(&out, &waits, &call, &quiz, &sender, &wakes),
                Speech::Modern => quiz::reply(&out, &call, &quiz, &wakes),
            })
        }
        "interview" => {
            Interview::check(&call)?;
            let interview = Interview { out, waits: Arc::clone(&waits), call, wakes };
            Box::new(move || interview.hold())
        }
        _ => {
            let ask: Ask = call.read()?;
            let key = format!(r#""ask-{}""#, call.id.trim_matches('"'));
            let question = question(&key, &ask.method, ask.params);
            shard.waits.expect_at(&key, sender.clone());
            shard.out.send(question);
            let withdraw = ask.withdraw_ms;
            Box::new(move || hear(&out, &call, &wakes, &key, withdraw))
        }
    };
    shard.waits.calls.lock().expect("no holder of this lock panics").insert(id.clone(), sender);
    thread::spawn(move || {
        wait();
        waits.calls.lock().expect("no holder of this lock panics").remove(&id);
    });
    Ok(())
}

fn sleep(out: &Out, call: &Call, wakes: &Receiver<Wake>, ms: u64) {
    if passes(wakes, ms) {
        out.send(call.text(&format!("slept {ms} ms")));
    }
}

/// With no delay everything is one write, so that the reader meets it in one piece.
fn report(out: &Out, call: &Call, wakes: &Receiver<Wake>, progress: &Progress) {
    let mut burst = String::new();
    for step in 1..=progress.n {
        if let Some(token) = &call.token {
            burst += &notes::progress(token, step, progress.n, &progress.mark);
        }
        if progress.delay_ms > 0 {
            out.send(std::mem::take(&mut burst));
            if !passes(wakes, progress.delay_ms) {
                return;
            }
        }
    }
    out.send(burst + &call.text(&format!("{} steps{}", progress.n, progress.mark)));
}

fn hear(out: &Out, call: &Call, wakes: &Receiver<Wake>, key: &str, withdraw_ms: Option<u64>) {
    let wait = withdraw_ms.map_or(Duration::MAX, Duration::from_millis);
    match wakes.recv_timeout(wait) {
        Ok(Wake::Answered(line)) => out.send(call.structured(&line)),
        Ok(Wake::Cancelled) | Err(RecvTimeoutError::Disconnected) => {}
        Err(RecvTimeoutError::Timeout) => {
            out.send(notes::withdrawn(key));
            out.send(call.structured(r#"{"withdrawn":true}"#));
        }
    }
}

/// Waits, and says whether the call may go on.
fn passes(wakes: &Receiver<Wake>, ms: u64) -> bool {
    matches!(wakes.recv_timeout(Duration::from_millis(ms)), Err(RecvTimeoutError::Timeout))
}

/// A request to the client; `id` is JSON text, and without `params` it has usual ones.
pub(crate) fn question(id: &str, method: &str, params: Option<&RawValue>) -> String {
    let usual = match method {
        "sampling/createMessage" => {
            r#"{"messages":[{"role":"user","content":{"type":"text","text":"Say hello."}}],"maxTokens":16}"#
        }
        "elicitation/create" => {
            r#"{"message":"Proceed?","requestedSchema":{"type":"object","properties":{"ok":{"type":"boolean"}}}}"#
        }
        _ => "{}",
    };
    let params = params.map_or(usual, |params| params.get());
    let method = crate::wire::json(method);
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":{method},\"params\":{params}}}\n")
}
