//! What a modern shard wants to know before it answers (2026-07-28, basic/patterns/mrtr), and the call with which it hears it.
//!
//! Invariant: keys, `requestState` and answers are copied as they were written; only what the gateway decides on is read, and
//! what can be read in two ways is refused.

use std::collections::HashSet;

use bytes::Bytes;

use crate::mux::asks::OF_ONE;
use crate::mux::rewrite::edited;
use crate::wire::{Capabilities, Edit, Kind, Raw, read_object};

/// An `input_required` result.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) inputs: Vec<Input>,
    /// The `requestState`, JSON text.
    state: Option<Bytes>,
}

/// One of its `inputRequests`.
#[derive(Debug)]
pub(super) struct Input {
    /// Its key as the shard wrote it, quotes included.
    key: Bytes,
    pub(super) method: Box<str>,
    /// JSON text.
    pub(super) params: Option<Bytes>,
    /// What a client must have declared to be asked this.
    pub(super) needed: Capabilities,
}

impl Wanted {
    /// Reads the result of a shard.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(result: &Bytes) -> Result<Self, String> {
        let raw = Raw::parse(result).map_err(|malformed| malformed.to_string())?;
        let read = read_object(raw, &["inputRequests", "requestState"]);
        let [requests, state] = read.map_err(|ambiguous| ambiguous.to_string())?;
        if state.is_some_and(|state| state.kind() != Kind::String) {
            return Err("its `requestState` is no string".to_owned());
        }
        let state = state.map(|state| part(result, state));
        let Some(requests) = requests else {
            let nothing = || "it says neither in `inputRequests` nor in `requestState` which".to_owned();
            return state.is_some().then_some(Self { inputs: Vec::new(), state }).ok_or_else(nothing);
        };
        if requests.kind() != Kind::Object {
            return Err("its `inputRequests` are no object".to_owned());
        }
        let count = requests.members().count();
        if count > OF_ONE {
            return Err(format!("it has {count} questions at once, and a client is asked {OF_ONE} at most"));
        }
        let mut keys = HashSet::with_capacity(count);
        let mut inputs = Vec::with_capacity(count);
        for member in requests.members() {
            if !keys.insert(member.key()) {
                return Err("two of its `inputRequests` have the same key".to_owned());
            }
            inputs.push(Input::read(result, member.literal, member.value)?);
        }
        if inputs.is_empty() && state.is_none() {
            return Err("its `inputRequests` are empty, and it has no `requestState`".to_owned());
        }
        Ok(Self { inputs, state })
    }

    /// The parameters of the next call: those of the client, with an answer to each of the inputs.
    pub(super) fn answered<'a>(&self, params: Raw<'_>, answers: impl Iterator<Item = &'a Bytes>) -> String {
        let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
        let members = self.inputs.iter().zip(answers);
        let members: Vec<_> = members.map(|(input, answer)| text(&input.key) + ":" + &text(answer)).collect();
        let responses = format!("{{{}}}", members.join(","));
        let state = self.state.as_ref().map(text);
        let mut edits = Vec::with_capacity(2);
        edits.extend((!self.inputs.is_empty()).then_some(Edit::Set("inputResponses", &responses)));
        edits.extend(state.as_deref().map(|state| Edit::Set("requestState", state)));
        edited(params, &edits)
    }
}

impl Input {
    fn read(result: &Bytes, key: Raw<'_>, request: Raw<'_>) -> Result<Self, String> {
        let read = read_object(request, &["method", "params"]).map_err(|ambiguous| ambiguous.to_string())?;
        let [method, params] = read;
        let method = method.and_then(Raw::string).ok_or("one of its `inputRequests` has no `method`")?;
        if params.is_some_and(|params| params.kind() != Kind::Object) {
            return Err("the `params` of one of its `inputRequests` are no object".to_owned());
        }
        let needed = Capabilities::needed(&method, params);
        let needed = needed.ok_or("one of its `inputRequests` is nothing that a client can be asked")?;
        let params = params.map(|params| part(result, params));
        Ok(Self { key: part(result, key), method: (*method).into(), params, needed })
    }
}

fn part(whole: &Bytes, part: Raw<'_>) -> Bytes {
    whole.slice_ref(part.as_str().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Wanted, String> {
        Wanted::read(&Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn keys_states_and_answers_are_copied_as_they_were_written() {
        let asking = concat!(
            r#"{"requestState" : "s\u0074\/ate", "inputRequests":{ "k\u0065y" :{"params":{"a":1e5},"method":"roots/list"},"#,
            r#""b":{"method":"elicitation\/create"}}, "resultType":"input_required"}"#
        );
        let wanted = read(asking).unwrap();
        let asked: Vec<_> = wanted.inputs.iter().map(|input| (&*input.method, input.params.as_deref())).collect();
        assert_eq!(asked, [("roots/list", Some(&br#"{"a":1e5}"#[..])), ("elicitation/create", None)]);
        let params = Raw::parse(br#"{"name":"t", "requestState":"mine","_meta":{}}"#).unwrap();
        let answers = [r#"{"roots":[ ],"n":-0}"#, r#"{"action":"accept"}"#].map(Bytes::from);
        assert_eq!(
            wanted.answered(params, answers.iter()),
            concat!(
                r#"{"name":"t", "requestState":"s\u0074\/ate","_meta":{},"#,
                r#""inputResponses":{"k\u0065y":{"roots":[ ],"n":-0},"b":{"action":"accept"}}}"#
            )
        );
        let alone = read(r#"{"requestState":"s"}"#).unwrap();
        assert_eq!(alone.answered(Raw::EMPTY_OBJECT, [].iter()), r#"{"requestState":"s"}"#);
        let unmarked = read(r#"{"inputRequests":{"a":{"method":"roots/list"}}}"#).unwrap();
        let answer = Bytes::from_static(b"{}");
        assert_eq!(unmarked.answered(Raw::EMPTY_OBJECT, [answer].iter()), r#"{"inputResponses":{"a":{}}}"#);
    }

    #[test]
    fn what_is_odd_is_told_and_nothing_is_asked() {
        let roots = r#"{"method":"roots/list"}"#;
        let many: Vec<_> = (0..=OF_ONE).map(|n| format!("\"{n}\":{roots}")).collect();
        let of = |requests: &str| format!(r#"{{"inputRequests":{requests}}}"#);
        let cases = [
            ("{}".to_owned(), "neither"),
            (of("{}"), "are empty"),
            (of("[]"), "no object"),
            (of("null"), "no object"),
            (of(&format!("{{{}}}", many.join(","))), "65 questions at once"),
            (of(&format!(r#"{{"a":{roots},"\u0061":{roots}}}"#)), "the same key"),
            (of(r#"{"a":{}}"#), "no `method`"),
            (of(r#"{"a":7}"#), "no `method`"),
            (of(r#"{"a":{"method":"roots/list","params":[]}}"#), "`params`"),
            (of(r#"{"a":{"method":"tools/call"}}"#), "nothing that a client can be asked"),
            (of(r#"{"a":{"method":"roots/list","Method":"x"}}"#), "in case only"),
            (r#"{"requestState":7}"#.to_owned(), "no string"),
            (r#"{"requestState":"a","requestState":"b"}"#.to_owned(), "duplicate"),
        ];
        for (text, expected) in cases {
            let odd = read(&text).unwrap_err();
            assert!(odd.contains(expected), "{text}: {odd}");
        }
    }
}
