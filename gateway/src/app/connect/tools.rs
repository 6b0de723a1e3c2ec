//! What the gateway's tools want repeated in headers: a client on stdio knows nothing of headers.
//!
//! Invariant: what is known is what the last list said. Of at most [`MOST`] tools it is remembered; for others it is asked for
//! when the gateway refuses a call. A modern client is shown no tool whose headers cannot be written, as the revision demands
//! of who speaks HTTP for it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use reqwest::header::HeaderMap;
use tracing::{debug, warn};

use crate::app::peer::argument_headers;
use crate::catalogue::{BadMark, Mirrored};
use crate::wire::{Edit, Params, Raw, splice};

/// Hardly any tool wants anything repeated.
const MOST: usize = 1024;

/// The tools that want something repeated, by name.
#[derive(Debug, Default)]
pub(super) struct Tools(Mutex<HashMap<String, Mirrored>>);

impl Tools {
    /// Takes note of the result of `tools/list`. Gives what the client is to see instead, if that differs.
    pub(super) fn learn(&self, result: Raw<'_>) -> Option<String> {
        if !Mirrored::may_be_in(result) {
            // A list can be long, and is on its way to the client.
            self.lock().clear();
            return None;
        }
        let tools = result.get("tools")?;
        let (mut found, mut good, mut count) = (HashMap::new(), Vec::new(), 0);
        for tool in tools.elements() {
            count += 1;
            let name = tool.get("name").and_then(Raw::string).unwrap_or_default();
            match tool.get("inputSchema").map_or(Ok(None), Mirrored::read) {
                // Of too many the gateway compares none.
                Ok(None) | Err(BadMark::TooMany(_)) => {}
                Ok(Some(mirrored)) if found.len() < MOST => {
                    found.insert(name.into_owned(), mirrored);
                }
                Ok(Some(_)) => debug!(tool = &*name, limit = MOST, "what it wants repeated is not remembered"),
                Err(error) => {
                    warn!(tool = &*name, %error, "the client does not see a tool whose headers cannot be written");
                    continue;
                }
            }
            good.push(tool.as_str());
        }
        *self.lock() = found;
        if good.len() == count {
            return None;
        }
        let mut shown = Vec::new();
        splice(result, &[Edit::Set("tools", &format!("[{}]", good.join(",")))], &mut shown);
        Some(String::from_utf8(shown).expect("pieces of JSON text are UTF-8"))
    }

    /// What headers repeat of a call with these parameters.
    pub(super) fn headers(&self, params: &Params<'_>) -> HeaderMap {
        let Some(name) = params.name.and_then(Raw::string) else { return HeaderMap::new() };
        let tools = self.lock();
        tools.get(&*name).map(|mirrored| argument_headers(mirrored, params.arguments)).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Mirrored>> {
        self.0.lock().expect("nothing panics while it holds this lock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Raw<'_> {
        Raw::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn the_last_list_says_what_is_repeated() {
        let tools = Tools::default();
        let told = |params: &str| {
            let headers = tools.headers(&Params::read(Some(raw(params))).unwrap());
            let mut told: Vec<_> =
                headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
            told.sort_unstable();
            told
        };
        let call = r#"{"name":"a","arguments":{"region":"é","n":1e1,"dry":null}}"#;
        assert_eq!(told(call), Vec::<String>::new());
        let shown =
            tools.learn(raw(r#"{"tools":[{"name":"b","inputSchema":{}},{"name":"a","inputSchema":{"properties":{
                "region":{"type":"string","x-mcp-header":"Region"},"n":{"type":"integer","x-mcp-header":"N"},
                "dry":{"type":"boolean","x-mcp-header":"Dry"}}}}]}"#));
        assert_eq!(shown, None);
        assert_eq!(told(call), ["mcp-param-n: 10", "mcp-param-region: =?base64?w6k=?="]);
        assert_eq!(told(r#"{"name":"b","arguments":{"region":"x"}}"#), Vec::<String>::new());
        assert_eq!(told(r#"{"name":"a"}"#), Vec::<String>::new());
        tools.learn(raw(r#"{"tools":[{"name":"a","inputSchema":{}}]}"#));
        assert_eq!(told(call), Vec::<String>::new());
    }

    #[test]
    fn a_tool_whose_headers_cannot_be_written_is_not_shown() {
        let bad = r#"{"name":"bad","inputSchema":{"properties":{"a":{"type":"number","x-mcp-header":"A"}}}}"#;
        let (one, two) = (r#"{"name":"one", "inputSchema":{}}"#, r#"{"name":"two"}"#);
        let list = format!(r#"{{"ttlMs":1.0, "tools":[{one} , {bad}, {two}],"x":1}}"#);
        let shown = Tools::default().learn(raw(&list)).unwrap();
        assert_eq!(shown, format!(r#"{{"ttlMs":1.0, "tools":[{one},{two}],"x":1}}"#));
    }
}
