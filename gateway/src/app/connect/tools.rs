//! What the gateway's tools want repeated in headers: a client on stdio knows nothing of headers.
//!
//! Invariant: what is known is what the last list said. Of at most [`MOST`] tools it is remembered; for others it is asked for
//! when the gateway refuses a call.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use reqwest::header::HeaderMap;

use crate::app::peer::argument_headers;
use crate::catalogue::Mirrored;
use crate::wire::{Params, Raw};

/// Hardly any tool wants anything repeated.
const MOST: usize = 1024;

/// The tools that want something repeated, by name.
#[derive(Debug, Default)]
pub(super) struct Tools(Mutex<HashMap<String, Mirrored>>);

impl Tools {
    /// Takes note of the result of `tools/list`.
    pub(super) fn learn(&self, result: Raw<'_>) {
        let Some(tools) = result.get("tools") else { return };
        let read = |tool: Raw<'_>| {
            let mirrored = Mirrored::read(tool.get("inputSchema")?).ok().flatten()?;
            Some((tool.get("name")?.string()?.into_owned(), mirrored))
        };
        let found = tools.elements().filter_map(read).take(MOST).collect();
        *self.lock() = found;
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
        tools.learn(raw(
            r#"{"tools":[{"name":"b","inputSchema":{}},{"name":"a","inputSchema":{"properties":{
                "region":{"type":"string","x-mcp-header":"Region"},"n":{"type":"integer","x-mcp-header":"N"},
                "dry":{"type":"boolean","x-mcp-header":"Dry"}}}}]}"#,
        ));
        assert_eq!(told(call), ["mcp-param-n: 10", "mcp-param-region: =?base64?w6k=?="]);
        assert_eq!(told(r#"{"name":"b","arguments":{"region":"x"}}"#), Vec::<String>::new());
        assert_eq!(told(r#"{"name":"a"}"#), Vec::<String>::new());
        tools.learn(raw(r#"{"tools":[{"name":"a","inputSchema":{}}]}"#));
        assert_eq!(told(call), Vec::<String>::new());
    }
}
