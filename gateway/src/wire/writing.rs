//! Whole messages, put together from ids, names and payloads that are already JSON text.

use std::io::Write as _;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::wire::{Fault, flatten};

/// The gateway's name and version, as clients and shards are told (2025-11-25, schema, `Implementation`).
pub fn implementation() -> Value {
    json!({"name": "mcp-gateway", "title": "MCP gateway", "version": env!("CARGO_PKG_VERSION")})
}

/// A message in up to three pieces, so that a large payload is never copied.
#[derive(Debug, Clone, Default)]
pub struct Chunks {
    pieces: [Bytes; 3],
}

impl Chunks {
    /// The length of all pieces together, in bytes.
    pub fn len(&self) -> usize {
        self.pieces.iter().map(Bytes::len).sum()
    }

    /// Whether there is nothing at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The pieces that hold something, in order.
    pub fn into_pieces(self) -> impl Iterator<Item = Bytes> {
        self.pieces.into_iter().filter(|piece| !piece.is_empty())
    }

    /// Copies the whole message behind what `out` holds.
    pub fn append_to(&self, out: &mut Vec<u8>) {
        self.pieces.iter().for_each(|piece| out.extend_from_slice(piece));
    }
}

impl From<Vec<u8>> for Chunks {
    fn from(whole: Vec<u8>) -> Self {
        Self { pieces: [whole.into(), Bytes::new(), Bytes::new()] }
    }
}

impl From<Bytes> for Chunks {
    fn from(whole: Bytes) -> Self {
        Self { pieces: [whole, Bytes::new(), Bytes::new()] }
    }
}

/// `{"jsonrpc":"2.0","id":…,"result":…}`; `id` and `result` are JSON text. Large results are not copied.
pub fn result_response(id: &str, result: Bytes) -> Chunks {
    const COPIED_UP_TO: usize = 8 * 1024;
    let room = if result.len() <= COPIED_UP_TO { result.len() + 1 } else { 0 };
    let mut head = Vec::with_capacity(id.len() + 34 + room);
    head.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    head.extend_from_slice(id.as_bytes());
    head.extend_from_slice(b",\"result\":");
    if room == 0 {
        return Chunks { pieces: [head.into(), result, Bytes::from_static(b"}")] };
    }
    head.extend_from_slice(&result);
    head.push(b'}');
    head.into()
}

/// `{"jsonrpc":"2.0","id":…,"error":…}`; both are JSON text, on one line.
pub fn error_response(id: &str, error: &str) -> Chunks {
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{error}}}").into_bytes().into()
}

impl Fault {
    /// The fault as the answer to the request `id`, a JSON text; `null` if the id could not be read.
    pub fn response(&self, id: &str) -> Chunks {
        error_response(id, &self.to_json())
    }
}

/// A request on one line, without the line break at its end; `params` is JSON text.
pub fn request(id: u64, method: &str, params: Option<&[u8]>) -> Vec<u8> {
    message(Some(id), method, params)
}

/// A notification on one line, without the line break at its end; `params` is JSON text.
pub fn notification(method: &str, params: Option<&[u8]>) -> Vec<u8> {
    message(None, method, params)
}

fn message(id: Option<u64>, method: &str, params: Option<&[u8]>) -> Vec<u8> {
    let mut line = Vec::with_capacity(64 + method.len() + params.map_or(0, <[u8]>::len));
    line.extend_from_slice(b"{\"jsonrpc\":\"2.0\"");
    if let Some(id) = id {
        line.extend_from_slice(b",\"id\":");
        write!(line, "{id}").expect("a vector takes everything");
    }
    line.extend_from_slice(b",\"method\":");
    serde_json::to_writer(&mut line, method).expect("a vector takes everything");
    if let Some(params) = params {
        line.extend_from_slice(b",\"params\":");
        line.extend_from_slice(params);
    }
    line.push(b'}');
    flatten(&mut line);
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_reads_the_same_copied_or_not() {
        for size in [10, 100_000] {
            let result = Bytes::from(format!("\"{}\"", "x".repeat(size)));
            let expected = format!("{{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":\"{}\"}}", "x".repeat(size));
            let chunks = result_response("\"a\"", result);
            assert_eq!(chunks.len(), expected.len());
            assert_eq!(chunks.into_pieces().collect::<Vec<_>>().concat(), expected.as_bytes());
        }
    }

    #[test]
    fn a_request_is_one_line_whatever_its_parameters() {
        let line = request(7, "tools/call", Some(b"{\"a\":\n1}"));
        assert_eq!(line, br#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"a": 1}}"#);
    }
}
