//! Answers of the modern era that need input of the client first (`input_required`), by a plan in the arguments.
//!
//! Nothing is kept between two calls: `requestState` says which round it is, and bears a mark of its call, without which it is
//! refused.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::era::Speech;
use crate::notes;
use crate::serve::Shard;
use crate::tools::Call;
use crate::wire::{Params, Refusal, answer};

/// The tool that follows a plan.
pub(crate) const TOOL: &str = "input";
/// The prompt, and the end of a uri, that are only to be had for an answer.
pub(crate) const NEEDS_INPUT: &str = "needs_input";

/// What a prompt or a resource asks, once.
const ONE: &str = concat!(
    r#"{"who":{"method":"elicitation/create","params":{"message":"Who asks?","requestedSchema":"#,
    r#"{"type":"object","properties":{"name":{"type":"string"}}}}}}"#
);

/// The arguments.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Plan<'a> {
    /// The `inputRequests` of each round; with `{}` there is only a `requestState`. Without any it is one elicitation.
    #[serde(borrow)]
    rounds: Option<Vec<&'a RawValue>>,
    /// The last round comes again and again.
    endless: bool,
    /// Each answer comes after so many milliseconds.
    ms: u64,
    /// Progress and a log message precede each answer.
    notes: bool,
    /// The progress of each round begins anew.
    anew: bool,
    /// What the client has not declared is not asked: the call is refused.
    strict: bool,
}

/// The answer to a call of the tool, now or from a thread.
pub(crate) fn call(shard: &Shard, call: &Call, params: &Params) -> Result<(), Refusal> {
    if call.speech == Speech::Legacy {
        return Err(Refusal::new(-32602, "Unknown tool: input"));
    }
    let plan: Plan = call.read()?;
    let default = vec![serde_json::from_str(ONE).expect("it is JSON")];
    let rounds = plan.rounds.unwrap_or(default);
    let texts: Vec<&str> = rounds.iter().map(|round| round.get()).collect();
    let mark = mark(&call.arguments);
    let round = reached(params, &texts, plan.endless, mark)?;
    let mut lines = String::new();
    if plan.notes {
        let (token, step) = (call.token.iter(), if plan.anew { 1 } else { round as u64 + 1 });
        lines.extend(token.map(|token| notes::progress(token, step, texts.len() as u64 + 1, "")));
        lines += &notes::log(round as u64 + 1);
    }
    lines += &match texts.get(round) {
        Some(asked) => {
            if plan.strict {
                check(asked, params)?;
            }
            answer(&call.id, &required(asked, round, mark))
        }
        None => call.structured(&format!(
            r#"{{"rounds":{round},"state":{},"responses":{}}}"#,
            json!(params.request_state),
            params.input_responses.map_or("null", RawValue::get),
        )),
    };
    let out = Arc::clone(&shard.out);
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(plan.ms));
        out.send(lines);
    });
    Ok(())
}

/// What a prompt or resource answers before it has been told who asks.
pub(crate) fn first(params: &Params) -> Option<String> {
    params.input_responses.is_none().then(|| required(ONE, 0, mark(NEEDS_INPUT)))
}

/// An answer to a method that may have none of this kind.
pub(crate) fn forbidden() -> String {
    required(ONE, 0, mark(NEEDS_INPUT))
}

/// The state bears an escape, which whoever reads it as text writes in another way.
fn required(asked: &str, round: usize, mark: u64) -> String {
    let questions = if asked == "{}" { String::new() } else { format!(r#""inputRequests":{asked},"#) };
    format!(r#"{{"resultType":"input_required",{questions}"requestState":"st\u0061te-{}/{mark:016x}"}}"#, round + 1)
}

fn mark(of: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// How many rounds have been answered.
fn reached(params: &Params, rounds: &[&str], endless: bool, mark: u64) -> Result<usize, Refusal> {
    let Some(state) = &params.request_state else { return Ok(0) };
    let tampered = || Refusal::new(-32602, "requestState has been tampered with");
    let state = state.strip_prefix("state-").and_then(|state| state.split_once('/')).ok_or_else(tampered)?;
    let round: usize = state.0.parse().map_err(|_| tampered())?;
    if state.1 != format!("{mark:016x}") || !(1..=rounds.len()).contains(&round) {
        return Err(tampered());
    }
    // What was not answered is asked again.
    let asked: Value = serde_json::from_str(rounds[round - 1]).map_err(|_| tampered())?;
    let given: Value =
        params.input_responses.map_or(Value::Null, |given| serde_json::from_str(given.get()).unwrap_or_default());
    let is_answered = asked.as_object().is_none_or(|asked| asked.keys().all(|key| given.get(key).is_some()));
    Ok(if !is_answered || (endless && round == rounds.len()) { round - 1 } else { round })
}

fn check(asked: &str, params: &Params) -> Result<(), Refusal> {
    let declared = params.meta.client_capabilities.map_or("{}", RawValue::get);
    let declared: Value = serde_json::from_str(declared).unwrap_or_default();
    let asked: Value = serde_json::from_str(asked).unwrap_or_default();
    for request in asked.as_object().into_iter().flat_map(|asked| asked.values()) {
        let (kind, mode) = match request["method"].as_str() {
            Some("elicitation/create") => ("elicitation", request["params"]["mode"].as_str()),
            Some("sampling/createMessage") => ("sampling", request["params"].get("tools").map(|_| "tools")),
            _ => ("roots", None),
        };
        // An elicitation that names no mode means forms, which are declared by an empty object too.
        let has = declared.get(kind).is_some_and(|kind| mode.is_none_or(|mode| kind.get(mode).is_some()));
        if !has {
            let needed = mode.map_or_else(|| json!({}), |mode| json!({mode: {}}));
            let data = format!(r#"{{ "requiredCapabilities":{}, "n":1.50}}"#, json!({kind: needed}));
            return Err(Refusal::new(-32021, "Missing required client capability").with_data(data));
        }
    }
    Ok(())
}
