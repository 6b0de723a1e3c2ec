//! What a shard is told when no single client can answer what it asks (DESIGN D2).
//!
//! Invariant: measured on real servers, these answers let the tool call finish; any other error breaks it.

use bytes::Bytes;

use crate::wire::{Fault, code};

/// The answer to a request of the shard that is not passed on.
///
/// # Errors
/// The fault that the shard is told.
pub fn answer(method: &str) -> Result<Bytes, Fault> {
    match method {
        "elicitation/create" => Ok(Bytes::from_static(b"{\"action\":\"cancel\"}")),
        "sampling/createMessage" => Err(Fault::new(
            code::INVALID_REQUEST,
            "no single client can be asked for `sampling/createMessage`; where several share this shard, `instances: exclusive` in its file tells them apart",
        )),
        _ => Err(Fault::new(code::METHOD_NOT_FOUND, format!("`{method}` is not served to shards"))),
    }
}
