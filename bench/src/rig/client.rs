//! An MCP client of either era that verifies every answer.
//!
//! Invariant: no two calls of one process have the same token, and no two calls of one client the same id.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use gateway::wire::Era;
use hyper::{HeaderMap, Method};
use serde_json::{Value, json};

use super::{Http, Notices, Outcome, Response};

static CLIENTS: AtomicU64 = AtomicU64::new(0);

/// One client with one connection.
#[derive(Debug)]
pub struct Client {
    http: Http,
    era: Era,
    session: Option<String>,
    /// Its number in this process.
    number: u64,
    last_id: u64,
    /// From one id to the next; 0 once it is frozen.
    steps: u64,
}

/// A call whose text is ready but for its id and its token.
#[derive(Debug, Clone)]
pub struct Prepared {
    notices: Notices,
    headers: HeaderMap,
    /// The body before the id, between id and token, and behind the token.
    pieces: [Vec<u8>; 3],
}

impl Client {
    /// Connects to a gateway at `host:port`; in the legacy era it opens a session.
    ///
    /// # Errors
    /// The gateway is not there or refuses.
    pub async fn connect(host: &str, era: Era) -> anyhow::Result<Self> {
        let number = CLIENTS.fetch_add(1, Ordering::Relaxed) + 1;
        let http = Http::connect(host).await?;
        let mut client = Self { http, era, session: None, number, last_id: FIRST_ID, steps: 1 };
        if era == Era::Legacy {
            client.open_session().await?;
        }
        Ok(client)
    }

    /// From now on all calls have one id and one token, equal for all clients: so a fixed answer is the right one.
    pub fn freeze(&mut self) {
        (self.number, self.last_id, self.steps) = (0, FIRST_ID, 0);
    }

    async fn open_session(&mut self) -> anyhow::Result<()> {
        let params = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "bench", "version": "1"},
        });
        let response = self.post("initialize", params).await?;
        let session = response.headers.get("mcp-session-id").and_then(|value| value.to_str().ok());
        self.session = Some(session.context("`initialize` brought no session")?.to_owned());
        let told = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        let headers = self.headers("notifications/initialized", None)?;
        let response = self.http.send(Method::POST, "/mcp", headers, told.to_string().into()).await?;
        ensure!(response.status == 202, "`initialized` was answered with {}", response.status);
        Ok(())
    }

    /// Its session, in the legacy era.
    pub fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// Connects anew, with the same session.
    ///
    /// # Errors
    /// The gateway is not there.
    pub async fn reconnect(&mut self, host: &str) -> anyhow::Result<()> {
        self.http = Http::connect(host).await?;
        Ok(())
    }

    /// Prepares calls of an echo tool by its exposed name.
    ///
    /// # Errors
    /// The name cannot be a header's value.
    pub fn prepare(&self, tool: &str) -> anyhow::Result<Prepared> {
        self.prepare_with(tool, Notices::None)
    }

    /// The same for calls that ask for notices.
    ///
    /// # Errors
    /// The name cannot be a header's value.
    pub fn prepare_with(&self, tool: &str, notices: Notices) -> anyhow::Result<Prepared> {
        const MARK: &str = "@token@";
        let mut params = self.with_meta(json!({"name": tool, "arguments": {"token": MARK}}));
        if notices == Notices::One {
            params["_meta"]["progressToken"] = PROGRESS.into();
        }
        let rest = format!(r#","method":"tools/call","params":{params}}}"#);
        let (between, behind) = rest.split_once(MARK).context("the mark is there")?;
        let pieces = [br#"{"jsonrpc":"2.0","id":"#, between.as_bytes(), behind.as_bytes()].map(<[u8]>::to_vec);
        Ok(Prepared { notices, headers: self.headers("tools/call", Some(tool))?, pieces })
    }

    /// Calls, and judges the answer.
    pub async fn call(&mut self, prepared: &Prepared) -> Outcome {
        match self.send(prepared).await {
            Ok(response) => Outcome::of(&response, self.last_id, &self.last_token(), prepared.notices),
            Err(error) => Outcome::Lost(format!("{error:#}")),
        }
    }

    /// Calls, and gives the HTTP answer as it is.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn send(&mut self, prepared: &Prepared) -> anyhow::Result<Response> {
        let request = self.next(prepared);
        self.http.send(Method::POST, "/mcp", prepared.headers.clone(), request).await
    }

    /// The token of the call that was made last.
    pub fn last_token(&self) -> String {
        token(self.number, self.last_id)
    }

    /// Makes any request and gives the HTTP answer.
    ///
    /// # Errors
    /// The connection broke, or the HTTP status is not 200.
    pub async fn post(&mut self, method: &'static str, params: Value) -> anyhow::Result<Response> {
        self.last_id += self.steps;
        let headers = self.headers(method, params.get("name").and_then(Value::as_str))?;
        let request = json!({"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": self.with_meta(params)});
        let response = self.http.send(Method::POST, "/mcp", headers, request.to_string().into()).await?;
        ensure!(response.status == 200, "`{method}` was answered with {}: {:?}", response.status, response.body);
        Ok(response)
    }

    /// Makes any request and gives its result.
    ///
    /// # Errors
    /// The connection broke, or the answer is an error or another request's.
    pub async fn ask(&mut self, method: &'static str, params: Value) -> anyhow::Result<Value> {
        let response = self.post(method, params).await?;
        let message = response.message().context("an answer without a message")?;
        let mut answer: Value = serde_json::from_slice(message)?;
        ensure!(answer["id"] == self.last_id && answer.get("error").is_none(), "`{method}`: {answer}");
        Ok(answer["result"].take())
    }

    /// The exposed names of all tools.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn tools(&mut self) -> anyhow::Result<Vec<String>> {
        let result = self.ask("tools/list", json!({})).await?;
        let tools = result["tools"].as_array().context("a list without `tools`")?;
        Ok(tools.iter().filter_map(|tool| tool["name"].as_str().map(ToOwned::to_owned)).collect())
    }

    fn next(&mut self, prepared: &Prepared) -> Bytes {
        self.last_id += self.steps;
        let token = token(self.number, self.last_id);
        let [before, between, behind] = &prepared.pieces;
        let mut request = Vec::with_capacity(before.len() + between.len() + behind.len() + 64);
        request.extend_from_slice(before);
        request.extend_from_slice(self.last_id.to_string().as_bytes());
        request.extend_from_slice(between);
        request.extend_from_slice(token.as_bytes());
        request.extend_from_slice(behind);
        request.into()
    }

    fn with_meta(&self, mut params: Value) -> Value {
        if self.era == Era::Modern {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
                "io.modelcontextprotocol/clientCapabilities": {},
            });
        }
        params
    }

    fn headers(&self, method: &str, name: Option<&str>) -> anyhow::Result<HeaderMap> {
        let mut headers = match self.era {
            Era::Legacy => vec![("mcp-protocol-version", "2025-11-25")],
            Era::Modern => vec![("mcp-protocol-version", "2026-07-28"), ("mcp-method", method)],
        };
        headers.extend(self.session.as_deref().map(|session| ("mcp-session-id", session)));
        headers.extend(name.filter(|_| self.era == Era::Modern).map(|name| ("mcp-name", name)));
        self.http.headers(&headers)
    }
}

/// Of every call: what tells calls apart is their stream.
pub(super) const PROGRESS: u64 = 7;

/// All ids have the same length, so that all answers have.
const FIRST_ID: u64 = 1_000_000_000;

fn token(client: u64, call: u64) -> String {
    format!("{client:08}-{call}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_have_one_length() {
        let tokens = [token(1, FIRST_ID), token(1, FIRST_ID + 1), token(2, FIRST_ID)];
        assert!(tokens[0] != tokens[1] && tokens[0] != tokens[2] && tokens[1] != tokens[2]);
        assert!(tokens.iter().all(|token| token.len() == tokens[0].len()));
    }
}
